//! The `trellis` binary.

fn main() -> std::process::ExitCode {
    trellis_server::cli::run()
}
