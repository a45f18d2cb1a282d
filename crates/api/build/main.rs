//! Turns the contract into Rust: messages, clients, servers, validation, and what the grammar needs
//! to know of each request and resource. Everything happens in this process, without `protoc`.

mod access;
mod addresses;
mod exposure;
mod methods;
mod modules;
mod names;
mod resources;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use protox::prost_reflect::DescriptorPool;

const PROTO: &str = "../../proto";
const THIRD_PARTY: &str = "../../third_party/proto";

/// Clients that decode the details of an error by reflection need these.
const ERROR_DETAILS: [&str; 2] = ["google/rpc/error_details.proto", "google/rpc/status.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    for folder in ["build", PROTO, THIRD_PARTY] {
        println!("cargo:rerun-if-changed={folder}");
    }
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);

    let mut files = Vec::new();
    protos(Path::new(PROTO), &mut files)?;
    files.sort();
    let mut compiler = protox::Compiler::new([PROTO, THIRD_PARTY])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(files)?;
    compiler.open_files(ERROR_DETAILS)?;
    let descriptors = compiler.encode_file_descriptor_set();
    let pool = compiler.descriptor_pool();
    fs::write(out.join("descriptors.bin"), &descriptors)?;

    let messages = out.join("messages");
    if messages.exists() {
        fs::remove_dir_all(&messages)?;
    }
    fs::create_dir_all(&messages)?;
    tonic_prost_build::configure()
        .out_dir(&messages)
        .extern_path(".buf.validate", "::prost_protovalidate_types")
        // Maps keep their order, so that one request has one encoding and one hash.
        .btree_map(".")
        // What is hidden from a caller is left out where an answer is encoded, so that no handler
        // can forget it.
        .codec_path("crate::exposed::Codec")
        .compile_fds(compiler.file_descriptor_set())?;
    prost_protovalidate_build::Builder::new()
        .file_descriptor_set_bytes(descriptors)
        .out_dir(&out)
        .extern_path(".buf.validate", "::prost_protovalidate_types")
        .extern_path(".google.protobuf", "::prost_types")
        // A rule that is not checked is worse than none: the build fails instead.
        .fail_on_runtime_only(true)
        .compile()?;

    let validated = fs::read_to_string(out.join("validate_impl.rs"))?;
    let validated = validated.split_whitespace().collect::<Vec<_>>().join(" ");
    fs::write(out.join("modules.rs"), modules::tree(&pool))?;
    fs::write(out.join("grammar.rs"), grammar(&pool, &validated)?)?;
    fs::write(out.join("methods.rs"), methods::table(&pool)?)?;
    Ok(())
}

/// Every proto file of the contract.
fn protos(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            protos(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "proto")
        {
            files.push(path);
        }
    }
    Ok(())
}

/// The implementations of the grammar's traits.
fn grammar(pool: &DescriptorPool, validated: &str) -> Result<String, Box<dyn Error>> {
    let mut code = String::new();
    methods::write(pool, validated, &mut code)?;
    resources::write(pool, validated, &mut code)?;
    exposure::write(pool, &mut code)?;
    Ok(code)
}
