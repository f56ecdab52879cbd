//! An agent of the Phoenix DMA Runtime in Rust: it registers, beats, works on tasks and takes them over.
//!
//! ```text
//! agent <participant id>      work until killed
//! agent vectors <folder>      check the hashes and ids of tests/vectors
//! ```
//!
//! The runtime's address and the enrolment credential come from the profile that `phoenix-dma up` or
//! `phoenix-dma enrol` wrote: $PHOENIX_DMA_PROFILE, else ~/.config/phoenix-dma/profile.toml.

mod client;
mod hashes;
mod lease;
mod session;
mod work;

/// Messages and clients, generated from protos/phoenix_dma/v1.
pub mod v1 {
    tonic::include_proto!("phoenix_dma.v1");
}

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["vectors", folder] => hashes::check_vectors(folder),
        [id] => {
            let client = client::Client::connect(id).await?;
            session::stay_attached(client).await
        }
        _ => Err("usage: agent <participant id> | agent vectors <folder>".into()),
    }
}
