//! Embeds `config/prompts`: a table of every file's path and text, which `prompt::embedded`
//! includes. Compiles `proto`: the messages and the service that `agent::proto` includes, and
//! their description for reflection.

use std::{
    env,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    embed_prompts()?;
    compile_contract()
}

/// Without a protoc of the system: protox reads the file.
fn compile_contract() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={CONTRACT}");
    let folder = Path::new(CONTRACT).parent().unwrap_or(Path::new("."));
    let mut compiler = protox::Compiler::new([folder])?;
    compiler
        .include_imports(true)
        .include_source_info(true)
        .open_file(CONTRACT)?;
    let descriptions = compiler.file_descriptor_set();
    compiler.include_source_info(false);
    let file = Path::new(&variable("OUT_DIR")).join("contract.bin");
    fs::write(file, compiler.encode_file_descriptor_set())?;
    tonic_prost_build::configure()
        .build_client(false)
        // by far the largest of the events, and there is one for each stream
        .boxed(".ClientEvent.response.startRequest")
        .compile_fds(descriptions)?;
    Ok(())
}

fn embed_prompts() -> io::Result<()> {
    println!("cargo::rerun-if-changed={PROMPTS}");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join(PROMPTS);
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    // the order of a folder's entries is the file system's; a build should not depend on it
    files.sort();
    let rows: Vec<String> = files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy();
            let file = file.to_string_lossy();
            format!("    ({name:?}, include_str!({file:?})),\n")
        })
        .collect();
    let table = format!("&[\n{}]\n", rows.concat());
    fs::write(Path::new(&variable("OUT_DIR")).join("prompts.rs"), table)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if path.is_dir() {
            collect(&path, files)?;
        } else if matches!(kind, Some("yml" | "jinja")) {
            files.push(path);
        }
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a build script is told by its environment what to do"
)]
fn variable(name: &str) -> String {
    env::var(name).expect("cargo sets it for every build script")
}

/// The prompts, below the package's root.
const PROMPTS: &str = "config/prompts";

/// GitLab's contract for agents, below the package's root.
const CONTRACT: &str = "proto/duo_workflow.proto";
