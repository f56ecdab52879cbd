//! The services of the runtime behind one address, and the credential that every call carries.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use prost::Message;
use tokio::sync::Mutex;
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::v1::assignment_service_client::AssignmentServiceClient;
use crate::v1::handoff_service_client::HandoffServiceClient;
use crate::v1::identity_service_client::IdentityServiceClient;
use crate::v1::registry_service_client::RegistryServiceClient;
use crate::v1::session_service_client::SessionServiceClient;
use crate::v1::state_service_client::StateServiceClient;
use crate::v1::{EnrolRequest, RenewCredentialRequest};
use crate::Failure;

pub const OWNER: &str = "data-governance";
/// What the runtime may answer; tonic would take half of it.
const LARGEST_MESSAGE: usize = 8 << 20;

/// What an agent calls; clones share one connection and one credential.
#[derive(Clone)]
pub struct Client {
    pub id: String,
    pub registry: RegistryServiceClient<Channel>,
    pub sessions: SessionServiceClient<Channel>,
    pub tasks: AssignmentServiceClient<Channel>,
    pub handoffs: HandoffServiceClient<Channel>,
    pub state: StateServiceClient<Channel>,
    identity: IdentityServiceClient<Channel>,
    enrolment: String,
    credential: Arc<Mutex<Option<Credential>>>,
}

struct Credential {
    token: String,
    renews: Instant,
    lapses: Instant,
}

impl Client {
    /// Connects to the runtime that the profile names.
    pub async fn connect(id: &str) -> Result<Self, Failure> {
        let (address, enrolment) = read_profile()?;
        // TLS is for addresses beyond this machine: https:// and tonic's feature "tls-native-roots".
        let channel = Channel::from_shared(format!("http://{address}"))?.connect_lazy();
        Ok(Self {
            id: id.to_string(),
            registry: RegistryServiceClient::new(channel.clone()),
            sessions: SessionServiceClient::new(channel.clone()),
            tasks: AssignmentServiceClient::new(channel.clone())
                .max_decoding_message_size(LARGEST_MESSAGE),
            handoffs: HandoffServiceClient::new(channel.clone())
                .max_decoding_message_size(LARGEST_MESSAGE),
            state: StateServiceClient::new(channel.clone())
                .max_decoding_message_size(LARGEST_MESSAGE),
            identity: IdentityServiceClient::new(channel),
            enrolment,
            credential: Arc::default(),
        })
    }

    /// A request with the credential in the metadata key "authorization", where every call has it.
    pub async fn request<T>(&self, message: T) -> Result<Request<T>, Status> {
        bearer(message, &self.token().await?)
    }

    /// The present token, renewed after half of its life.
    pub async fn token(&self) -> Result<String, Status> {
        let mut held = self.credential.lock().await;
        if let Some(one) = held.as_ref() {
            if Instant::now() < one.renews {
                return Ok(one.token.clone());
            }
        }
        match self.renewed(held.as_ref()).await {
            Ok(new) => Ok(held.insert(new).token.clone()),
            // The present one may still hold; the next call tries again.
            Err(status) => match held.as_ref() {
                Some(one) if Instant::now() < one.lapses => Ok(one.token.clone()),
                _ => Err(status),
            },
        }
    }

    async fn renewed(&self, held: Option<&Credential>) -> Result<Credential, Status> {
        let mut identity = self.identity.clone();
        if let Some(one) = held.filter(|one| Instant::now() < one.lapses) {
            let request = bearer(RenewCredentialRequest {}, &one.token)?;
            if let Ok(answer) = identity.renew_credential(request).await {
                let answer = answer.into_inner();
                return Ok(credential(answer.credential, answer.expire_time));
            }
        }
        let wanted = EnrolRequest {
            participant_id: self.id.clone(),
            owner: OWNER.to_string(),
            ..Default::default()
        };
        let answer = identity.enrol(bearer(wanted, &self.enrolment)?).await?.into_inner();
        Ok(credential(answer.credential, answer.expire_time))
    }
}

fn credential(token: String, expires: Option<prost_types::Timestamp>) -> Credential {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let life = expires.map_or(0, |at| at.seconds).saturating_sub(now as i64).max(2) as u64;
    let begins = Instant::now();
    Credential {
        token,
        renews: begins + Duration::from_secs(life / 2),
        lapses: begins + Duration::from_secs(life),
    }
}

/// Why the runtime refused: docs/errors.md has the reasons, several to a gRPC code. The crate
/// tonic-types has these messages, and all others that a status may carry.
pub fn reason_of(status: &Status) -> String {
    let known = GoogleStatus::decode(status.details()).unwrap_or_default();
    let info = known.details.iter().find(|one| one.type_url.ends_with("google.rpc.ErrorInfo"));
    let info = info.and_then(|one| ErrorInfo::decode(one.value.as_slice()).ok());
    info.unwrap_or_default().reason
}

#[derive(prost::Message)]
struct GoogleStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

#[derive(prost::Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
}

fn bearer<T>(message: T, token: &str) -> Result<Request<T>, Status> {
    let mut request = Request::new(message);
    let value = format!("Bearer {token}").parse();
    let value = value.map_err(|_| Status::unauthenticated("the token is no header value"))?;
    request.metadata_mut().insert("authorization", value);
    Ok(request)
}

/// The entries of the profile that an agent needs; a TOML library reads the rest as well. The profile
/// of one identity follows another one, which has the addresses.
fn read_profile() -> Result<(String, String), Failure> {
    let path = match std::env::var("PHOENIX_DMA_PROFILE") {
        Ok(named) => PathBuf::from(named),
        Err(_) => Path::new(&std::env::var("HOME")?).join(".config/phoenix-dma/profile.toml"),
    };
    let own = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let beside = |name: String| std::fs::read_to_string(path.with_file_name("").join(name));
    let credential = entry(&own, "credential").ok_or("the profile names no credential")?;
    let addresses = match entry(&own, "follows") {
        Some(followed) => beside(followed)?,
        None => own,
    };
    let address = entry(&addresses, "grpc").ok_or("the profile names no address")?;
    Ok((address, beside(credential)?.trim().to_string()))
}

fn entry(text: &str, name: &str) -> Option<String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().trim_matches('"').to_string())
}
