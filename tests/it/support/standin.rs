//! Stand-ins for the services behind the edge: `tests/upstreams/*.py`.

use std::{net::SocketAddr, process::Command, time::Duration};

use super::{Process, python};

/// A running stand-in. It takes any free port and says `ready ADDRESS` when it listens.
pub(crate) struct Standin {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Standin {
    /// Starts `tests/upstreams/NAME.py` with these arguments.
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        let mut command = python(&format!("upstreams/{name}.py"));
        command.args(arguments);
        Self::of(name, command)
    }

    /// Starts any program that says the same when it listens.
    pub(crate) fn of(name: &str, command: Command) -> Self {
        let mut process = Process::start(name, command);
        let line = process.line_with("ready ", Duration::from_secs(30));
        let address = line.trim_start_matches("ready ").trim().parse().unwrap();
        Self { process, address }
    }

    /// `http://ADDRESS`
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}
