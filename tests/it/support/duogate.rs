//! The real binary as a process.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::ExitStatus,
    thread,
    time::{Duration, Instant},
};

use duogate::config::{LoadOptions, Loaded, load};
use rustix::process::{Pid, Signal};
use serde_json::{Map, Value, json};

use super::{Answer, Folder, Port, Process, TestAuthority, command, get};

/// What a test wants of the process, before it is started.
pub(crate) struct Settings {
    folder: Folder,
    /// `None`: started without a configuration file.
    file: Option<Value>,
    environment: Vec<(String, String)>,
    https: Port,
    http: Port,
    admin: Port,
    authority: TestAuthority,
}

impl Settings {
    /// A public server for `edge.test` with certificate files of a test authority, built-in doors
    /// and a short drain; ports of its own on 127.0.0.1.
    pub(crate) fn public() -> Self {
        let folder = Folder::new();
        let authority = TestAuthority::new(&folder);
        let hosts = ["edge.test", "localhost", "127.0.0.1"];
        let (certificate, key) = authority.issue(&folder, "edge", &hosts);
        let (https, http, admin) = (Port::free(), Port::free(), Port::free());
        let file = json!({
            "domains": ["edge.test"],
            "listen": {
                "https": https.address().to_string(),
                "http": http.address().to_string(),
                "admin": admin.address().to_string(),
            },
            "tls": {
                "source": "files",
                "state": folder.path().join("state"),
                "files": {"certificate": certificate, "key": key},
            },
            // tests ask nobody on the Internet
            "customers_portal": null,
            "log": {"level": "info", "format": "json"},
            "drain": {"delay_seconds": 0, "grace_seconds": 5},
        });
        let environment = Vec::new();
        Self {
            folder,
            file: Some(file),
            environment,
            https,
            http,
            admin,
            authority,
        }
    }

    /// No file at all: what runs follows from the environment alone. Only the admin port is moved,
    /// and in local mode (`local` true) the two others, so that tests can run side by side.
    pub(crate) fn without_file(local: bool) -> Self {
        let mut settings = Self::public();
        settings.file = None;
        let admin = settings.admin.address().to_string();
        settings = settings.environment("DUOGATE_LISTEN__ADMIN", &admin);
        if local {
            let (https, http) = (settings.https.address(), settings.http.address());
            settings = settings
                .environment("DUOGATE_LISTEN__HTTPS", &https.to_string())
                .environment("DUOGATE_LISTEN__HTTP", &http.to_string());
        }
        settings
    }

    /// Sets a key of the file by its path, such as `limits.api_body_bytes`.
    pub(crate) fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        let mut place = self.file.as_mut().expect("there is a file to set a key in");
        for word in path.split('.') {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = &mut place[word];
        }
        *place = value.into();
        self
    }

    /// Forwards the HTTP API.
    pub(crate) fn gateway(self, url: &str) -> Self {
        self.set("gateway", url)
    }

    /// Forwards gRPC.
    pub(crate) fn agent_platform(self, url: &str) -> Self {
        self.set("agent_platform", url)
    }

    /// Sets a variable; the process sees no other but PATH.
    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The folder with the configuration and the certificates; the working directory too.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The configuration, for a server inside the test.
    pub(crate) fn loaded(&self) -> Loaded {
        let text = self.file.as_ref().unwrap().to_string();
        let options = LoadOptions {
            file: Some(self.folder.write("duogate.yaml", text)),
            ..LoadOptions::default()
        };
        load(&options).unwrap()
    }

    /// Where https will listen.
    pub(crate) fn https(&self) -> SocketAddr {
        self.https.address()
    }

    /// Where http will listen.
    pub(crate) fn http(&self) -> SocketAddr {
        self.http.address()
    }

    /// Where the operator's pages will be.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin.address()
    }

    /// The authority whose certificate the edge shows.
    pub(crate) fn authority(&self) -> &TestAuthority {
        &self.authority
    }

    /// Starts and waits until the process answers `/healthz`.
    #[track_caller]
    pub(crate) fn start(self) -> Duogate {
        let mut duogate = self.spawn();
        duogate.wait_until_ready(Duration::from_secs(20));
        duogate
    }

    /// Starts without waiting; for a process that is to fail, or that something wraps.
    #[track_caller]
    pub(crate) fn spawn(self) -> Duogate {
        self.spawn_by(command(env!("CARGO_BIN_EXE_duogate")))
    }

    /// Writes the file for a process that something else starts.
    pub(crate) fn prepare(self) -> Prepared {
        let file = self.file.as_ref().expect("there is a file to write");
        let text = serde_json::to_string_pretty(file).unwrap();
        self.folder.write("duogate.yaml", text);
        Prepared(self)
    }

    /// Starts by a command that ends with the binary, such as `unshare -m -- .../duogate`.
    #[track_caller]
    pub(crate) fn spawn_by(self, mut command: std::process::Command) -> Duogate {
        command
            .arg("serve")
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.current_dir(self.folder.path());
        if let Some(file) = &self.file {
            // JSON is YAML
            let text = serde_json::to_string_pretty(file).unwrap();
            command
                .arg("--config")
                .arg(self.folder.write("duogate.yaml", text));
        }
        command.envs(self.environment.iter().cloned());
        Duogate {
            process: Process::start("duogate", command),
            settings: self,
        }
    }
}

/// A configuration on the disk, and the places it names.
pub(crate) struct Prepared(Settings);

impl Prepared {
    pub(crate) fn https(&self) -> SocketAddr {
        self.0.https.address()
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.0.admin.address()
    }

    /// The authority that clients have to trust, in PEM.
    pub(crate) fn root(&self) -> &Path {
        &self.0.authority.root
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.folder.path()
    }
}

/// A running Duogate; killed on drop.
pub(crate) struct Duogate {
    pub(crate) process: Process,
    settings: Settings,
}

impl Duogate {
    pub(crate) fn https(&self) -> SocketAddr {
        self.settings.https.address()
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.settings.http.address()
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.settings.admin.address()
    }

    /// The authority that clients have to trust, in PEM.
    pub(crate) fn root(&self) -> &Path {
        &self.settings.authority.root
    }

    /// Writes a new certificate with a new key over the one it serves.
    pub(crate) fn swap_certificate(&self) {
        let hosts = ["edge.test", "localhost", "127.0.0.1"];
        let authority = &self.settings.authority;
        authority.issue(&self.settings.folder, "edge", &hosts);
    }

    pub(crate) fn folder(&self) -> &Path {
        self.settings.folder.path()
    }

    pub(crate) fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// Everything logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.output()
    }

    /// Waits for a log line that holds these words.
    #[track_caller]
    pub(crate) fn log_line(&mut self, words: &str) -> String {
        self.process.line_with(words, Duration::from_secs(10))
    }

    /// Memory held in RAM, in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most that it ever held in RAM, in bytes.
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid().as_raw_nonzero()));
        let status = status.unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    }

    /// Fetches a path from the operator's listener.
    #[track_caller]
    pub(crate) fn operator(&self, path: &str) -> Answer {
        get(self.admin(), path).unwrap_or_else(|| panic!("no answer to {path}:\n{}", self.log()))
    }

    #[track_caller]
    pub(crate) fn wait_until_ready(&mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        while get(self.admin(), "/healthz").is_none_or(|answer| answer.status != 200) {
            if let Some(status) = self.process.has_ended() {
                panic!("duogate ended with {status}:\n{}", self.log());
            }
            assert!(
                Instant::now() < deadline,
                "duogate is not ready:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks it to end, as a service manager does.
    pub(crate) fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    #[track_caller]
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        self.process.wait(limit)
    }

    /// Ends it as a power cut does, and gives back the settings to start it again.
    pub(crate) fn kill(mut self) -> Settings {
        self.process.kill();
        self.settings
    }
}
