//! The operator's command.

use std::process::ExitCode;

/// Cheaper per request than the C library's, and connections that end give their memory back:
/// benches/README.md has the numbers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Once for the whole process, before anything asks for it; it fails only if it was done.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    duogate::cli::run()
}
