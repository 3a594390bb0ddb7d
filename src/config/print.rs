//! The effective configuration as YAML, each value with its source.

use std::path::Path;

use super::{
    Loaded, Mode, TlsFiles,
    input::{GivenValue, Item},
    key::{Key, Kind},
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
            for (depth, section) in sections.iter().enumerate().skip(shared) {
                lines.push(format!("{}{section}:", "  ".repeat(depth)));
            }
            let comment = if implied { "# " } else { "" };
            let indent = "  ".repeat(sections.len());
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
        lines
    }
}

/// A value as YAML, with secrets masked and paths made absolute.
pub(super) fn value(key: &Key, value: &GivenValue, folder: &Path) -> String {
    match value {
        GivenValue::Nothing if key.kind.is_list() => "[]".to_owned(),
        GivenValue::Nothing => "null".to_owned(),
        GivenValue::One(item) => scalar(key, item, folder),
        GivenValue::Many(items) => {
            let items: Vec<_> = items.iter().map(|item| scalar(key, item, folder)).collect();
            format!("[{}]", items.join(", "))
        }
    }
}

fn scalar(key: &Key, item: &Item, folder: &Path) -> String {
    if key.secret {
        return MASK.to_owned();
    }
    let text = match key.kind {
        Kind::Path => folder.join(&item.text).to_string_lossy().into_owned(),
        Kind::Url | Kind::Target => mask_userinfo(&item.text),
        _ => item.text.clone(),
    };
    if is_plain(&text, key.kind) {
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
