//! The questions in their order.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use http::{Method, Version};

use super::{
    Finding, GitlabSettings, Place, Report,
    agent_platform::Call,
    answerer::Answerer,
    api::{self, Caller},
    authenticated::Authenticated,
    certificate::Judge,
    clear_port, difference, names, own_port, protocols, reach,
};
use crate::{
    foundation::{Clock, Tasks},
    inspect::{CallerToken, ModelUnderTest},
    upstream::{Exchange, Probe, ProbeError, Shown, TrustRoots, UpstreamError},
};

/// What to look at, and how.
#[derive(Clone, Debug)]
pub struct Questions {
    /// What GitLab is given as the gateway's URL.
    pub url: Place,
    /// A gRPC port of its own, if there is one.
    pub grpc: Option<Place>,
    /// Roots of private authorities, in PEM.
    pub ca_files: Vec<PathBuf>,
    /// Dial this address whatever DNS says.
    pub address: Option<IpAddr>,
    /// Where challenges and redirects are served; 80 for the world.
    pub clear_port: u16,
    /// The longest time for one step.
    pub patience: Duration,
    /// For what only callers with one see.
    pub token: Option<CallerToken>,
    /// A model that has to answer.
    pub model: Option<ModelUnderTest>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// Looks at everything. Fails only when the questions themselves cannot be asked.
pub async fn examine(questions: &Questions) -> Result<Report, UpstreamError> {
    let roots = TrustRoots::load(&questions.ca_files)?;
    let public = TrustRoots::load(&[])?;
    let probe = Probe::new(questions.url.origin(), questions.patience)?;
    let mut examination = Examination {
        questions,
        roots,
        public,
        probe,
        tasks: Tasks::new(),
        findings: Vec::new(),
        settings: GitlabSettings::new(&questions.url, questions.grpc.as_ref()),
    };
    examination.main_port().await;
    examination.own_port().await?;
    Ok(Report {
        findings: examination.findings,
        settings: examination.settings,
    })
}

struct Examination<'a> {
    questions: &'a Questions,
    roots: TrustRoots,
    public: TrustRoots,
    probe: Probe,
    tasks: Tasks,
    findings: Vec<Finding>,
    settings: GitlabSettings,
}

impl Examination<'_> {
    /// The port for everything, and port 80 beside it.
    async fn main_port(&mut self) {
        let (url, instead) = (&self.questions.url, self.questions.address);
        let (addresses, findings) = names::look_up(url, instead, self.questions.patience).await;
        self.findings.extend(findings);
        let (reached, findings) = reach::reach(&self.probe, &addresses, PORT).await;
        self.findings.extend(findings);
        if let Some(address) = reached.first().copied()
            && let Some(shown) = self.first_handshake(address).await
        {
            self.other_addresses(&shown, &reached).await;
            self.serving(address, &shown).await;
            let secret = Authenticated {
                probe: &self.probe,
                caller: self.caller(),
                judge: self.judge(),
                address,
                token: self.questions.token.as_ref(),
                model: self.questions.model.as_ref(),
            };
            let findings = secret.look().await;
            self.findings.extend(findings);
        }
        // looked at in any case: a closed 443 beside an open 80 tells who is there
        if let Some(address) = reached.first().or(addresses.first()) {
            let address = SocketAddr::new(address.ip(), self.questions.clear_port);
            let findings = clear_port::look(&self.probe, &self.caller(), address).await;
            self.findings.extend(findings);
        }
    }

    /// As Workhorse and browsers do it: both protocols offered.
    async fn first_handshake(&mut self, address: SocketAddr) -> Option<Shown> {
        let shown = match self.shake(address, BOTH).await {
            Ok(shown) => shown,
            Err(ProbeError::NoProtocol { .. }) => match self.shake(address, &[]).await {
                Ok(shown) => shown,
                Err(error) => {
                    self.findings.push(protocols::failed(&error, TLS));
                    return None;
                }
            },
            Err(error) => {
                self.findings.push(protocols::failed(&error, TLS));
                return None;
            }
        };
        self.findings.push(protocols::version(&shown));
        let verdict = self.judge().judge(&shown.chain);
        self.findings.push(verdict.finding);
        self.settings.private_authority = verdict.private_authority;
        Some(shown)
    }

    async fn shake(&self, address: SocketAddr, offered: &[&[u8]]) -> Result<Shown, ProbeError> {
        let (shown, _) = self.probe.shake(address, offered).await?;
        Ok(shown)
    }

    /// Every address of a name has to be the same server, or one that is as good.
    async fn other_addresses(&mut self, first: &Shown, reached: &[SocketAddr]) {
        for address in reached.iter().skip(1) {
            let seen = match self.shake(*address, BOTH).await {
                Ok(shown) if shown.chain.first() == first.chain.first() => continue,
                Ok(shown) => {
                    let verdict = self.judge().judge(&shown.chain);
                    if verdict.finding.remedy.is_none() {
                        continue;
                    }
                    format!(
                        "{address} shows another certificate: {}",
                        verdict.finding.seen
                    )
                }
                Err(error) => error.to_string(),
            };
            self.findings.push(Finding::warning(
                "certificate",
                seen,
                "clients choose among the addresses of a name: let all of them be Duogate, or \
                 remove the record of the other one",
            ));
        }
    }

    /// What is served over TLS.
    async fn serving(&mut self, address: SocketAddr, shown: &Shown) {
        let probed = self.plain_tls(address).await;
        if let Some(exchange) = &probed {
            let now = self.questions.clock.now();
            let clock = difference::compare(&exchange.head.headers, now);
            self.findings.extend(clock);
        }
        let by_us = probed.is_some_and(|exchange| Answerer::of(&exchange.head.headers).is_ours());
        let (findings, http2) = protocols::offers(&self.probe, address, shown, by_us).await;
        self.findings.extend(findings);
        if http2 {
            let version = Version::HTTP_2;
            match self
                .get(address, &[b"h2"], version, Method::GET, HEALTH)
                .await
            {
                Ok(outcome) => self.findings.push(api::health("healthz h2", &outcome)),
                Err(error) => self.findings.push(protocols::failed(&error, TLS)),
            }
            if self.questions.grpc.is_none() {
                let caller = self.caller();
                let mut findings = Vec::new();
                for call in Call::ALL {
                    findings.push(own_port::ask(&self.probe, &caller, address, true, call).await);
                }
                self.findings.extend(findings);
            }
        }
    }

    /// As Rails does it: HTTP/1.1 without ALPN, which also the newer TLS check of GitLab leaves
    /// out (gitlab-clients 1.2 and 2.2). The answer to `HEAD /` comes back.
    async fn plain_tls(&mut self, address: SocketAddr) -> Option<Exchange> {
        let version = Version::HTTP_11;
        let head = match self.get(address, &[], version, Method::HEAD, "/").await {
            Ok(outcome) => outcome,
            Err(error) => {
                self.findings.push(Finding::problem(
                    "alpn",
                    format!("a client without ALPN is refused: {error}"),
                    "GitLab's Rails offers no ALPN: whoever terminates TLS here has to accept that, \
                     as Duogate does",
                ));
                return None;
            }
        };
        self.findings.push(api::host_probe(&head));
        match self.get(address, &[], version, Method::GET, HEALTH).await {
            Ok(outcome) => self.findings.push(api::health("healthz", &outcome)),
            Err(error) => self.findings.push(protocols::failed(&error, TLS)),
        }
        head.ok()
    }

    /// One request over a fresh connection: the outer failure is the connection's.
    async fn get(
        &self,
        address: SocketAddr,
        offered: &[&[u8]],
        version: Version,
        method: Method,
        path: &str,
    ) -> Result<Result<Exchange, UpstreamError>, ProbeError> {
        let (_, stream) = self.probe.shake(address, offered).await?;
        let caller = self.caller();
        let request = caller.request(method, path, version);
        Ok(caller.ask(stream, request).await)
    }

    /// The gRPC port of its own, where one was named.
    async fn own_port(&mut self) -> Result<(), UpstreamError> {
        let Some(place) = &self.questions.grpc else {
            return Ok(());
        };
        let probe = Probe::new(place.origin(), self.questions.patience)?;
        let caller = Caller {
            place,
            ..self.caller()
        };
        let judge = Judge {
            name: probe.name(),
            ..self.judge()
        };
        let found = own_port::look(&probe, &caller, &judge, self.questions.address).await;
        self.findings.extend(found.findings);
        self.settings.secure = found.secure;
        Ok(())
    }

    fn caller(&self) -> Caller<'_> {
        Caller {
            place: &self.questions.url,
            tasks: &self.tasks,
            patience: self.questions.patience,
        }
    }

    fn judge(&self) -> Judge<'_> {
        Judge {
            roots: &self.roots,
            public: &self.public,
            name: self.probe.name(),
            now: self.questions.clock.now(),
        }
    }
}

/// What Duogate offers.
const BOTH: &[&[u8]] = &[b"h2", b"http/1.1"];

const HEALTH: &str = "/monitoring/healthz";

const PORT: &str = "https port";

const TLS: &str = "tls";
