//! Keeps the participant registered and attached: one KeepAlive stream after the other.

use std::time::{Duration, Instant};

use tokio::sync::mpsc::{channel, Sender};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use crate::client::{Client, OWNER};
use crate::lease::LeaseWatch;
use crate::v1::keep_alive_request::Message as Up;
use crate::v1::keep_alive_response::Message as Down;
use crate::v1::{
    Attach, Beat, Beats, Directive, DirectiveAck, HealthState, KeepAliveRequest, KeepAliveResponse,
    LeaseLostReason, ParticipantDeclaration, Refresh, RegisterParticipantRequest,
};
use crate::work::Work;
use crate::Failure;

/// Registers, keeps a stream open, and does what the end of each stream asks for.
pub async fn stay_attached(client: Client) -> Result<(), Failure> {
    let work = Work::new(client.clone());
    let lease = LeaseWatch::new();
    tokio::spawn(watch(lease.clone(), work.clone()));
    let mut generation = 0;
    loop {
        if generation == 0 {
            match register(&client, &lease).await {
                Ok(registered) => generation = registered,
                Err(status) => eprintln!("not registered: {status}"),
            }
        }
        if generation > 0 {
            match attached(&client, &work, &lease, generation).await {
                Ok(LeaseLostReason::Superseded | LeaseLostReason::Retired) => {
                    return Err("the lease is lost for good".into());
                }
                Ok(LeaseLostReason::Expired | LeaseLostReason::Unknown) => {
                    work.stop_all();
                    generation = 0;
                }
                // Attaching is refused until an operator has reinstated it.
                Ok(LeaseLostReason::Suspended) => drop(work.stop_all()),
                // CREDENTIAL, SLOW_READER, or a broken connection: the lease still runs.
                ended => eprintln!("the stream ended: {ended:?}"),
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Stops the work as soon as the lease may have run out, whether or not there is a stream to hear it
/// on: the tasks are about to be given away.
async fn watch(lease: LeaseWatch, work: Work) {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if lease.lost() && work.stop_all() > 0 {
            eprintln!("no beat was acknowledged for a lease's length; the work has stopped");
        }
    }
}

/// Makes the participant known, or known again: claims go up, a generation comes down.
async fn register(client: &Client, lease: &LeaseWatch) -> Result<i64, Status> {
    let asked = Instant::now();
    let participant = ParticipantDeclaration {
        id: client.id.clone(),
        r#type: "agent".into(),
        owner: OWNER.into(),
        capabilities: vec!["duplicate_detection".into()],
        permissions: vec!["read_customer_master".into(), "suggest_merge".into()],
        data_domains: vec!["customer".into()],
        ..Default::default()
    };
    let message =
        RegisterParticipantRequest { participant: Some(participant), ..Default::default() };
    let request = client.request(message).await?;
    let answer = client.registry.clone().register_participant(request).await?.into_inner();
    lease.granted(length(answer.lease_ttl), asked);
    let generation = answer.participant.map_or(0, |one| one.generation);
    println!("registered {} generation {generation}", client.id);
    Ok(generation)
}

/// One stream, from Attach until it ends; answers why the lease was lost, where it was.
async fn attached(
    client: &Client,
    work: &Work,
    lease: &LeaseWatch,
    generation: i64,
) -> Result<LeaseLostReason, Status> {
    let begun = Instant::now();
    let (up, messages) = channel(64);
    let attach = Attach { participant_id: client.id.clone(), generation, ..Default::default() };
    send(&up, Up::Attach(attach)).await;
    let request = client.request(ReceiverStream::new(messages)).await?;
    let mut down: Streaming<KeepAliveResponse> =
        client.sessions.clone().keep_alive(request).await?.into_inner();
    let granted = match down.message().await?.and_then(|one| one.message) {
        Some(Down::Lease(lease)) => lease,
        Some(Down::LeaseLost(refused)) => return Ok(refused.reason()),
        _ => return Ok(LeaseLostReason::Unspecified),
    };
    lease.granted(length(granted.ttl), begun);
    let mut stream = Stream {
        client: client.clone(),
        work: work.clone(),
        lease: lease.clone(),
        generation,
        up,
        slot: granted.slot,
        token: String::new(),
        seq: 0,
        resumed: false,
    };
    let mut ticks = tokio::time::interval(length(granted.interval));
    loop {
        tokio::select! {
            _ = ticks.tick() => stream.beat().await?, // the first tick comes at once
            message = down.message() => {
                let Some(message) = message? else { return Ok(LeaseLostReason::Unspecified) };
                match message.message {
                    Some(Down::BeatAck(ack)) => stream.acknowledged(ack.seq),
                    Some(Down::Directive(directive)) => stream.directed(directive),
                    Some(Down::LeaseLost(lost)) => return Ok(lost.reason()),
                    _ => {}
                }
            }
        }
    }
}

/// What is known of an open stream.
struct Stream {
    client: Client,
    work: Work,
    lease: LeaseWatch,
    generation: i64,
    up: Sender<KeepAliveRequest>,
    slot: i32,
    token: String,
    seq: i64,
    resumed: bool,
}

impl Stream {
    /// Sends a beat. Where none was acknowledged for the length of the lease, the stream is taken to
    /// be dead, and only a new one can help.
    async fn beat(&mut self) -> Result<(), Status> {
        if self.lease.lost() {
            return Err(Status::unavailable("no beat was acknowledged for a lease's length"));
        }
        self.seq += 1;
        self.lease.sending(self.seq);
        let beat = Beat {
            slot: self.slot,
            state: HealthState::Serving as i32,
            ..Default::default()
        };
        let beats = Beats { seq: self.seq, beats: vec![beat], unchanged: vec![] };
        send(&self.up, Up::Beats(beats)).await;
        let token = self.client.token().await?;
        if !self.token.is_empty() && token != self.token {
            let credential = token.clone();
            send(&self.up, Up::Refresh(Refresh { slot: self.slot, credential })).await;
        }
        self.token = token;
        Ok(())
    }

    fn acknowledged(&mut self, seq: i64) {
        self.lease.acknowledged(seq);
        if !self.resumed {
            // The first beat has arrived: the participant is ACTIVE.
            self.resumed = true;
            let (work, generation) = (self.work.clone(), self.generation);
            tokio::spawn(async move { work.resume(generation).await });
        }
    }

    /// Carries a directive out and says so; until then it comes again.
    fn directed(&self, directive: Directive) {
        let (work, up, slot) = (self.work.clone(), self.up.clone(), self.slot);
        tokio::spawn(async move {
            let failure = work.carry_out(&directive).await.err();
            let error = failure.map_or_else(String::new, |status| status.to_string());
            if !error.is_empty() {
                eprintln!("{:?} {}: {error}", directive.action(), directive.task_id);
            }
            let ack = DirectiveAck { directive_id: directive.directive_id, error, slot };
            send(&up, Up::DirectiveAck(ack)).await;
        });
    }
}

async fn send(up: &Sender<KeepAliveRequest>, message: Up) {
    // A stream that has ended is seen by its reader.
    let _ = up.send(KeepAliveRequest { message: Some(message) }).await;
}

fn length(duration: Option<prost_types::Duration>) -> Duration {
    duration.and_then(|one| one.try_into().ok()).unwrap_or(Duration::from_secs(1))
}
