//! Orders.

use std::net::IpAddr;

use serde_json::{Value, json};

/// A name or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identifier {
    Dns(String),
    Ip(IpAddr),
}

impl Identifier {
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        let text = value["value"].as_str()?;
        match value["type"].as_str()? {
            "dns" => Some(Self::Dns(text.to_owned())),
            "ip" => text.parse().ok().map(Self::Ip),
            _ => None,
        }
    }

    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Dns(name) => json!({"type": "dns", "value": name}),
            Self::Ip(address) => json!({"type": "ip", "value": address.to_string()}),
        }
    }

    pub(crate) fn text(&self) -> String {
        match self {
            Self::Dns(name) => name.clone(),
            Self::Ip(address) => address.to_string(),
        }
    }
}

/// One order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) number: usize,
    pub(crate) account: usize,
    pub(crate) identifiers: Vec<Identifier>,
    /// Numbers of its authorizations.
    pub(crate) authorizations: Vec<usize>,
    pub(crate) replaces: Option<String>,
    pub(crate) echoes_replaces: bool,
    pub(crate) profile: Option<String>,
    pub(crate) finalized: bool,
    /// Looks that still say "processing".
    pub(crate) looks_left: u32,
    /// The number of its certificate.
    pub(crate) certificate: Option<usize>,
}

impl Order {
    /// As the client sees it; `proved` says how its authorizations stand.
    pub(crate) fn json(&self, base: &str, proved: &str) -> Value {
        let authorizations: Vec<_> = self
            .authorizations
            .iter()
            .map(|number| format!("{base}/authorization/{number}"))
            .collect();
        let identifiers: Vec<_> = self.identifiers.iter().map(Identifier::json).collect();
        let mut shown = json!({
            "status": self.status(proved),
            "expires": "2099-01-01T00:00:00Z",
            "identifiers": identifiers,
            "authorizations": authorizations,
            "finalize": format!("{base}/order/{}/finalize", self.number),
        });
        if let (Some(replaces), true) = (&self.replaces, self.echoes_replaces) {
            shown["replaces"] = json!(replaces);
        }
        if let Some(profile) = &self.profile {
            shown["profile"] = json!(profile);
        }
        if let (Some(number), 0) = (self.certificate, self.looks_left) {
            shown["certificate"] = json!(format!("{base}/certificate/{number}/0"));
        }
        shown
    }

    pub(crate) fn status<'a>(&self, proved: &'a str) -> &'a str {
        match (self.finalized, proved) {
            (true, _) if self.looks_left > 0 => "processing",
            (true, _) => "valid",
            (false, "valid") => "ready",
            (false, other) => other,
        }
    }
}
