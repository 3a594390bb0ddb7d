//! The variables of the official container that this process has a use for.
//!
//! They say what they always said: ports, TLS on those ports, metrics, log, the time that running
//! calls get at the end, trusted roots. Whose tokens are accepted stands in `official_access.rs`, the
//! HTTP API and models in `official_gateway.rs`, accounts at vendors in `official_accounts.rs`, at
//! Amazon and Google in `official_cloud.rs`. Others are never refused, so that a documented
//! `docker run` line starts as it is.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
};

use super::{
    Accounts, Amazon, DropInTls, Google, Mode, Problem, Proxies, Source, TlsFiles,
    file::Layer,
    input::{Given, GivenValue},
    keys::key,
    objects,
};
use crate::foundation::Secret;

/// What the official variables say.
#[derive(Default)]
pub(super) struct Official {
    /// Values of keys.
    pub(super) layer: Layer,
    /// TLS on the port of the HTTP API.
    pub(super) gateway_tls: Option<DropInTls>,
    /// TLS on the port of gRPC.
    pub(super) agent_platform_tls: Option<DropInTls>,
    /// Listeners for `/metrics`, with the variable that asks for each.
    pub(super) metrics: Vec<(String, SocketAddr)>,
    /// Files with more trusted roots, with the variable that names each.
    pub(super) ca_files: Vec<(String, PathBuf)>,
    /// Proxies for calls to public services.
    pub(super) proxies: Proxies,
    /// Accounts at vendors of models.
    pub(super) accounts: Accounts,
    /// The account at Amazon.
    pub(super) amazon: Amazon,
    /// The account at Google.
    pub(super) google: Google,
    /// What makes no sense.
    pub(super) problems: Vec<Problem>,
    /// What the operator should know.
    pub(super) notices: Vec<String>,
}

/// Whether the environment is one of the official container: `AIGW_GITLAB_URL` or any
/// `DUO_WORKFLOW_*`. The other `AIGW_*` alone do not count: images preset them.
pub(super) fn is_present(environment: &[(String, String)]) -> bool {
    environment.iter().any(|(name, _)| {
        let name = name.to_ascii_uppercase();
        name == "AIGW_GITLAB_URL" || name.starts_with("DUO_WORKFLOW_")
    })
}

/// Reads the variables.
pub(super) fn read(environment: &[(String, String)], mode: Mode, folder: &Path) -> Official {
    let mut reader = Reader {
        environment,
        mode,
        folder,
        official: Official::default(),
    };
    reader.ports();
    reader.official.gateway_tls = reader.tls("AIGW_FASTAPI__TLS__");
    reader.official.agent_platform_tls = reader.tls("DUO_WORKFLOW_TLS__");
    reader.metrics();
    reader.log();
    reader.grace();
    reader.access();
    reader.gateway();
    reader.official.accounts = reader.accounts();
    reader.official.amazon = reader.amazon();
    reader.official.google = reader.google();
    for name in ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"] {
        if let Some(file) = reader.value(name) {
            let file = folder.join(file);
            reader.official.ca_files.push((name.to_owned(), file));
        }
    }
    let text = |name: &str| reader.value(name).map(ToOwned::to_owned);
    reader.official.proxies = Proxies {
        https: text("HTTPS_PROXY"),
        http: text("HTTP_PROXY"),
        none_for: text("NO_PROXY"),
    };
    reader.official
}

/// Goes through the variables once.
pub(super) struct Reader<'a> {
    environment: &'a [(String, String)],
    mode: Mode,
    pub(super) folder: &'a Path,
    pub(super) official: Official,
}

impl<'a> Reader<'a> {
    /// The value of a variable, if it has one; names count in any case, as they do there.
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// The same where an empty value is one.
    pub(super) fn given(&self, name: &str) -> Option<&'a str> {
        self.environment
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// The first value of several variables.
    pub(super) fn first(&self, names: &[&str]) -> Option<String> {
        let mut values = names.iter().filter_map(|name| self.value(name));
        values.next().map(ToOwned::to_owned)
    }

    /// A value that is never shown.
    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        self.value(name).map(Secret::new)
    }

    /// A URL that is called as it stands, without a slash at its end.
    pub(super) fn url(&mut self, name: &str) -> Option<String> {
        let text = self.value(name)?;
        let uri = text.parse::<http::Uri>().ok();
        let is_url = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        });
        if !is_url {
            let remedy = "write http:// or https:// with a host";
            self.problem(name, None, "is no URL", remedy);
            return None;
        }
        Some(text.trim_end_matches('/').to_owned())
    }

    /// The ports are those of the container, so they are opened only in its place.
    fn ports(&mut self) {
        let api = ["AIGW_FASTAPI__API_HOST", "AIGW_FASTAPI__API_PORT"];
        // any value counts there, "false" too (http-api 5)
        let disabled = self.value(WITHOUT_GATEWAY).is_some();
        if self.mode == Mode::DropIn {
            if disabled {
                self.give("listen.gateway", WITHOUT_GATEWAY, "");
            }
            if let Some(name) = api.into_iter().rfind(|name| self.value(name).is_some()) {
                let address = self.address(api[0], Ipv6Addr::UNSPECIFIED.into(), api[1], 5052);
                self.give_address("listen.gateway", name, address);
            }
            if self.value("PORT").is_some() {
                let port = self.port("PORT", 50052);
                let address = port.map(|port| SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port));
                self.give_address("listen.agent_platform", "PORT", address);
            }
        } else {
            if disabled {
                self.official.notices.push(format!(
                    "{WITHOUT_GATEWAY} is not used: the port for everything serves the HTTP API too"
                ));
            }
            for name in api {
                if self.value(name).is_none() {
                    continue;
                }
                self.official.notices.push(format!(
                    "{name} is not used: it sets a port only in the place of the official \
                     container; set listen.gateway to open that port here"
                ));
            }
        }
    }

    fn give_address(&mut self, path: &str, name: &str, address: Option<SocketAddr>) {
        if let Some(address) = address {
            self.give(path, name, &address.to_string());
        }
    }

    /// Puts a value under a key unless an earlier variable did.
    pub(super) fn give(&mut self, path: &str, name: &str, text: &str) {
        let Some(key) = key(path) else { return };
        let value = GivenValue::from_text(text, key.kind, key.optional);
        let source = Source::Official {
            name: name.to_owned(),
        };
        self.official
            .layer
            .entry(key.path)
            .or_insert(Given { value, source });
    }

    fn tls(&mut self, prefix: &str) -> Option<DropInTls> {
        let names = ["ENABLED", "CERT_FILE", "KEY_FILE"].map(|name| format!("{prefix}{name}"));
        let [enabled, certificate, key] = &names;
        if !self.flag(enabled)? {
            return None;
        }
        let mut file = |name: &String| {
            let path = self.value(name).map(|file| self.folder.join(file));
            if path.is_none() {
                let message = format!("is not set, but {enabled} is true");
                self.problem(name, None, &message, "set it to the path of a PEM file");
            }
            path
        };
        let (certificate, key) = (file(certificate), file(key));
        let files = TlsFiles {
            certificate: certificate?,
            key: key?,
        };
        Some(DropInTls { files })
    }

    fn metrics(&mut self) {
        let everywhere: IpAddr = match self.mode {
            Mode::Local => Ipv4Addr::LOCALHOST.into(),
            Mode::Public | Mode::DropIn => Ipv6Addr::UNSPECIFIED.into(),
        };
        let names = ["AIGW_FASTAPI__METRICS_HOST", "AIGW_FASTAPI__METRICS_PORT"];
        if let Some(name) = names.into_iter().rfind(|name| self.value(name).is_some()) {
            let address = self.address(names[0], everywhere, names[1], 8082);
            self.add_metrics(name, address);
        }
        // the agent platform serves metrics only if both are set
        let names = ["PROMETHEUS_METRICS__ADDR", "PROMETHEUS_METRICS__PORT"];
        if names.into_iter().all(|name| self.value(name).is_some()) {
            let address = self.address(names[0], everywhere, names[1], 8083);
            self.add_metrics(names[1], address);
        }
    }

    fn add_metrics(&mut self, name: &str, address: Option<SocketAddr>) {
        let listener = address.map(|address| (name.to_owned(), address));
        self.official.metrics.extend(listener);
    }

    fn log(&mut self) {
        for prefix in ["AIGW_LOGGING__", "DUO_WORKFLOW_LOGGING__"] {
            let name = format!("{prefix}LEVEL");
            if let Some(level) = self.value(&name) {
                match log_level(level) {
                    Some(word) => self.give("log.level", &name, word),
                    None => self.problem(
                        &name,
                        Some(level),
                        "is no level",
                        "write DEBUG, INFO, WARNING or ERROR",
                    ),
                }
            }
            let name = format!("{prefix}TO_FILE");
            if let Some(file) = self.value(&name) {
                self.give("log.file", &name, file);
            }
        }
        for name in [
            "AIGW_LOGGING__FORMAT_JSON",
            "DUO_WORKFLOW_LOGGING__JSON_FORMAT",
        ] {
            if self.value(name).is_some()
                && let Some(json) = self.flag(name)
            {
                self.give("log.format", name, if json { "json" } else { "text" });
            }
        }
    }

    fn grace(&mut self) {
        let name = "DUO_WORKFLOW_SHUTDOWN_GRACE_PERIOD_S";
        if let Some(seconds) = self.value(name) {
            // there it may be written as 30.0
            let seconds = seconds.strip_suffix(".0").unwrap_or(seconds);
            self.give("drain.grace_seconds", name, seconds);
        }
    }

    /// Puts a truth value under a key unless an earlier variable did.
    pub(super) fn give_flag(&mut self, path: &str, name: &str) {
        if self.value(name).is_some()
            && let Some(flag) = self.flag(name)
        {
            self.give(path, name, word(flag));
        }
    }

    /// Puts a value under a field of an object of a list unless an earlier variable did.
    pub(super) fn give_field(
        &mut self,
        path: &str,
        position: usize,
        field: &str,
        name: &str,
        text: &str,
    ) {
        let Some(key) = key(path) else {
            return;
        };
        let Some(field) = key.kind.fields().iter().find(|known| known.name == field) else {
            return;
        };
        let value = GivenValue::from_text(text, field.kind, field.is_optional());
        let source = Source::Official {
            name: name.to_owned(),
        };
        objects::give(
            &mut self.official.layer,
            key,
            position,
            field,
            Given { value, source },
        );
    }

    fn address(
        &mut self,
        host: &str,
        default_host: IpAddr,
        port: &str,
        default_port: u16,
    ) -> Option<SocketAddr> {
        let address = match self.value(host) {
            None => Some(default_host),
            Some("localhost") => Some(Ipv4Addr::LOCALHOST.into()),
            Some(text) => {
                let address = text.trim_matches(['[', ']']).parse().ok();
                if address.is_none() {
                    self.problem(
                        host,
                        Some(text),
                        "is no IP address",
                        "write 0.0.0.0 or [::]",
                    );
                }
                address
            }
        };
        let port = self.port(port, default_port);
        Some(SocketAddr::new(address?, port?))
    }

    fn port(&mut self, name: &str, default: u16) -> Option<u16> {
        let Some(text) = self.value(name) else {
            return Some(default);
        };
        let port = text.parse().ok();
        if port.is_none() {
            self.problem(name, Some(text), "is no port", "write a number up to 65535");
        }
        port
    }

    /// A truth value; false where there is none, nothing where it is no truth value.
    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        let Some(text) = self.value(name) else {
            return Some(false);
        };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
            "false" | "0" | "no" | "off" | "f" | "n" => Some(false),
            _ => {
                self.problem(name, Some(text), "is no truth value", "write true or false");
                None
            }
        }
    }

    pub(super) fn problem(&mut self, name: &str, value: Option<&str>, message: &str, remedy: &str) {
        let problem = Problem::new("", message, remedy);
        let problem = match value {
            Some(value) => problem.with_value(value),
            None => problem,
        };
        self.official.problems.push(Problem {
            variable: Some(name.to_owned()),
            ..problem
        });
    }
}

/// Starts the Agent Platform alone in the official container. Its counterpart,
/// `ENABLE_DUO_WORKFLOW_SERVICE`, asks for what is always there.
const WITHOUT_GATEWAY: &str = "DISABLE_AI_GATEWAY";

/// Our word for a truth value.
pub(super) fn word(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

/// Our word for a level of Python's.
fn log_level(level: &str) -> Option<&'static str> {
    match level.to_ascii_uppercase().as_str() {
        "CRITICAL" | "FATAL" | "ERROR" => Some("error"),
        "WARNING" | "WARN" => Some("warn"),
        "INFO" => Some("info"),
        "DEBUG" => Some("debug"),
        "NOTSET" | "TRACE" => Some("trace"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn official(mode: Mode, pairs: &[(&str, &str)]) -> Official {
        let environment: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        read(&environment, mode, Path::new("/srv"))
    }

    fn text(official: &Official, path: &str) -> Option<String> {
        match &official.layer.get(path)?.value {
            GivenValue::One(item) => Some(item.text.clone()),
            _ => None,
        }
    }

    #[test]
    fn ports_are_taken_in_the_place_of_the_container_alone() {
        let pairs = [("AIGW_FASTAPI__API_PORT", "6000"), ("PORT", "7000")];
        let drop_in = official(Mode::DropIn, &pairs);
        assert_eq!(
            text(&drop_in, "listen.gateway").as_deref(),
            Some("[::]:6000")
        );
        assert_eq!(
            text(&drop_in, "listen.agent_platform").as_deref(),
            Some("[::]:7000")
        );
        let public = official(Mode::Public, &pairs);
        assert!(public.layer.is_empty());
        assert_eq!(public.notices.len(), 1);
    }

    #[test]
    fn the_http_api_can_be_left_out() {
        let pairs = [
            ("DISABLE_AI_GATEWAY", "true"),
            ("AIGW_FASTAPI__API_PORT", "6000"),
        ];
        let drop_in = official(Mode::DropIn, &pairs);
        let given = &drop_in.layer.get("listen.gateway").unwrap().value;
        assert!(matches!(given, GivenValue::Nothing));
        let public = official(Mode::Public, &pairs[..1]);
        assert!(public.layer.is_empty());
        assert!(public.notices[0].starts_with("DISABLE_AI_GATEWAY is not used"));
    }

    #[test]
    fn variables_without_a_meaning_are_told() {
        let pairs = [
            ("AIGW_FEATURE_FLAGS__DISALLOWED_FLAGS", "{}"),
            ("AIGW_MOCK_MODEL_RESPONSES", "true"),
        ];
        assert_eq!(official(Mode::DropIn, &pairs).notices.len(), 2);
        let off = [("AIGW_MOCK_MODEL_RESPONSES", "false")];
        assert!(official(Mode::DropIn, &off).notices.is_empty());
    }

    #[test]
    fn tls_needs_both_files() {
        let whole = official(
            Mode::DropIn,
            &[
                ("AIGW_FASTAPI__TLS__ENABLED", "True"),
                ("AIGW_FASTAPI__TLS__CERT_FILE", "a.pem"),
                ("AIGW_FASTAPI__TLS__KEY_FILE", "/b.pem"),
                ("DUO_WORKFLOW_TLS__ENABLED", "false"),
            ],
        );
        let files = whole.gateway_tls.expect("TLS is on").files;
        assert_eq!(files.certificate, PathBuf::from("/srv/a.pem"));
        assert_eq!(files.key, PathBuf::from("/b.pem"));
        assert_eq!(whole.agent_platform_tls, None);
        let half = official(Mode::DropIn, &[("DUO_WORKFLOW_TLS__ENABLED", "1")]);
        assert_eq!(half.problems.len(), 2);
        let odd = official(Mode::DropIn, &[("DUO_WORKFLOW_TLS__ENABLED", "maybe")]);
        assert_eq!(odd.problems.len(), 1);
    }

    #[test]
    fn metrics_log_grace_and_roots_are_taken() {
        let found = official(
            Mode::DropIn,
            &[
                ("AIGW_FASTAPI__METRICS_PORT", "8083"),
                ("PROMETHEUS_METRICS__ADDR", "127.0.0.1"),
                ("PROMETHEUS_METRICS__PORT", "8084"),
                ("aigw_logging__level", "WARNING"),
                ("DUO_WORKFLOW_LOGGING__LEVEL", "debug"),
                ("AIGW_LOGGING__FORMAT_JSON", "no"),
                ("AIGW_LOGGING__TO_FILE", ""),
                ("DUO_WORKFLOW_LOGGING__TO_FILE", "d.log"),
                ("DUO_WORKFLOW_SHUTDOWN_GRACE_PERIOD_S", "40"),
                ("SSL_CERT_FILE", "roots.pem"),
            ],
        );
        assert_eq!(found.problems, []);
        let metrics: Vec<_> = found
            .metrics
            .iter()
            .map(|(_, address)| address.to_string())
            .collect();
        assert_eq!(metrics, ["[::]:8083", "127.0.0.1:8084"]);
        assert_eq!(text(&found, "log.level").as_deref(), Some("warn"));
        assert_eq!(text(&found, "log.format").as_deref(), Some("text"));
        assert_eq!(text(&found, "log.file").as_deref(), Some("d.log"));
        assert_eq!(text(&found, "drain.grace_seconds").as_deref(), Some("40"));
        assert_eq!(found.ca_files[0].1, PathBuf::from("/srv/roots.pem"));
    }

    #[test]
    fn only_two_kinds_of_variables_make_a_drop_in() {
        let present = |name: &str| is_present(&[(name.to_owned(), String::new())]);
        assert!(present("AIGW_GITLAB_URL"));
        assert!(present("DUO_WORKFLOW_AUTH__ENABLED"));
        assert!(!present("AIGW_CUSTOM_MODELS__ENABLED"));
        assert!(!present("PORT"));
    }
}
