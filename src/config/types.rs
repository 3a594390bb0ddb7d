//! The effective configuration.

use std::{net::IpAddr, net::SocketAddr, path::PathBuf, time::Duration};

use super::{Accounts, Amazon, Google, Limits};

/// Everything the process needs to know from its operator.
#[derive(Clone, Debug)]
pub struct Config {
    /// Which of the three ways to start applies; follows from what is given.
    pub mode: Mode,
    /// Names and addresses we answer for; in local mode localhost, 127.0.0.1 and `::1`; may be
    /// empty in drop-in mode.
    pub domains: Vec<Domain>,
    /// Addresses to listen on.
    pub listen: Listen,
    /// How many threads carry requests.
    pub workers: Workers,
    /// Certificates.
    pub tls: Tls,
    /// Who answers the HTTP API.
    pub gateway: Target,
    /// Who answers gRPC.
    pub agent_platform: Target,
    /// GitLab instances whose tokens are accepted.
    pub gitlab: Vec<GitlabInstance>,
    /// The customers' portal, whose tokens are accepted too: its URL without a final slash.
    pub customers_portal: Option<String>,
    /// What is asked of tokens.
    pub auth: Auth,
    /// Keys that sign our own tokens.
    pub keys: Keys,
    /// A folder whose prompts stand in the place of the built-in ones.
    pub prompts: Option<PathBuf>,
    /// The index of documentation that is searched.
    pub documentation_index: Option<PathBuf>,
    /// Outgoing connections.
    pub upstream: Upstream,
    /// Models.
    pub models: Models,
    /// What describes the doors.
    pub pages: Pages,
    /// The log.
    pub log: Log,
    /// `drain.delay_seconds`: how long listeners still answer after the end was asked for.
    pub drain_delay: Duration,
    /// `drain.grace_seconds`: how long streams may go on after the listeners closed.
    pub drain_grace: Duration,
    /// Every bound by name.
    pub limits: Limits,
}

/// The three ways to start (design: "Three ways to start").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `domains` is given: a public server on 443 and 80.
    Public,
    /// No domains, but variables of the official container: 5052 and 50052.
    DropIn,
    /// Nothing is given: loopback only, an internal certificate.
    Local,
}

/// A name or an address that certificates are made for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// A DNS name in lower case, without a final dot; never a wildcard.
    Name(String),
    /// An IP address.
    Address(IpAddr),
}

impl std::fmt::Display for Domain {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Address(address) => write!(formatter, "{address}"),
        }
    }
}

/// Addresses to listen on; an absent one is not opened.
#[derive(Clone, Debug, Default)]
pub struct Listen {
    /// TLS for everything.
    pub https: Option<SocketAddr>,
    /// Challenges and redirects.
    pub http: Option<SocketAddr>,
    /// The HTTP API on its own port.
    pub gateway: Option<SocketAddr>,
    /// gRPC on its own port.
    pub agent_platform: Option<SocketAddr>,
    /// The operator's port.
    pub admin: Option<SocketAddr>,
    /// More listeners that serve `/metrics` alone.
    pub metrics: Vec<SocketAddr>,
    /// Networks whose PROXY header is believed.
    pub proxy_protocol_from: Vec<ipnet::IpNet>,
    /// Networks whose `X-Forwarded-*` is believed.
    pub trusted_proxies: Vec<ipnet::IpNet>,
}

/// Threads that carry requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// One runtime with a thread for each core.
    Shared,
    /// One runtime with this many threads.
    Number(usize),
}

/// Certificates: where from, and what TLS is spoken.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Where certificates come from.
    pub source: TlsSource,
    /// The oldest TLS version served.
    pub min_version: TlsVersion,
    /// The state folder: account, keys, orders, certificates, the internal CA.
    pub state: PathBuf,
    /// Used by source `acme`.
    pub acme: Acme,
    /// Present with source `files`.
    pub files: Option<TlsFiles>,
    /// TLS on port 5052 as the official variables ask (`AIGW_FASTAPI__TLS__*`).
    pub gateway: Option<DropInTls>,
    /// TLS on port 50052 as the official variables ask (`DUO_WORKFLOW_TLS__*`).
    pub agent_platform: Option<DropInTls>,
}

/// Where certificates come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsSource {
    /// An ACME server.
    Acme,
    /// Files of the operator.
    Files,
    /// A certificate authority of our own in the state folder.
    Internal,
}

/// A TLS version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2
    V12,
    /// TLS 1.3
    V13,
}

/// How to obtain certificates from an ACME server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acme {
    /// URL of the directory.
    pub directory: String,
    /// Directories that are asked, in this order, when the first one fails.
    pub fallback_directories: Vec<String>,
    /// A directory for trials: after a failure it has to issue before the others are asked again.
    pub staging_directory: Option<String>,
    /// The kind of certificate to order, by the ACME server's name for it.
    pub profile: Option<String>,
    /// The account at the operator of the ACME server that ours is bound to.
    pub eab: Option<ExternalAccount>,
    /// Keys and certificates may be lost with the container.
    pub allow_ephemeral_state: bool,
    /// Contact addresses without the `mailto:` scheme.
    pub contact: Vec<String>,
    /// Challenges in the order to try them; never empty.
    pub challenges: Vec<ChallengeKind>,
    /// Root of a private ACME server, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// An account that the operator of an ACME server knows (RFC 8555 7.3.4).
#[derive(Clone, PartialEq, Eq)]
pub struct ExternalAccount {
    /// What the operator calls it.
    pub kid: String,
    /// The key that proves it is ours, decoded. Never shown.
    pub hmac_key: Vec<u8>,
}

impl std::fmt::Debug for ExternalAccount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ExternalAccount")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// A way to prove that a name is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChallengeKind {
    /// A certificate shown in a handshake with ALPN `acme-tls/1` (RFC 8737).
    TlsAlpn01,
    /// A token under `/.well-known/acme-challenge/` on port 80 (RFC 8555 8.3).
    Http01,
}

/// A certificate chain and its key as files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// TLS on a port of the official container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropInTls {
    /// The pair named by the official variables.
    pub files: TlsFiles,
}

/// Who answers a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// This process.
    Builtin,
    /// A server behind us: `http://` or `https://` with host and optional port; no path.
    Forward(http::Uri),
}

/// A GitLab instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitlabInstance {
    /// Its URL with its path, without a final slash.
    pub url: String,
    /// More roots that its certificate may come from, in PEM.
    pub ca_file: Option<PathBuf>,
}

/// What is asked of tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// Whether requests need one; in local mode false, except for requests through a proxy.
    pub required: bool,
    /// Whether `Bypass-Auth: true` makes up for one (http-api 3.7).
    pub bypass_with_header: bool,
    /// Whether they are believed without a look at their signature (http-api 3.7).
    pub bypass_signature: bool,
    /// The audience they have to name, and the issuer of ours.
    pub service_name: String,
    /// The same for the agent platform.
    pub agent_platform: AgentPlatformAuth,
}

/// What is asked of tokens of the agent platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentPlatformAuth {
    /// Whether calls need one; in local mode false, except for calls through a proxy.
    pub required: bool,
    /// The audience they have to name, and the issuer of ours.
    pub service_name: String,
}

/// Keys of the tokens we issue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Of the HTTP API.
    pub gateway: SigningKeys,
    /// Of the agent platform.
    pub agent_platform: SigningKeys,
}

/// The keys of one door.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SigningKeys {
    /// Signs.
    pub signing: Option<KeySource>,
    /// The previous one, whose tokens are still accepted.
    pub validation: Option<KeySource>,
}

/// Where a private key comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The key itself in PEM, as it was pasted. Never shown.
    Pem(String),
    /// The absolute path of a file with it.
    File(PathBuf),
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Pem(_) => formatter.write_str("Pem(..)"),
            Self::File(path) => formatter.debug_tuple("File").field(path).finish(),
        }
    }
}

/// Outgoing connections.
#[derive(Clone, Debug, Default)]
pub struct Upstream {
    /// Files with more trusted roots (`REQUESTS_CA_BUNDLE`, `SSL_CERT_FILE`).
    pub ca_files: Vec<PathBuf>,
    /// Proxies for calls to public services.
    pub proxies: Proxies,
}

/// Proxies, as the variables everybody uses name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `https://` URLs (`HTTPS_PROXY`).
    pub https: Option<String>,
    /// For `http://` URLs (`HTTP_PROXY`).
    pub http: Option<String>,
    /// Hosts and networks that are reached without one, with commas between (`NO_PROXY`).
    pub none_for: Option<String>,
}

/// Which models may be asked, and how.
#[derive(Clone, Default)]
pub struct Models {
    /// Whether requests may name model servers.
    pub custom_enabled: bool,
    /// For calls that name none.
    pub default: Option<DefaultModel>,
    /// Hosts that may be asked; empty means all.
    pub allowed_hosts: Vec<String>,
    /// Names and values; values are never shown.
    pub extra_headers: Vec<(String, String)>,
    /// Whether streams are never asked for.
    pub disable_streaming: bool,
    /// How long a model may be silent where a prompt does not say.
    pub timeout: Duration,
    /// The longest answer of prompts under `chat/`, in tokens.
    pub chat_max_tokens: Option<u32>,
    /// Servers that share the calls of an endpoint, and how many each gets.
    pub endpoints: Vec<ModelEndpoint>,
    /// TLS towards model servers.
    pub tls: ModelTls,
    /// Accounts at vendors of models.
    pub accounts: Accounts,
    /// The account at Amazon, as its own variables say it.
    pub amazon: Amazon,
    /// The account at Google, as its own variables say it.
    pub google: Google,
}

impl std::fmt::Debug for Models {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Models")
            .field("custom_enabled", &self.custom_enabled)
            .field("default", &self.default)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// An endpoint of models and the servers that stand for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEndpoint {
    /// The URL that GitLab's administrator types in.
    pub endpoint: String,
    /// URLs of servers that are called in its place; empty: itself.
    pub urls: Vec<String>,
    /// How many calls one server gets at a time.
    pub concurrency: Option<usize>,
}

/// A model of the operator's.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DefaultModel {
    /// Its family.
    pub name: String,
    /// The URL of its server.
    pub endpoint: String,
    /// Never shown.
    pub api_key: Option<String>,
    /// What the server calls it, behind a prefix.
    pub identifier: String,
}

impl std::fmt::Debug for DefaultModel {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("DefaultModel")
            .field("name", &self.name)
            .field("identifier", &self.identifier)
            .finish_non_exhaustive()
    }
}

/// TLS towards model servers.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ModelTls {
    /// The certificate that is shown to them.
    pub certificate: Option<PathBuf>,
    /// Its key.
    pub key: Option<PathBuf>,
    /// What opens the key; never shown.
    pub key_password: Option<String>,
    /// The only roots, where given.
    pub ca_file: Option<PathBuf>,
    /// Whether their certificates are judged.
    pub verify: bool,
}

impl std::fmt::Debug for ModelTls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ModelTls")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .field("ca_file", &self.ca_file)
            .field("verify", &self.verify)
            .finish_non_exhaustive()
    }
}

/// Where the built-in AI gateway describes itself; paths, absent where it does not. And whether the
/// agent platform does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// The OpenAPI document.
    pub openapi: Option<String>,
    /// The same for eyes.
    pub docs: Option<String>,
    /// A second place of it.
    pub redoc: Option<String>,
    /// Whether the built-in agent platform describes itself to gRPC clients.
    pub grpc_reflection: bool,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    /// Least severity written.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
    /// Written here too when given.
    pub file: Option<PathBuf>,
    /// Whether prompts and answers are written for everybody.
    pub contents: bool,
}

/// Least severity written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Only failures of ours.
    Error,
    /// And what an operator should look at.
    Warn,
    /// And one line per request.
    Info,
    /// And decisions along the way.
    Debug,
    /// And everything libraries say.
    Trace,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// For eyes.
    Text,
}
