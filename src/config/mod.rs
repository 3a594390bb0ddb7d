//! What the operator asked for, as types.
//!
//! One YAML file, then the environment, become one [`Config`]: checked, complete, with every
//! default filled in. Every problem is found before anything else runs, and each names its file,
//! line, key, value and remedy. The rooms above read the typed values and never the environment
//! or the file.
//!
//! This room must not know sockets, certificates' contents or what the doors do; rooms that can
//! judge more (a key that does not fit its certificate) offer a `check` of their own that returns
//! this room's [`Problem`]s.
//!
//! Limits: a configuration file of at most 1 MiB, nested at most 16 deep.

mod limits;
mod types;

pub use limits::Limits;
pub use types::{
    Acme, ChallengeKind, Config, Domain, DropInTls, Listen, Log, LogFormat, LogLevel, Mode, Target,
    Tls, TlsFiles, TlsSource, TlsVersion, Upstream, Workers,
};
