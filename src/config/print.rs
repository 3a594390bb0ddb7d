//! The effective configuration as YAML, each value with its source.

use std::path::Path;

use super::{
    Account, Loaded, Mode, TlsFiles,
    input::{GivenValue, Item},
    key::Kind,
    problem::{MASK, mask_userinfo},
};

impl Loaded {
    /// A configuration file that means the same, with the source of each value behind it.
    pub fn print(&self) -> String {
        let mode = match self.config.mode {
            Mode::Public => "public server",
            Mode::DropIn => "in the place of the official container",
            Mode::Local => "local",
        };
        let mut lines = vec![format!("# {mode}")];
        let mut open: Vec<&str> = Vec::new();
        for setting in &self.settings {
            // local mode has its names because none are given; given, they would end it
            let implied = setting.key == "domains" && self.config.mode == Mode::Local;
            let mut sections: Vec<&str> = setting.key.split('.').collect();
            let name = sections.pop().unwrap_or_default();
            let shared = open
                .iter()
                .zip(&sections)
                .take_while(|(left, right)| left == right);
            let shared = shared.count();
            let mut indent = "  ".repeat(sections.len());
            for (depth, section) in sections.iter().enumerate().skip(shared) {
                if is_place(section) {
                    // the first field of an object in a list
                    indent = format!("{}- ", "  ".repeat(depth));
                } else {
                    lines.push(format!("{}{section}:", "  ".repeat(depth)));
                }
            }
            let comment = if implied { "# " } else { "" };
            let line = format!("{comment}{indent}{name}: {}", setting.value);
            lines.push(format!("{line:<COLUMN$} # {}", setting.source));
            open = sections;
        }
        lines.extend(self.print_official());
        lines.push(String::new());
        lines.join("\n")
    }

    /// What official variables say that is no key, as comments.
    fn print_official(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let tls = &self.config.tls;
        for (listener, official) in [
            ("gateway", &tls.gateway),
            ("agent_platform", &tls.agent_platform),
        ] {
            if let Some(TlsFiles { certificate, key }) = official.as_ref().map(|tls| &tls.files) {
                let (certificate, key) = (certificate.display(), key.display());
                lines.push(format!("# TLS on listen.{listener}: {certificate}, {key}"));
            }
        }
        for file in &self.config.upstream.ca_files {
            lines.push(format!("# trusted roots: {}", file.display()));
        }
        lines.extend(self.print_accounts());
        lines.extend(self.print_clouds());
        lines
    }

    /// Accounts at vendors of models.
    fn print_accounts(&self) -> impl Iterator<Item = String> {
        let accounts = &self.config.models.accounts;
        let azure = &accounts.azure;
        let vendors = [
            ("Anthropic", &accounts.anthropic),
            ("OpenAI", &accounts.openai),
            ("Mistral", &accounts.mistral),
            ("Codestral", &accounts.codestral),
            ("Azure", &azure.account),
        ];
        let of_vendor = |(name, account): (&'static str, &Account)| {
            let key = account.key.as_ref().map(|_| MASK.to_owned());
            [(name, "URL", account.base.clone()), (name, "key", key)]
        };
        let entra = azure.entra.as_ref();
        let of_azure = [
            ("Azure", "version", azure.api_version.clone()),
            (
                "Entra ID",
                "tenant",
                entra.map(|entra| entra.tenant.clone()),
            ),
            (
                "Entra ID",
                "client",
                entra.map(|entra| entra.client.clone()),
            ),
            ("Entra ID", "secret", entra.map(|_| MASK.to_owned())),
        ];
        let all = vendors.into_iter().flat_map(of_vendor).chain(of_azure);
        let given = all.filter_map(|(name, what, value)| Some((name, what, value?)));
        given.map(|(name, what, value)| format!("# {name}'s {what}: {}", mask_userinfo(&value)))
    }

    /// Accounts at Amazon and Google.
    fn print_clouds(&self) -> impl Iterator<Item = String> {
        let (amazon, google) = (&self.config.models.amazon, &self.config.models.google);
        let keys = amazon.credentials.keys.as_ref();
        let mask = |is_given: bool| is_given.then(|| MASK.to_owned());
        let guardrail = amazon.guardrail.as_ref();
        let settings = [
            ("Amazon's region", amazon.region.clone()),
            ("Bedrock's URL", amazon.runtime_endpoint.clone()),
            ("Bedrock's key", mask(amazon.bearer_token.is_some())),
            (
                "Bedrock's guardrail",
                guardrail.map(|guardrail| guardrail.identifier.clone()),
            ),
            (
                "Amazon's access key",
                keys.map(|keys| keys.access_key_id.clone()),
            ),
            ("Amazon's profile", amazon.credentials.profile.clone()),
            ("Vertex AI's project", google.project.clone()),
            ("Vertex AI's location", google.location.clone()),
            ("Vertex AI's URL", google.vertex_endpoint.clone()),
            (
                "Google's service account",
                mask(google.service_account.is_some()),
            ),
            ("Gemini's key", mask(google.gemini_key.is_some())),
        ];
        let given = settings
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        given.map(|(name, value)| format!("# {name}: {}", mask_userinfo(&value)))
    }
}

/// Whether a part of a key's path is a place in a list; no key is called by a number.
fn is_place(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

/// A value as YAML, with secrets masked and paths made absolute.
pub(super) fn value(kind: Kind, secret: bool, value: &GivenValue, folder: &Path) -> String {
    let scalar = |item| {
        if secret {
            MASK.to_owned()
        } else {
            scalar(kind, item, folder)
        }
    };
    match value {
        GivenValue::Nothing if kind.is_list() => "[]".to_owned(),
        GivenValue::Nothing => "null".to_owned(),
        GivenValue::One(item) => scalar(item),
        GivenValue::Many(items) => {
            let items: Vec<_> = items.iter().map(scalar).collect();
            format!("[{}]", items.join(", "))
        }
        // each field is printed for itself
        GivenValue::Objects(_) => "[]".to_owned(),
    }
}

fn scalar(kind: Kind, item: &Item, folder: &Path) -> String {
    let text = match kind {
        Kind::Path => folder.join(&item.text).to_string_lossy().into_owned(),
        Kind::Url | Kind::Target => mask_userinfo(&item.text),
        _ => item.text.clone(),
    };
    if is_plain(&text, kind) {
        text
    } else {
        quoted(&text)
    }
}

/// Whether a text means itself in YAML without quotes.
fn is_plain(text: &str, kind: Kind) -> bool {
    let safe = |character: char| character.is_ascii_alphanumeric() || "-._/".contains(character);
    let begins_well = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    (kind.is_number() || begins_well)
        && text.chars().all(safe)
        && !matches!(
            text,
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        )
}

fn quoted(text: &str) -> String {
    // a JSON string is a YAML string
    serde_json::Value::from(text).to_string()
}

/// Where the sources begin; most values end before it.
const COLUMN: usize = 52;
