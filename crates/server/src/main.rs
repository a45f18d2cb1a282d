//! The `trellis` binary.

/// A call makes and drops some hundred small values, which this one is faster at than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    trellis_server::cli::run()
}
