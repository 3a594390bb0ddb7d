//! `certs`: what the running process says of its certificates, as a table.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;

use super::{
    arguments::CertificatesCommand,
    configuration::load,
    run::Verdict,
    terminal::{complain, say},
};
use crate::inspect::{self, CertificateLine};

/// Asks the process that runs with this configuration.
pub(super) fn certificates(
    file: Option<PathBuf>,
    command: CertificatesCommand,
) -> anyhow::Result<Verdict> {
    let Some(loaded) = load(file) else {
        return Ok(Verdict::Problems);
    };
    let address = loaded.config.listen.admin.context(
        "listen.admin is null, so there is nobody to ask; write \"127.0.0.1:9464\" to use certs",
    )?;
    match command {
        CertificatesCommand::List { json } => list(address, json),
        CertificatesCommand::Renew { name } => renew(address, &name),
    }
}

fn list(address: SocketAddr, json: bool) -> anyhow::Result<Verdict> {
    let list = inspect::certificates(address, PATIENCE)?;
    if json {
        say(&format!("{:#}", list.whole));
    } else if list.lines.is_empty() {
        say("no certificates; this process serves in clear");
    } else {
        say(&table(&list.lines));
    }
    Ok(Verdict::Well)
}

fn renew(address: SocketAddr, name: &str) -> anyhow::Result<Verdict> {
    let (granted, words) = inspect::renew(address, name, PATIENCE)?;
    if granted {
        say(&format!("{words}; see duogate certs list"));
        return Ok(Verdict::Well);
    }
    complain(&words);
    Ok(Verdict::Problems)
}

/// Columns as wide as they need to be; a hyphen where nothing is known.
fn table(lines: &[CertificateLine]) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(lines.iter().map(row));
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let text = |row: &[String; 8]| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(text).collect::<Vec<_>>().join("\n")
}

fn row(line: &CertificateLine) -> [String; 8] {
    let shown = |value: Option<&String>| match value {
        // what a server elsewhere said must not write escapes to the terminal
        Some(text) => text.replace(char::is_control, " "),
        None => "-".to_owned(),
    };
    let days = line
        .days_left
        .map_or("-".to_owned(), |days| days.to_string());
    [
        line.name.clone(),
        line.domains.join(","),
        shown(line.state.as_ref()),
        shown(line.issuer.as_ref()),
        shown(line.not_after.as_ref()),
        days,
        shown(line.next_attempt.as_ref()),
        shown(line.last_error.as_ref()),
    ]
}

const HEADINGS: [&str; 8] = [
    "NAME",
    "DOMAINS",
    "STATE",
    "ISSUER",
    "NOT AFTER",
    "DAYS LEFT",
    "NEXT ATTEMPT",
    "LAST ERROR",
];

/// A living process answers at once; a busy one within this.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_escapes_stay_out() {
        let line = CertificateLine {
            name: "a.example".to_owned(),
            domains: vec!["a.example".to_owned(), "b.example".to_owned()],
            days_left: Some(60),
            last_error: Some("no\u{1b}[2J".to_owned()),
            ..CertificateLine::default()
        };
        let table = table(&[line]);
        let (head, row) = table.split_once('\n').expect("two lines");
        assert_eq!(head.find("DOMAINS"), row.find("a.example,b.example"));
        assert_eq!(head.find("DAYS LEFT"), row.find("60"));
        assert!(row.ends_with("no [2J"), "{row:?}");
    }
}
