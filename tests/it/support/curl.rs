//! curl, as anyone has it.

use std::{process::Command, time::Duration};

use serde_json::Value;

use super::{Duogate, Outcome, command, run};

/// What curl brought.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) status: u16,
    /// `1.1` or `2`.
    pub(crate) version: String,
    pub(crate) head: String,
    pub(crate) body: String,
    /// curl's own exit code: 0 unless the answer was cut or the connection failed.
    pub(crate) exit: i32,
}

impl Fetched {
    /// Every field of this name in the final head.
    pub(crate) fn fields(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }

    /// The first field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields(name).first().copied()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

/// curl towards the edge as `https://edge.test`, trusting its certificate and nothing else.
pub(crate) fn curl(edge: &Duogate, arguments: &[&str], path: &str) -> Command {
    let port = edge.https().port();
    let mut curl = command("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--no-buffer",
        "--globoff",
        "--path-as-is",
    ])
    .args(["--max-time", "60", "--noproxy", "*"])
    .arg("--cacert")
    .arg(edge.root())
    .arg("--resolve")
    .arg(format!("edge.test:{port}:127.0.0.1"))
    .args(arguments)
    .arg(format!("https://edge.test:{port}{path}"));
    curl
}

/// Fetches a path to the end.
#[track_caller]
pub(crate) fn fetch(edge: &Duogate, arguments: &[&str], path: &str) -> Fetched {
    let mut curl = curl(edge, arguments, path);
    curl.args([
        "--dump-header",
        "/dev/stderr",
        "--write-out",
        "\n%{http_code} %{http_version}",
    ]);
    let Outcome {
        status,
        stdout,
        stderr,
    } = run(curl, Duration::from_secs(70));
    let (body, facts) = stdout.rsplit_once('\n').unwrap();
    let (code, version) = facts.split_once(' ').unwrap();
    // heads of 100 Continue come first
    let heads = stderr
        .split("\r\n\r\n")
        .filter(|head| head.trim_start().starts_with("HTTP/"));
    Fetched {
        status: code.parse().unwrap(),
        version: version.to_owned(),
        head: heads.last().unwrap_or_default().to_owned(),
        body: body.to_owned(),
        exit: status.code().unwrap_or(-1),
    }
}
