//! The build script of `prost-protovalidate-types` 0.6.0, changed in one point: the descriptor set
//! is compiled by `protox`, in process, so that no `protoc` has to be installed.
use std::env;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto_dir = "proto";
    let files = &["buf/validate/validate.proto"];

    println!("cargo:rerun-if-changed=build.rs");
    for f in files {
        println!("cargo:rerun-if-changed={proto_dir}/{f}");
    }

    let base_path = PathBuf::from(
        env::var("OUT_DIR")
            .map_err(|err| format!("missing OUT_DIR environment variable: {err}"))?,
    );
    let descriptor_path = base_path.join("file_descriptor_set.bin");
    let mut compiler = protox::Compiler::new([proto_dir])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(files)?;
    std::fs::write(&descriptor_path, compiler.encode_file_descriptor_set())?;

    let mut config = prost_build::Config::new();
    config
        .file_descriptor_set_path(&descriptor_path)
        .skip_protoc_run();

    // With `reflect`, prost-reflect-build wires `ReflectMessage` derives and
    // the `DESCRIPTOR_POOL` static into the generated types. Without it,
    // plain prost-build emits reflection-free types (same file name, same
    // module shape) for the slim build.
    #[cfg(feature = "reflect")]
    prost_reflect_build::Builder::new()
        .file_descriptor_set_path(&descriptor_path)
        .descriptor_pool("DESCRIPTOR_POOL")
        .compile_protos_with_config(config, files, &[proto_dir])?;

    #[cfg(not(feature = "reflect"))]
    config.compile_protos(files, &[proto_dir])?;

    Ok(())
}
