//! Secrets in what tools bring, before a model reads them (agent-platform 6.4).
//!
//! Tokens are found by the beginnings that their makers gave them so that they can be found; key
//! material by its frame; passwords in addresses by their place.

use std::borrow::Cow;

/// The text with `[REDACTED]` in the place of secrets.
pub(super) fn redacted(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some((start, end)) = next(text, at) {
        clean.push_str(text.get(copied..start).unwrap_or_default());
        clean.push_str(REDACTED);
        copied = end;
        at = end;
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(clean)
}

/// Where the next secret from here on begins and ends.
fn next(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut is_word = from > 0 && bytes.get(from - 1).is_some_and(|byte| is_token(*byte));
    for (at, byte) in bytes.iter().enumerate().skip(from) {
        if !is_word && text.is_char_boundary(at) {
            let rest = text.get(at..)?;
            if let Some(secret) = secret_at(rest) {
                return Some((at, at + secret));
            }
        }
        if *byte == b':' {
            let rest = text.get(at..)?;
            if let Some((skipped, password)) = password_at(rest) {
                let start = at + skipped;
                return Some((start, start + password));
            }
        }
        is_word = byte.is_ascii_alphanumeric() || *byte == b'_';
    }
    None
}

/// The length of a secret that stands here.
fn secret_at(rest: &str) -> Option<usize> {
    match rest.as_bytes().first()? {
        b'-' => private_key(rest),
        b'e' if rest.starts_with("eyJ") => json_web_token(rest),
        first => TOKENS
            .iter()
            .filter(|(beginning, _)| beginning.as_bytes().first() == Some(first))
            .find_map(|(beginning, least)| {
                let body = rest.strip_prefix(beginning)?;
                let length = body.bytes().take_while(|byte| is_token(*byte)).count();
                (length >= *least).then_some(beginning.len() + length)
            }),
    }
}

/// From the first line of a private key to its last, or to the end where that was cut off.
fn private_key(rest: &str) -> Option<usize> {
    let title = rest.strip_prefix(BEGIN)?;
    let title = title.get(..title.find(FRAME)?)?;
    if title.len() > LONGEST_TITLE || !title.ends_with("PRIVATE KEY") {
        return None;
    }
    let end = format!("-----END {title}{FRAME}");
    let length = rest.find(&end).map(|place| place + end.len());
    Some(length.unwrap_or(rest.len()))
}

/// Three parts of base64, of which the first two are JSON objects.
fn json_web_token(rest: &str) -> Option<usize> {
    let length = rest.bytes().take_while(|byte| is_token(*byte)).count();
    let mut parts = rest.get(..length)?.split('.');
    let is_one =
        parts.next()?.len() > 10 && parts.next()?.starts_with("eyJ") && parts.next()?.len() > 10;
    is_one.then_some(length)
}

/// Of `://user:password@host`: how far the password is, and its length.
fn password_at(rest: &str) -> Option<(usize, usize)> {
    let authority = rest.strip_prefix("://")?;
    let end = authority
        .bytes()
        .take(LONGEST_AUTHORITY)
        .position(|byte| {
            matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>')
                || byte.is_ascii_whitespace()
        })
        .unwrap_or(authority.len().min(LONGEST_AUTHORITY));
    let authority = authority.get(..end)?;
    let (user_info, _) = authority.rsplit_once('@')?;
    let (user, password) = user_info.split_once(':')?;
    let is_secret = !password.is_empty() && password != REDACTED;
    is_secret.then_some(("://".len() + user.len() + 1, password.len()))
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

const REDACTED: &str = "[REDACTED]";

const BEGIN: &str = "-----BEGIN ";
const FRAME: &str = "-----";

/// `OPENSSH PRIVATE KEY` and others are shorter.
const LONGEST_TITLE: usize = 40;

/// No address of a host with user and password is longer.
const LONGEST_AUTHORITY: usize = 512;

/// How tokens begin, and how many characters follow at least.
const TOKENS: [(&str, usize); 40] = [
    ("glpat-", 16),
    ("gloas-", 16),
    ("gldt-", 16),
    ("glrt-", 16),
    ("glrtr-", 16),
    ("glcbt-", 16),
    ("glptt-", 16),
    ("glft-", 16),
    ("glimt-", 16),
    ("glagent-", 16),
    ("glsoat-", 16),
    ("glffct-", 16),
    ("glwt-", 16),
    ("GR1348941", 16),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("ghr_", 30),
    ("github_pat_", 22),
    ("sk-ant-", 20),
    ("sk-proj-", 20),
    ("sk-svcacct-", 20),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("sk-", 40),
    ("xoxa-", 10),
    ("xoxb-", 10),
    ("xoxp-", 10),
    ("xoxr-", 10),
    ("xoxs-", 10),
    ("xapp-", 10),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 35),
    ("ya29.", 20),
    ("npm_", 36),
    ("hf_", 30),
    ("dop_v1_", 60),
    ("pypi-AgE", 16),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_stand() {
        let token = "glpat-aBcDeFgHiJkLmNoPqRsT";
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJlLXRoYXQtc2lnbnM";
        for (text, clean) in [
            (format!("a {token} b"), "a [REDACTED] b"),
            (format!(r#"{{"t":"{token}"}}"#), r#"{"t":"[REDACTED]"}"#),
            (token.to_owned(), "[REDACTED]"),
            (format!("ü{token}ü"), "ü[REDACTED]ü"),
            (format!("bearer {jwt}, ok"), "bearer [REDACTED], ok"),
            (
                "git clone https://me:hunter2@gitlab.test/a.git".to_owned(),
                "git clone https://me:[REDACTED]@gitlab.test/a.git",
            ),
            (
                "x -----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY----- y"
                    .to_owned(),
                "x [REDACTED] y",
            ),
            ("-----BEGIN PRIVATE KEY-----\nabc".to_owned(), "[REDACTED]"),
            ("id AKIAIOSFODNN7EXAMPLE.".to_owned(), "id [REDACTED]"),
            (format!("{token} {token}"), "[REDACTED] [REDACTED]"),
        ] {
            assert_eq!(redacted(&text), clean);
        }
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "",
            "glpat-short",
            "the task-force sk-8 eyJ.eyJ.x",
            "my_glpat-aBcDeFgHiJkLmNoPqRsT",
            "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
            "https://gitlab.test/a@b:c and mail me@gitlab.test",
            "https://me@gitlab.test/",
            "https://me:[REDACTED]@gitlab.test/",
        ] {
            assert!(matches!(redacted(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
