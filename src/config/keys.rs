//! The table of keys: the one place to add a key, next to its typed field.

use super::{
    LogFormat, LogLevel, Workers,
    access_keys::ACCESS,
    address::{address, network, target},
    domain::domain,
    input::choice,
    key::{
        Choice,
        DefaultValue::{Always, ByMode},
        Key, Kind, words,
    },
    limit_keys::LIMITS,
    model_keys::MODELS,
    page_keys::PAGES,
    tls_keys::TLS,
};

/// Every key, in the order in which it is printed.
pub(super) fn keys() -> impl Iterator<Item = &'static Key> {
    DOORS
        .iter()
        .chain(ACCESS)
        .chain(TLS)
        .chain(MODELS)
        .chain(PAGES)
        .chain(PROCESS)
        .chain(LIMITS)
}

/// The key at a path.
pub(super) fn key(path: &str) -> Option<&'static Key> {
    keys().find(|key| key.path == path)
}

/// Whether keys lie below a path.
pub(super) fn is_section(path: &str) -> bool {
    keys().any(|key| {
        key.path
            .strip_prefix(path)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

/// Who is answered, where, and by whom.
static DOORS: &[Key] = &[
    Key::new(
        "domains",
        Kind::Domains,
        ByMode {
            public: "",
            drop_in: "",
            local: "localhost,127.0.0.1,::1",
        },
        "DNS names and IP addresses we answer for. Giving any makes this a public server.",
        |config, input| {
            for domain in input.many(domain)? {
                // a certificate names each once
                if !config.domains.contains(&domain) {
                    config.domains.push(domain);
                }
            }
            Ok(())
        },
    ),
    Key::new(
        "listen.https",
        Kind::Address,
        ByMode {
            public: "[::]:443",
            drop_in: "",
            local: "127.0.0.1:8443",
        },
        "HTTP/1.1, HTTP/2, WebSocket and gRPC over TLS. [::] takes IPv4 too.",
        |config, input| {
            input
                .optional(address)
                .map(|value| config.listen.https = value)
        },
    )
    .optional(),
    Key::new(
        "listen.http",
        Kind::Address,
        ByMode {
            public: "[::]:80",
            drop_in: "",
            local: "127.0.0.1:8080",
        },
        "ACME http-01 challenges and redirects to https; nothing else.",
        |config, input| {
            input
                .optional(address)
                .map(|value| config.listen.http = value)
        },
    )
    .optional(),
    Key::new(
        "listen.gateway",
        Kind::Address,
        ByMode {
            public: "",
            drop_in: "[::]:5052",
            local: "",
        },
        "The HTTP API on a port of its own; in clear, or TLS where AIGW_FASTAPI__TLS__* say so.",
        |config, input| {
            input
                .optional(address)
                .map(|value| config.listen.gateway = value)
        },
    )
    .optional(),
    Key::new(
        "listen.agent_platform",
        Kind::Address,
        ByMode {
            public: "",
            drop_in: "[::]:50052",
            local: "",
        },
        "gRPC on a port of its own; with a certificate the first byte decides TLS or clear.",
        |config, input| {
            input
                .optional(address)
                .map(|value| config.listen.agent_platform = value)
        },
    )
    .optional(),
    Key::new(
        "listen.admin",
        Kind::Address,
        Always("127.0.0.1:9464"),
        "The operator's port: metrics, health, certificates. Keep it away from the public.",
        |config, input| {
            input
                .optional(address)
                .map(|value| config.listen.admin = value)
        },
    )
    .optional(),
    Key::new(
        "listen.metrics",
        Kind::Addresses,
        Always(""),
        "More listeners that serve /metrics alone.",
        |config, input| {
            input
                .many(address)
                .map(|value| config.listen.metrics = value)
        },
    ),
    Key::new(
        "listen.proxy_protocol_from",
        Kind::Networks,
        Always(""),
        "Networks whose PROXY header (version 1 or 2) is believed and then required.",
        |config, input| {
            input
                .many(network)
                .map(|value| config.listen.proxy_protocol_from = value)
        },
    ),
    Key::new(
        "listen.trusted_proxies",
        Kind::Networks,
        Always(""),
        "Networks whose X-Forwarded-* is believed; from anyone else it is replaced.",
        |config, input| {
            input
                .many(network)
                .map(|value| config.listen.trusted_proxies = value)
        },
    ),
    Key::new(
        "gateway",
        Kind::Target,
        Always("builtin"),
        "Who answers the HTTP API: this process, or the server at a URL of scheme, host and port.",
        |config, input| input.one(target).map(|value| config.gateway = value),
    ),
    Key::new(
        "agent_platform",
        Kind::Target,
        Always("builtin"),
        "Who answers gRPC: this process, or the HTTP/2 server at a URL, in clear (http) or TLS.",
        |config, input| input.one(target).map(|value| config.agent_platform = value),
    ),
    Key::new(
        "prompts",
        Kind::Path,
        Always(""),
        "A folder whose prompts stand in the place of the built-in ones; see docs/prompts.md.",
        |config, input| input.optional_path().map(|value| config.prompts = value),
    )
    .optional(),
    Key::new(
        "documentation_index",
        Kind::Path,
        Always(""),
        "The index that the chat looks GitLab's documentation up in; see docs/documentation-search.md. \
         Without one it finds nothing.",
        |config, input| {
            input
                .optional_path()
                .map(|value| config.documentation_index = value)
        },
    )
    .optional(),
];

/// The process itself.
static PROCESS: &[Key] = &[
    Key::new(
        "workers",
        Kind::NumberOr {
            word: "shared",
            minimum: 1,
            maximum: 1024,
        },
        Always("shared"),
        "Threads that carry requests: one for each core, or this many.",
        |config, input| {
            let workers = |text: &str| match text {
                "shared" => Ok(Workers::Shared),
                text => input.parse_number(text).map(Workers::Number),
            };
            input.one(workers).map(|value| config.workers = value)
        },
    ),
    Key::new(
        "log.level",
        Kind::Choice(words::<LogLevel>),
        Always("info"),
        "The least severity written.",
        |config, input| input.one(choice).map(|value| config.log.level = value),
    ),
    Key::new(
        "log.format",
        Kind::Choice(words::<LogFormat>),
        Always("json"),
        "One JSON object per line, or text for eyes.",
        |config, input| input.one(choice).map(|value| config.log.format = value),
    ),
    Key::new(
        "log.contents",
        Kind::Choice(words::<bool>),
        Always("false"),
        "Writes prompts and answers of the built-in AI gateway into the log, of everybody. Without \
         it only of requests whose GitLab has its AI logs switched on.",
        |config, input| input.one(choice).map(|value| config.log.contents = value),
    ),
    Key::new(
        "log.file",
        Kind::Path,
        Always(""),
        "A file that gets every line too.",
        |config, input| input.optional_path().map(|value| config.log.file = value),
    )
    .optional(),
    Key::new(
        "drain.delay_seconds",
        Kind::Number {
            minimum: 0,
            maximum: 300,
        },
        Always("5"),
        "How long listeners go on after the end was asked for, so that load balancers notice.",
        |config, input| input.seconds().map(|value| config.drain_delay = value),
    ),
    Key::new(
        "drain.grace_seconds",
        Kind::Number {
            minimum: 0,
            maximum: 86_400,
        },
        Always("25"),
        "How long streams may go on after the listeners closed.",
        |config, input| input.seconds().map(|value| config.drain_grace = value),
    ),
];

impl Choice for LogLevel {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("error", Self::Error),
        ("warn", Self::Warn),
        ("info", Self::Info),
        ("debug", Self::Debug),
        ("trace", Self::Trace),
    ];
}

impl Choice for LogFormat {
    const WORDS: &'static [(&'static str, Self)] = &[("json", Self::Json), ("text", Self::Text)];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{
        super::{TlsSource, input::Complaint},
        *,
    };

    #[test]
    fn paths_are_unique_and_no_key_lies_below_another() {
        let paths: BTreeSet<_> = keys().map(|key| key.path).collect();
        assert_eq!(paths.len(), keys().count());
        for path in paths {
            assert!(!is_section(path), "{path} is a key and a section");
        }
    }

    #[test]
    fn variables_are_the_path_in_capitals() {
        let found = key("tls.acme.directory").expect("it is in the table");
        assert_eq!(found.variable(), "DUOGATE_TLS__ACME__DIRECTORY");
    }

    #[test]
    fn no_variable_of_ours_is_one_that_kubernetes_injects() {
        for key in keys() {
            let variable = key.variable();
            assert!(!variable.starts_with("DUOGATE_PORT"), "{variable}");
            assert!(!variable.starts_with("DUOGATE_SERVICE_"), "{variable}");
        }
    }

    #[test]
    fn complaints_of_choices_name_the_words() {
        let complaint: Complaint = choice::<TlsSource>("acmee").expect_err("it is misspelled");
        assert_eq!(complaint.remedy, "write acme");
        let complaint = choice::<TlsSource>("xyz").expect_err("it is no word of ours");
        assert_eq!(complaint.remedy, "write one of acme, files, internal");
    }
}
