//! The keys under `tls:`.

use std::path::PathBuf;

use super::{
    ChallengeKind, Config, TlsFiles, TlsSource, TlsVersion,
    address::{contact, directory},
    external_account::{external_account, hmac_key, kid},
    input::{choice, text},
    key::{
        Choice,
        DefaultValue::{Always, ByMode},
        Key, Kind, words,
    },
};

/// Certificates.
pub(super) static TLS: &[Key] = &[
    Key::new(
        "tls.source",
        Kind::Choice(words::<TlsSource>),
        ByMode {
            public: "acme",
            drop_in: "internal",
            local: "internal",
        },
        "Where certificates come from: an ACME server, your files, or a certificate authority of \
         our own in the state folder.",
        |config, input| input.one(choice).map(|value| config.tls.source = value),
    ),
    Key::new(
        "tls.min_version",
        Kind::Choice(words::<TlsVersion>),
        Always("1.2"),
        "The oldest TLS version served.",
        |config, input| {
            input
                .one(choice)
                .map(|value| config.tls.min_version = value)
        },
    ),
    Key::new(
        "tls.state",
        Kind::Path,
        Always("certs"),
        "The folder for account, keys, orders, certificates and the internal authority. Put it on \
         a volume that outlives the container.",
        |config, input| input.path().map(|value| config.tls.state = value),
    ),
    Key::new(
        "tls.acme.directory",
        Kind::Url,
        Always("https://acme-v02.api.letsencrypt.org/directory"),
        "The directory of the ACME server.",
        |config, input| {
            input
                .one(directory)
                .map(|value| config.tls.acme.directory = value)
        },
    ),
    Key::new(
        "tls.acme.fallback_directories",
        Kind::Urls,
        Always(""),
        "Directories that are asked, in this order, when the first one fails. Each gets an account \
         of its own.",
        |config, input| {
            input
                .many(directory)
                .map(|value| config.tls.acme.fallback_directories = value)
        },
    ),
    Key::new(
        "tls.acme.staging_directory",
        Kind::Url,
        Always(""),
        "A directory for trials: after a failure it has to issue a certificate, which is thrown \
         away, before the others are asked again. Let's Encrypt's is \
         https://acme-staging-v02.api.letsencrypt.org/directory.",
        |config, input| {
            input
                .optional(directory)
                .map(|value| config.tls.acme.staging_directory = value)
        },
    )
    .optional(),
    Key::new(
        "tls.acme.profile",
        Kind::Text,
        Always(""),
        "The kind of certificate to order, as the ACME server calls it: at Let's Encrypt classic, \
         tlsserver or shortlived. Without one, IP addresses get shortlived where it is offered.",
        |config, input| {
            input
                .optional(text)
                .map(|value| config.tls.acme.profile = value)
        },
    )
    .optional(),
    Key::new(
        "tls.acme.eab.kid",
        Kind::Text,
        Always(""),
        "The key identifier of an external account binding, for servers that ask for one.",
        |config, input| {
            if let Some(value) = input.optional(kid)? {
                external_account(config).kid = value;
            }
            Ok(())
        },
    )
    .optional(),
    Key::new(
        "tls.acme.eab.hmac_key",
        Kind::Text,
        Always(""),
        "The key of the external account binding, in base64url as it is handed out.",
        |config, input| {
            if let Some(value) = input.optional(hmac_key)? {
                external_account(config).hmac_key = value;
            }
            Ok(())
        },
    )
    .optional()
    .secret(),
    Key::new(
        "tls.acme.allow_ephemeral_state",
        Kind::Choice(words::<bool>),
        Always("false"),
        "Order from a public ACME server even if the state folder is lost with the container. \
         Rate limits then end the service for a week after a few restarts.",
        |config, input| {
            input
                .one(choice)
                .map(|value| config.tls.acme.allow_ephemeral_state = value)
        },
    ),
    Key::new(
        "tls.acme.contact",
        Kind::Words,
        Always(""),
        "E-mail addresses for the ACME account.",
        |config, input| {
            input
                .many(contact)
                .map(|value| config.tls.acme.contact = value)
        },
    ),
    Key::new(
        "tls.acme.challenges",
        Kind::Choices(words::<ChallengeKind>),
        Always("tls-alpn-01,http-01"),
        "Ways to prove that a name is ours, in the order to try them.",
        |config, input| {
            input
                .many(choice)
                .map(|value| config.tls.acme.challenges = value)
        },
    ),
    Key::new(
        "tls.acme.ca_file",
        Kind::Path,
        Always(""),
        "The root certificate of a private ACME server, in PEM.",
        |config, input| {
            input
                .optional_path()
                .map(|value| config.tls.acme.ca_file = value)
        },
    )
    .optional(),
    Key::new(
        "tls.files.certificate",
        Kind::Path,
        Always(""),
        "With source files: the chain in PEM, the server's own certificate first.",
        |config, input| {
            let value = input.optional_path()?;
            files(config).certificate = value.unwrap_or_default();
            Ok(())
        },
    )
    .optional(),
    Key::new(
        "tls.files.key",
        Kind::Path,
        Always(""),
        "With source files: the private key in PEM, without a passphrase.",
        |config, input| {
            let value = input.optional_path()?;
            files(config).key = value.unwrap_or_default();
            Ok(())
        },
    )
    .optional(),
];

/// The pair that the setters of its two halves fill; whether it is whole is judged at the end.
fn files(config: &mut Config) -> &mut TlsFiles {
    config.tls.files.get_or_insert_with(|| TlsFiles {
        certificate: PathBuf::new(),
        key: PathBuf::new(),
    })
}

impl Choice for TlsSource {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("acme", Self::Acme),
        ("files", Self::Files),
        ("internal", Self::Internal),
    ];
}

impl Choice for TlsVersion {
    const WORDS: &'static [(&'static str, Self)] = &[("1.2", Self::V12), ("1.3", Self::V13)];
}

impl Choice for ChallengeKind {
    const WORDS: &'static [(&'static str, Self)] =
        &[("tls-alpn-01", Self::TlsAlpn01), ("http-01", Self::Http01)];
}
