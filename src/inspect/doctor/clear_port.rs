//! Port 80: challenges and redirects, and nothing else.

use std::net::SocketAddr;

use http::{Method, StatusCode, Version, header};

use super::{
    Finding, Place,
    answerer::{Answerer, text},
    api::Caller,
};
use crate::upstream::{Exchange, Probe, UpstreamError};

/// Looks at port 80 of an address that port 443 was reached on.
pub(super) async fn look(probe: &Probe, caller: &Caller<'_>, address: SocketAddr) -> Vec<Finding> {
    let root = match ask(probe, caller, address, "/").await {
        Ok(answer) => answer,
        Err(finding) => return vec![finding],
    };
    let mut findings = vec![redirect(caller.place, &root)];
    let challenge = match ask(probe, caller, address, CHALLENGE).await {
        Ok(answer) => challenge(caller.place, &answer),
        Err(finding) => finding,
    };
    findings.push(challenge);
    findings
}

async fn ask(
    probe: &Probe,
    caller: &Caller<'_>,
    address: SocketAddr,
    path: &str,
) -> Result<Exchange, Finding> {
    let stream = probe.connect(address).await.map_err(|error| {
        Finding::warning(
            SUBJECT,
            error.to_string(),
            "open TCP port 80 to Duogate, or live without: then certificates need port 443 to be \
             open to the authority (tls-alpn-01), and http:// addresses do not lead to https",
        )
    })?;
    let request = caller.request(Method::GET, path, Version::HTTP_11);
    caller.ask(stream, request).await.map_err(|error| {
        let seen = match error {
            UpstreamError::HeaderTimeout { deadline, .. } => {
                format!("it accepts connections and does not answer within {deadline:?}")
            }
            other => other.to_string(),
        };
        Finding::warning(
            SUBJECT,
            seen,
            "whoever listens on port 80 is not Duogate: give it the port, or close it",
        )
    })
}

/// 308 to https is the one right answer (gitlab-clients 1.2).
fn redirect(place: &Place, answer: &Exchange) -> Finding {
    let (status, headers) = (answer.head.status, &answer.head.headers);
    let answerer = Answerer::of(headers);
    let Some(location) = location(answer) else {
        let seen = format!(
            "{} answers {} in clear instead of redirecting to https",
            answerer.name(),
            status.as_u16()
        );
        let remedy = "tokens and model keys would travel in clear, and http-01 challenges do not \
                      reach Duogate: stop what listens on port 80 and let Duogate have it";
        return Finding::problem(SUBJECT, seen, remedy);
    };
    if !is_ours(place, &location) {
        return Finding::problem(
            SUBJECT,
            format!("{} redirects to {location}", answerer.name()),
            format!(
                "another site answers on port 80; let Duogate have it, or redirect with 308 to {}",
                place.url()
            ),
        );
    }
    if status == StatusCode::PERMANENT_REDIRECT || status == StatusCode::TEMPORARY_REDIRECT {
        return Finding::ok(SUBJECT, format!("{} to {location}", status.as_u16()));
    }
    Finding::warning(
        SUBJECT,
        format!("{} redirects with {}", answerer.name(), status.as_u16()),
        "this turns every POST into a GET: redirect with 308, as Duogate does, or let it have port 80",
    )
}

/// A challenge that nobody holds is not found or sent to https; a page is somebody else's.
fn challenge(place: &Place, answer: &Exchange) -> Finding {
    let (status, headers) = (answer.head.status, &answer.head.headers);
    let answerer = Answerer::of(headers);
    let elsewhere = location(answer).is_some_and(|location| !is_ours(place, &location));
    if answerer.is_html() || elsewhere || status == StatusCode::OK {
        return Finding::problem(
            CHALLENGES,
            format!(
                "{} answers challenges with {} and a page of its own",
                answerer.name(),
                status.as_u16()
            ),
            "certificates by http-01 cannot be issued: let Duogate have port 80, or forward \
             /.well-known/acme-challenge/ to it unchanged",
        );
    }
    Finding::ok(
        CHALLENGES,
        format!("an unknown challenge gets {}", status.as_u16()),
    )
}

fn location(answer: &Exchange) -> Option<String> {
    if !answer.head.status.is_redirection() {
        return None;
    }
    text(&answer.head.headers, &header::LOCATION)
}

/// True when a redirect stays with the name that was asked.
fn is_ours(place: &Place, location: &str) -> bool {
    let rest = location.to_ascii_lowercase();
    let Some(rest) = rest.strip_prefix("https://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => authority,
    };
    host.trim_matches(['[', ']']) == place.host().to_ascii_lowercase()
}

const SUBJECT: &str = "http port";

const CHALLENGES: &str = "challenges";

/// A token that no authority ever gives.
const CHALLENGE: &str = "/.well-known/acme-challenge/duogate-doctor";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_to_the_same_name_are_ours_whatever_the_port() {
        let place = Place::from_url("https://aigw.example.com").expect("a URL");
        for ours in [
            "https://aigw.example.com",
            "https://AIGW.example.com:443/x?y",
        ] {
            assert!(is_ours(&place, ours), "{ours}");
        }
        for other in [
            "http://aigw.example.com/",
            "https://login.example.com/?to=aigw.example.com",
            "https://aigw.example.com.evil.example/",
            "/relative",
        ] {
            assert!(!is_ours(&place, other), "{other}");
        }
    }
}
