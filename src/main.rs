//! The operator's command.

use std::process::ExitCode;

/// Less time per request than with the C library's: benches/README.md has the numbers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Once for the whole process, before anything asks for it; it fails only if it was done.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    duogate::cli::run()
}
