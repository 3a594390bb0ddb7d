//! acme2certifier: a second, independent ACME server, and the only one of others that has renewal
//! information (RFC 9773). It validates on ports 80 and 443 and asks a DNS server on port 53, so
//! it needs root. It takes orders that replace a certificate, but never says so in its answer.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    time::Duration,
};

use duogate::{
    app::{self, Services},
    listener::InheritedSockets,
};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    acme::{DnsServer, available, dns_server, wait_for, wait_until_valid},
    support::{
        Answer, Folder, Port, Process, Settings, clock::MovableClock, command, get,
        mock_authority::renewal_identifier, skip,
    },
};

/// acme2certifier, and the ports it looks at.
struct SecondServer {
    process: Process,
    /// What the processes before this one said.
    said: String,
    port: Port,
    folder: Folder,
    https: Port,
    http: Port,
    _dns: DnsServer,
    _dns_port: Port,
}

impl SecondServer {
    /// With these lines about renewal information; none where it cannot run.
    fn start(renewal_info: &[&str]) -> Option<Self> {
        if !available() {
            return None;
        }
        if !rustix::process::geteuid().is_root() {
            skip("acme2certifier validates on ports 80 and 443, which needs root");
            return None;
        }
        // always in this order, so that two tests cannot wait for each other
        let (https, http, dns_port) = (Port::exactly(443), Port::exactly(80), Port::exactly(53));
        let (port, folder) = (Port::free(), Folder::new());
        Some(Self {
            _dns: dns_server(&dns_port),
            process: run_on(&folder, &port, renewal_info),
            said: String::new(),
            port,
            folder,
            https,
            http,
            _dns_port: dns_port,
        })
    }

    /// Starts it again with other lines; what it issued stays.
    fn restart(&mut self, renewal_info: &[&str]) {
        self.process.kill();
        self.said += &self.process.output();
        self.process = run_on(&self.folder, &self.port, renewal_info);
    }

    /// A Duogate that gets its certificates here.
    fn edge(&self, challenge: &str) -> Settings {
        Settings::public()
            .set("listen.https", self.https.address().to_string())
            .set("listen.http", self.http.address().to_string())
            .set(
                "tls",
                json!({
                    "source": "acme",
                    "state": "state",
                    "acme": {
                        "directory": format!("http://{}/directory", self.port.address()),
                        "challenges": [challenge],
                        "contact": ["ops@example.com"],
                    },
                }),
            )
    }

    /// Every line with these words that it ever said.
    fn lines_with(&self, words: &str) -> Vec<String> {
        let said = self.said.clone() + &self.process.output();
        let lines = said.lines().filter(|line| line.contains(words));
        lines.map(ToOwned::to_owned).collect()
    }

    /// How often it was asked when a certificate is to be replaced.
    fn questions(&self) -> usize {
        self.lines_with("\"GET /acme/renewal-info/").len()
    }

    /// What each order said that it replaces, and what the answer said.
    fn orders(&self) -> Vec<String> {
        self.lines_with("an order replaces")
    }

    /// The names of its certificates for renewal information (RFC 9773 4.1).
    fn issued(&self) -> Vec<String> {
        let files = fs::read_dir(self.folder.path().join("certs")).unwrap();
        let names = files.map(|file| {
            let text = fs::read(file.unwrap().path()).unwrap();
            let (_, pem) = x509_parser::pem::parse_x509_pem(&text).unwrap();
            renewal_identifier(&pem.parse_x509().unwrap())
        });
        names.collect()
    }

    /// What it says itself of this certificate.
    fn window_of(&self, identifier: &str) -> Answer {
        let path = format!("/acme/renewal-info/{identifier}");
        get(self.port.address(), &path).unwrap()
    }
}

fn run_on(folder: &Folder, port: &Port, renewal_info: &[&str]) -> Process {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut second = command(tests.join(".parts/acme/bin/python"));
    second.arg(tests.join("upstreams/acme2certifier_server.py"));
    second.arg(folder.path()).arg(port.number().to_string());
    second.args(renewal_info);
    let process = Process::start("acme2certifier", second);
    wait_for(Duration::from_secs(30), || {
        TcpStream::connect(port.address()).ok()
    });
    process
}

#[test]
fn acme2certifier_issues_as_well() {
    let Some(second) = SecondServer::start(&[]) else {
        return;
    };
    for challenge in ["http-01", "tls-alpn-01"] {
        let server = second.edge(challenge).start();
        let shown = wait_until_valid(&server);
        assert_eq!(shown["challenge"], challenge);
        assert_eq!(shown["issuer"], "CN=a second authority");
    }
}

/// A Duogate of this process on a clock of the test; the second server stays in the true time.
struct Life {
    clock: MovableClock,
    admin: SocketAddr,
    _running: app::Running,
    _settings: Settings,
}

impl Life {
    async fn start(settings: Settings) -> Self {
        let clock = MovableClock::new(Duration::from_millis(5));
        let services = Services {
            clock: Arc::new(clock.clone()),
            ..Services::default()
        };
        let config = settings.loaded().config;
        let running = app::start(config, services, InheritedSockets::default());
        Self {
            _running: running.await.unwrap(),
            clock,
            admin: settings.admin(),
            _settings: settings,
        }
    }

    /// The certificate, once it is as `wanted` asks.
    #[track_caller]
    fn certificate_with(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_for(Duration::from_secs(60), || {
            let answer: Value = serde_json::from_str(&get(self.admin, "/certs")?.body).ok()?;
            let shown = answer["certificates"][0].clone();
            wanted(&shown).then_some(shown)
        })
    }

    /// The certificate after this one, once its window is known.
    #[track_caller]
    fn successor_of(&self, former: &Value) -> Value {
        self.certificate_with(|shown| {
            let other = shown["serial"] != former["serial"] && shown["state"] == "valid";
            other && shown["window_start"] != former["window_start"]
        })
    }
}

fn moment(text: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(text.as_str().unwrap(), &Rfc3339).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_window_of_acme2certifier_is_shown_and_renewed_in() {
    let Some(second) = SecondServer::start(&DAY_THIRTEEN) else {
        return;
    };
    let life = Life::start(second.edge("http-01")).await;
    let first = life.certificate_with(|shown| shown["window_chosen"].is_string());
    let issued = second.issued();
    assert_eq!(issued.len(), 1);

    let told = second.window_of(&issued[0]);
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(told.field("Retry-After"), Some("7200"), "{told:?}");
    let window: Value = serde_json::from_str(&told.body).unwrap();
    let window = &window["suggestedWindow"];
    let (from, to) = (moment(&first["window_start"]), moment(&first["window_end"]));
    assert_eq!(from, moment(&window["start"]), "{told:?}");
    assert_eq!(to, moment(&window["end"]), "{told:?}");
    assert_eq!(to - from, DAY, "{told:?}");
    assert_eq!(from - moment(&first["not_before"]), 12 * DAY, "{told:?}");
    let chosen = moment(&first["window_chosen"]);
    assert!((from..=to).contains(&chosen), "{first}");

    // the certificate's life alone would renew it on day 19
    life.clock.travel(11 * DAY + 23 * HOUR).await;
    assert_eq!(second.orders().len(), 1, "before the window");
    life.clock.travel(13 * DAY + HOUR).await;
    life.certificate_with(|shown| shown["serial"] != first["serial"]);
    life.clock.travel(13 * DAY + 5 * HOUR).await;
    assert_eq!(second.issued().len(), 2);
    assert_eq!(second.orders(), silently_replacing(&[&issued[0]]));
}

/// This server's forced window began a year ago and ends in a day, for each certificate, also for
/// those it issued a moment ago, as long as its setting stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renewal_that_acme2certifier_forces_costs_one_certificate() {
    let Some(mut second) = SecondServer::start(&DAY_THIRTEEN) else {
        return;
    };
    let life = Life::start(second.edge("tls-alpn-01")).await;
    let first = life.certificate_with(|shown| shown["window_chosen"].is_string());
    let issued = second.issued();
    let asked = second.questions();

    second.restart(&["renewal_force: True", "retry_after_timeout: 7200"]);
    life.clock.travel(HOUR + 59 * MINUTE).await;
    assert_eq!(second.questions(), asked, "not before the server said");
    // later than the end of the forced window, so that chance cannot choose another moment
    life.clock.travel(DAY + HOUR).await;
    let renewed = life.successor_of(&first);
    let told = second.window_of(&issued[0]);
    assert_eq!(renewed["failures"], 0, "{renewed} {told:?}");
    assert_eq!(second.orders(), silently_replacing(&[&issued[0]]));

    // the successor is as due as the first one was, but no storm comes of it
    life.clock.travel(DAY + 4 * HOUR).await;
    assert_eq!(second.issued().len(), 2, "{:#?}", second.orders());

    second.restart(&DAY_THIRTEEN);
    life.clock.travel(DAY + 6 * HOUR + 30 * MINUTE).await;
    let shown = life.certificate_with(|shown| shown["window_start"] != renewed["window_start"]);
    let start = moment(&shown["not_before"]) + 12 * DAY;
    assert_eq!(moment(&shown["window_start"]), start, "{shown}");
    life.clock.travel(5 * DAY).await;
    assert_eq!(second.issued().len(), 2, "{:#?}", second.orders());
}

/// The orders of one certificate after another, each of which told the one before, to a server that
/// does not say it back.
fn silently_replacing(replaced: &[&str]) -> Vec<String> {
    let told = std::iter::once("None").chain(replaced.iter().copied());
    told.map(|told| format!("an order replaces {told}, the answer says None"))
        .collect()
}

/// A window in the thirteenth of the thirty days that its certificates live.
const DAY_THIRTEEN: [&str; 3] = [
    "renewalthreshold_pctg: 40",
    "renewal_window_duration: 1d",
    "retry_after_timeout: 7200",
];

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
