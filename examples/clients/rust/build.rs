//! Generates messages and gRPC stubs from ../../../protos; the protoc comes with a crate.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let protos = std::path::Path::new("../../../protos");
    std::env::set_var("PROTOC", protoc_bin_vendored::protoc_bin_path()?);
    let files: Vec<_> = ["assignment", "handoff", "identity", "registry", "session", "state"]
        .iter()
        .map(|name| protos.join(format!("phoenix_dma/v1/{name}.proto")))
        .collect();
    tonic_prost_build::configure().build_server(false).compile_protos(&files, &[protos.into()])?;
    Ok(())
}
