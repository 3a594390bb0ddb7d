//! What no key can say alone: whether the values fit each other.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use super::{ChallengeKind, Config, Domain, Mode, Problem, Target, TlsSource};

/// Every contradiction between keys that are sound by themselves.
pub(super) fn judge(config: &Config, broken: &BTreeSet<String>) -> Vec<Problem> {
    let mut judge = Judge {
        config,
        broken,
        problems: Vec::new(),
    };
    judge.loopback();
    judge.collisions();
    judge.something_to_serve();
    judge.circles();
    judge.certificates();
    judge.files();
    judge.model_tls();
    judge.heads();
    judge.problems
}

/// Each listener with its key.
pub(super) fn listeners(config: &Config) -> impl Iterator<Item = (&'static str, SocketAddr)> {
    let listen = &config.listen;
    let single = [
        ("listen.https", listen.https),
        ("listen.http", listen.http),
        ("listen.gateway", listen.gateway),
        ("listen.agent_platform", listen.agent_platform),
        ("listen.admin", listen.admin),
    ];
    single
        .into_iter()
        .filter_map(|(key, address)| Some((key, address?)))
        .chain(
            listen
                .metrics
                .iter()
                .map(|address| ("listen.metrics", *address)),
        )
}

/// Whether two listeners cannot both be opened.
pub(super) fn overlap(left: SocketAddr, right: SocketAddr) -> bool {
    let covers = |all: IpAddr, one: IpAddr| match all {
        IpAddr::V6(address) => address.is_unspecified(),
        IpAddr::V4(address) => address.is_unspecified() && one.is_ipv4(),
    };
    // port 0 is any free port
    left.port() != 0
        && left.port() == right.port()
        && (left.ip() == right.ip()
            || covers(left.ip(), right.ip())
            || covers(right.ip(), left.ip()))
}

/// The address of a server on this machine, where its URL says so without a look-up.
fn loopback_address(uri: &http::Uri) -> Option<SocketAddr> {
    let default_port = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let port = uri.port_u16().unwrap_or(default_port);
    let ip = match uri.host()? {
        "localhost" => Ipv4Addr::LOCALHOST.into(),
        host => host.trim_matches(['[', ']']).parse::<IpAddr>().ok()?,
    };
    ip.is_loopback().then_some(SocketAddr::new(ip, port))
}

struct Judge<'a> {
    config: &'a Config,
    broken: &'a BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Judge<'_> {
    /// Says it unless one of the keys it depends on is broken and the judgement a guess.
    fn say(&mut self, depends_on: &[&str], problem: Problem) {
        let guess = depends_on
            .iter()
            .chain(&[problem.key.as_str()])
            .any(|key| self.broken.contains(*key));
        if !guess {
            self.problems.push(problem);
        }
    }

    fn loopback(&mut self) {
        if self.config.mode != Mode::Local {
            return;
        }
        for (key, address) in listeners(self.config) {
            if !address.ip().to_canonical().is_loopback() {
                let remedy = format!(
                    "set domains for a public server, or write \"127.0.0.1:{}\"",
                    address.port()
                );
                let message = "is open to others, but without domains only this machine is served";
                let problem = Problem::new(key, message, remedy);
                self.say(&["domains"], problem.with_value(address.to_string()));
            }
        }
    }

    fn collisions(&mut self) {
        let all: Vec<_> = listeners(self.config).collect();
        for (index, (key, address)) in all.iter().enumerate() {
            let earlier = all.iter().take(index);
            for (other_key, other) in earlier.filter(|(_, other)| overlap(*address, *other)) {
                let problem = Problem::new(
                    *key,
                    format!("takes the same port as {other_key} ({other})"),
                    "give each listener a port of its own, or write null for the one not needed",
                );
                self.say(&[other_key], problem.with_value(address.to_string()));
            }
        }
    }

    fn something_to_serve(&mut self) {
        let listen = &self.config.listen;
        if listen
            .https
            .or(listen.gateway)
            .or(listen.agent_platform)
            .is_none()
        {
            let message =
                "is null like listen.gateway and listen.agent_platform: nothing is served";
            let problem = Problem::new("listen.https", message, "write \"[::]:443\"");
            self.say(&["listen.gateway", "listen.agent_platform"], problem);
        }
    }

    /// A server behind us that is ourselves would get each request again and again.
    fn circles(&mut self) {
        let doors = [
            ("gateway", &self.config.gateway),
            ("agent_platform", &self.config.agent_platform),
        ];
        for (key, target) in doors {
            let Target::Forward(uri) = target else {
                continue;
            };
            let Some(address) = loopback_address(uri) else {
                continue;
            };
            let own = listeners(self.config).find(|(_, listener)| overlap(*listener, address));
            if let Some((listener, _)) = own {
                let problem = Problem::new(
                    key,
                    format!("is this process itself: {listener} is on that port"),
                    "write the address of the server behind, or give the listener another port",
                );
                self.say(&[listener], problem.with_value(uri.to_string()));
            }
        }
    }

    fn certificates(&mut self) {
        match (self.config.mode, self.config.tls.source) {
            (Mode::Public, TlsSource::Acme) => {
                self.nameable();
                self.bound();
                self.provable();
            }
            (Mode::DropIn | Mode::Local, TlsSource::Acme) => self.say(
                &["domains"],
                Problem::new(
                    "tls.source",
                    "is acme, but there are no domains to obtain a certificate for",
                    "set domains: [NAME]",
                )
                .with_value("acme"),
            ),
            (Mode::DropIn, _) => self.without_names(),
            (Mode::Public | Mode::Local, TlsSource::Files | TlsSource::Internal) => {}
        }
    }

    /// Without domains there is nothing to certify and nowhere to redirect to.
    fn without_names(&mut self) {
        if self.config.listen.https.is_some() && self.config.tls.source != TlsSource::Files {
            let problem = Problem::new(
                "listen.https",
                "is given, but there are no domains to have a certificate for",
                "set domains: [NAME], or tls.source: files with a certificate of your own",
            );
            self.say(&["domains", "tls.source"], problem);
        }
        if self.config.listen.http.is_some() {
            let problem = Problem::new(
                "listen.http",
                "is given, but there are no domains to redirect to",
                "set domains: [NAME], or remove it",
            );
            self.say(&["domains"], problem);
        }
    }

    /// A certificate authority gives nothing for names that mean another machine to everybody.
    fn nameable(&mut self) {
        for domain in &self.config.domains {
            let local = match domain {
                Domain::Name(name) => name == "localhost" || name.ends_with(".localhost"),
                Domain::Address(_) => false,
            };
            if local {
                let problem = Problem::new(
                    "domains",
                    "is this machine for everybody; no ACME server certifies it",
                    "write the name GitLab connects to, or set tls.source: internal",
                );
                self.say(&["tls.source"], problem.with_value(domain.to_string()));
            }
        }
    }

    /// Half a binding binds nothing.
    fn bound(&mut self) {
        let Some(eab) = &self.config.tls.acme.eab else {
            return;
        };
        let (lacking, given) = match (eab.kid.is_empty(), eab.hmac_key.is_empty()) {
            (true, false) => ("tls.acme.eab.kid", "tls.acme.eab.hmac_key"),
            (false, true) => ("tls.acme.eab.hmac_key", "tls.acme.eab.kid"),
            _ => return,
        };
        let problem = Problem::new(
            lacking,
            format!("is not given, but {given} is"),
            "write both halves of the external account binding, or none",
        );
        self.say(&[given], problem);
    }

    fn provable(&mut self) {
        let acme = &self.config.tls.acme;
        let mut seen = BTreeSet::new();
        let twice = acme
            .challenges
            .iter()
            .any(|challenge| !seen.insert(format!("{challenge:?}")));
        if acme.challenges.is_empty() || twice {
            let message = if twice {
                "names a challenge twice"
            } else {
                "is empty"
            };
            let remedy = "write [tls-alpn-01, http-01]";
            self.say(&[], Problem::new("tls.acme.challenges", message, remedy));
            return;
        }
        let listen = &self.config.listen;
        let possible = acme.challenges.iter().any(|challenge| match challenge {
            ChallengeKind::TlsAlpn01 => listen.https.is_some(),
            ChallengeKind::Http01 => listen.http.is_some(),
        });
        if !possible {
            let problem = Problem::new(
                "tls.acme.challenges",
                "cannot be answered: tls-alpn-01 needs listen.https, http-01 needs listen.http",
                "open one of the two, or add the challenge of the one that is open",
            );
            self.say(&["listen.https", "listen.http"], problem);
        }
    }

    fn files(&mut self) {
        let source = self.config.tls.source;
        let pair = self.config.tls.files.as_ref();
        let certificate = pair.is_some_and(|pair| !pair.certificate.as_os_str().is_empty());
        let key = pair.is_some_and(|pair| !pair.key.as_os_str().is_empty());
        for (path, given) in [
            ("tls.files.certificate", certificate),
            ("tls.files.key", key),
        ] {
            if source == TlsSource::Files && !given {
                let problem = Problem::new(
                    path,
                    "is not given, but tls.source is files",
                    "write the path of a PEM file, such as /etc/letsencrypt/live/NAME/*.pem",
                );
                self.say(&["tls.source"], problem);
            } else if source != TlsSource::Files && given {
                let problem = Problem::new(
                    path,
                    "is given, but tls.source is not files",
                    "set tls.source: files, or remove it",
                );
                self.say(&["tls.source"], problem);
            }
        }
    }

    fn model_tls(&mut self) {
        let tls = &self.config.models.tls;
        if tls.certificate.is_some() {
            return;
        }
        for (path, is_given) in [
            ("models.tls.key", tls.key.is_some()),
            ("models.tls.key_password", tls.key_password.is_some()),
        ] {
            if is_given {
                let problem = Problem::new(
                    path,
                    "is given, but models.tls.certificate is not",
                    "give the certificate that belongs to the key, or remove it",
                );
                self.say(&["models.tls.certificate"], problem);
            }
        }
    }

    fn heads(&mut self) {
        let limits = &self.config.limits;
        if limits.request_target_bytes > limits.request_head_bytes {
            let problem = Problem::new(
                "limits.request_target_bytes",
                "is more than limits.request_head_bytes, of which it is a part",
                format!("write at most {}", limits.request_head_bytes),
            );
            let value = limits.request_target_bytes.to_string();
            self.say(&["limits.request_head_bytes"], problem.with_value(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_overlap_on_the_same_port_of_the_same_addresses() {
        let check = |left: &str, right: &str| {
            let address = |text: &str| text.parse().expect("an address");
            overlap(address(left), address(right))
        };
        assert!(check("[::]:80", "127.0.0.1:80"));
        assert!(check("127.0.0.1:80", "0.0.0.0:80"));
        assert!(check("[::1]:80", "[::1]:80"));
        assert!(!check("0.0.0.0:80", "[::1]:80"));
        assert!(!check("[::]:80", "[::]:81"));
        assert!(!check("127.0.0.1:0", "127.0.0.1:0"));
    }
}
