//! What the operator asked for, as types.
//!
//! One YAML file, then the environment, become one [`Config`]: checked, complete, with every
//! default filled in. Every problem is found before anything else runs, and each names its file,
//! line, key, value and remedy. The rooms above read the typed values and never the environment
//! or the file.
//!
//! One table of keys (`keys.rs`, `access_keys.rs`, `tls_keys.rs`, `limit_keys.rs`) drives all of it: a key is one
//! entry there and one typed field. The file becomes a tree of lines and spellings
//! (`document.rs`). The tree (`file.rs`), our variables (`environment.rs`) and the official
//! container's (`official.rs`) become layers of values by key (`load.rs`). The highest layer wins,
//! the key's setter turns the value into its type (`assembly.rs`), and what no key can judge alone
//! is judged at the end (`judge.rs`). A list of objects is one key whose fields are layered each for
//! itself (`objects.rs`). The same table prints the effective values (`print.rs`) and
//! writes the schema and the documentation (`schema.rs`).
//!
//! This room must not know sockets, certificates' contents or what the doors do; rooms that can
//! judge more (a key that does not fit its certificate) offer a `check` of their own that returns
//! this room's [`Problem`]s.
//!
//! Limits: a configuration file of at most 1 MiB, nested at most 16 deep.

mod access_keys;
mod accounts;
mod address;
mod assembly;
mod cloud;
mod document;
mod domain;
mod environment;
mod external_account;
mod file;
#[cfg(fuzzing)]
pub mod fuzzing;
mod input;
mod judge;
mod key;
mod keys;
mod limit_keys;
mod limits;
mod load;
mod model_keys;
mod nearest;
mod objects;
mod official;
mod official_access;
mod official_accounts;
mod official_cloud;
mod official_gateway;
mod page_keys;
mod print;
mod problem;
mod schema;
mod start;
mod suggest;
mod tls_keys;
mod types;
mod watch;

pub use accounts::{Account, Accounts, AzureAccount, EntraCredentials};
pub use cloud::{
    Amazon, AmazonCredentials, AmazonKeys, ContainerCredentials, ContainerToken, Google, Guardrail,
    WebIdentity,
};
pub use limits::Limits;
pub use load::{LoadOptions, Loaded, Setting, Source, load, notify_socket};
pub use problem::{Problem, mask_userinfo};
pub use schema::{reference, schema};
pub use start::{PREDECESSOR_VARIABLE, Program, predecessor};
pub use types::{
    Acme, AgentPlatformAuth, Auth, ChallengeKind, Config, DefaultModel, Domain, DropInTls,
    ExternalAccount, GitlabInstance, KeySource, Keys, Listen, Log, LogFormat, LogLevel, Mode,
    ModelEndpoint, ModelTls, Models, Pages, Proxies, SigningKeys, Target, Tls, TlsFiles, TlsSource,
    TlsVersion, Upstream, Workers,
};
pub use watch::FolderWatch;
