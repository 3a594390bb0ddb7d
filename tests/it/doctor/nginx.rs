//! nginx in places where it should not be.

use std::{
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::folder;
use crate::support::{Duogate, Folder, Port, Process, command};

/// A running nginx with one server.
pub(super) struct Nginx {
    port: Port,
    _process: Process,
    _folder: Folder,
}

impl Nginx {
    /// `PORT` in the words of the server becomes its port.
    #[track_caller]
    pub(super) fn start(server: &str) -> Self {
        let (folder, port) = (folder(), Port::free());
        let server = server.replace("PORT", &port.number().to_string());
        let path = folder.path().display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
            .concat();
        let configuration = format!(
            "daemon off;\nmaster_process off;\npid {path}/pid;\nerror_log stderr;\n\
             events {{}}\nhttp {{\naccess_log off;\n{temporary}server {{ {server} }}\n}}\n"
        );
        let file = folder.write("nginx.conf", configuration);
        let mut nginx = command("nginx");
        nginx.arg("-c").arg(file).args(["-e", "stderr"]);
        let mut process = Process::start("nginx", nginx);
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(port.address()).is_err() {
            let ended = process.has_ended();
            assert!(ended.is_none(), "nginx ended: {}", process.output());
            assert!(Instant::now() < deadline, "nginx: {}", process.output());
            thread::sleep(Duration::from_millis(20));
        }
        Self {
            port,
            _process: process,
            _folder: folder,
        }
    }

    /// With the certificate of `edge`, whose TLS address stands for `BEHIND`.
    #[track_caller]
    pub(super) fn with_certificate(edge: &Duogate, server: &str) -> Self {
        let path = edge.folder().display();
        let server = server.replace("BEHIND", &edge.https().to_string());
        Self::start(&format!(
            "{server} ssl_certificate {path}/edge.crt; ssl_certificate_key {path}/edge.key;"
        ))
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.port.address()
    }
}
