//! What a running process says of its certificates, and the wish to renew one.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;

use super::question::{Answer, QuestionError, ask};

/// One certificate as the process tells it. Fields that its source does not know are absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default)]
pub struct CertificateLine {
    /// What `certs renew` calls it.
    pub name: String,
    /// The names and addresses it is for.
    pub domains: Vec<String>,
    /// Where it stands, such as `valid` or `backing_off`.
    pub state: Option<String>,
    /// Who issued it.
    pub issuer: Option<String>,
    /// Its end, RFC 3339.
    pub not_after: Option<String>,
    /// Whole days until then.
    pub days_left: Option<u64>,
    /// When the process tries again or renews, RFC 3339.
    pub next_attempt: Option<String>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

/// Every certificate: as JSON whole, and line by line.
#[derive(Clone, Debug)]
pub struct CertificateList {
    /// As the process sent it.
    pub whole: Value,
    /// One for each certificate.
    pub lines: Vec<CertificateLine>,
}

/// Asks the process behind this admin listener for its certificates.
pub fn certificates(
    address: SocketAddr,
    limit: Duration,
) -> Result<CertificateList, QuestionError> {
    let answer = ask(address, "GET", "/certs", limit)?;
    if answer.status != 200 {
        return Err(answer.unexpected(address));
    }
    let read = serde_json::from_str::<Value>(&answer.body).and_then(|whole| {
        let lines = whole.get("certificates").cloned().unwrap_or_default();
        let lines = serde_json::from_value(lines)?;
        Ok(CertificateList { whole, lines })
    });
    read.map_err(|_| answer.unexpected(address))
}

/// Asks it to renew the certificate called `name`. Returns whether it will, and its words.
pub fn renew(
    address: SocketAddr,
    name: &str,
    limit: Duration,
) -> Result<(bool, String), QuestionError> {
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    let answer = ask(address, "POST", &format!("/certs/{name}/renew"), limit)?;
    let words = |answer: &Answer| {
        let whole: Value = serde_json::from_str(&answer.body).ok()?;
        whole.get("detail")?.as_str().map(ToOwned::to_owned)
    };
    match (answer.status, words(&answer)) {
        (202, Some(words)) => Ok((true, words)),
        (404 | 409, Some(words)) => Ok((false, words)),
        (403, _) => Ok((false, answer.body.trim_end().to_owned())),
        _ => Err(answer.unexpected(address)),
    }
}
