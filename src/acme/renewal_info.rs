//! When the ACME server wants a certificate to be replaced (renewal information, RFC 9773).

use std::time::{Duration, SystemTime};

use instant_acme::CertificateIdentifier;
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use x509_parser::extensions::ParsedExtension;

use super::{AcmeError, client::AcmeHttp, schedule, status::timestamp};
use crate::tls::Certificate;

/// What the server said last of one certificate; survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RenewalPlan {
    /// The certificate it is about, as RFC 9773 4.1 writes it.
    pub(super) certificate: String,
    /// The window and our moment in it; none while the server said nothing usable.
    pub(super) window: Option<ChosenWindow>,
    /// When the server was asked last, in seconds since 1970.
    pub(super) asked_at: u64,
    /// How long to wait before it is asked again, in seconds.
    pub(super) pause_seconds: u64,
}

/// A window of the server and the moment in it that chance gave us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChosenWindow {
    /// Its start, in seconds since 1970.
    pub(super) start: u64,
    /// Its end.
    pub(super) end: u64,
    /// When we renew; kept as long as the window stays.
    pub(super) chosen: u64,
    /// Where people read why.
    pub(super) explanation: Option<String>,
}

/// What the server answered.
#[derive(Debug, PartialEq, Eq)]
struct Window {
    start: u64,
    end: u64,
    explanation: Option<String>,
}

impl RenewalPlan {
    /// How long until the server is asked again. A clock set back does not stretch it.
    pub(super) fn until_asked(&self, now: SystemTime) -> Duration {
        let asked = SystemTime::UNIX_EPOCH + Duration::from_secs(self.asked_at);
        schedule::pause_left(asked, Duration::from_secs(self.pause_seconds), now)
    }

    /// The moment to renew at, if the server gave one.
    pub(super) fn moment(&self) -> Option<SystemTime> {
        let chosen = self.window.as_ref()?.chosen;
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(chosen))
    }

    /// Takes an answer: the moment is drawn only when the window changed.
    fn take(&mut self, window: Window, chance: f64) {
        let same = self
            .window
            .as_ref()
            .is_some_and(|known| known.start == window.start && known.end == window.end);
        if let (true, Some(known)) = (same, &mut self.window) {
            known.explanation = window.explanation;
            return;
        }
        let width = Duration::from_secs(window.end.saturating_sub(window.start));
        let offset = width.mul_f64(chance.clamp(0.0, 1.0)).as_secs();
        self.window = Some(ChosenWindow {
            start: window.start,
            end: window.end,
            chosen: window.start.saturating_add(offset),
            explanation: window.explanation,
        });
    }
}

/// The name of a certificate towards the server that issued it (RFC 9773 4.1); none without an
/// authority key identifier.
pub(super) fn identifier(certificate: &Certificate) -> Option<CertificateIdentifier<'static>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate.leaf()?).ok()?;
    let authority =
        parsed
            .iter_extensions()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(found) => found.key_identifier.as_ref(),
                _ => None,
            })?;
    let encode = |bytes: &[u8]| data_encoding::BASE64URL_NOPAD.encode(bytes);
    Some(CertificateIdentifier {
        authority_key_identifier: encode(authority.0).into(),
        serial: encode(parsed.raw_serial()).into(),
    })
}

/// What asking needs.
pub(super) struct Question<'a> {
    pub(super) http: &'a AcmeHttp,
    /// The server's `renewalInfo` address.
    pub(super) address: &'a str,
    pub(super) certificate: &'a Certificate,
    /// Where in the window we want to be, `0.0 ..= 1.0`.
    pub(super) chance: f64,
}

impl Question<'_> {
    /// Asks, and brings the plan up to date. A failure leaves the window that was known and only
    /// sets the time of the next question; it is told so that the log can say it.
    pub(super) async fn ask(&self, plan: &mut RenewalPlan) -> Result<(), AcmeError> {
        let Some(identifier) = identifier(self.certificate) else {
            return Ok(());
        };
        let address = format!("{}/{identifier}", self.address.trim_end_matches('/'));
        let answer = self.http.get(&address).await;
        let life = schedule::life(self.certificate);
        let asked = self.http.take_retry_after();
        let read = answer
            .map_err(AcmeError::at("renewal information"))
            .and_then(|body| Window::read(&body));
        let failed = read.is_err();
        plan.pause_seconds = schedule::question_pause(asked, life, failed).as_secs();
        plan.take(read?, self.chance);
        Ok(())
    }
}

impl Window {
    fn read(body: &[u8]) -> Result<Self, AcmeError> {
        let wrong = |reason: String| AcmeError::Unusable {
            step: "renewal information",
            reason,
        };
        let wire: Wire = serde_json::from_slice(body).map_err(|error| wrong(error.to_string()))?;
        let moment = |text: &str| {
            let parsed = OffsetDateTime::parse(text, &Rfc3339);
            parsed.map(|moment| u64::try_from(moment.unix_timestamp()).unwrap_or(0))
        };
        let start = moment(&wire.suggested_window.start).map_err(|error| wrong(error.to_string()));
        let end = moment(&wire.suggested_window.end).map_err(|error| wrong(error.to_string()));
        let (start, end) = (start?, end?);
        if end <= start {
            return Err(wrong("the window ends before it starts".to_owned()));
        }
        let visible = |text: &String| {
            text.len() <= EXPLANATION_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        Ok(Self {
            start,
            end,
            explanation: wire.explanation_url.filter(visible),
        })
    }
}

/// The window of an answer with the moment that chance gives.
#[cfg(fuzzing)]
pub(super) fn choose(body: &[u8], chance: f64) -> Option<ChosenWindow> {
    let mut plan = RenewalPlan::default();
    plan.take(Window::read(body).ok()?, chance);
    plan.window
}

/// The document of RFC 9773 4.2.
#[derive(Deserialize)]
struct Wire {
    #[serde(rename = "suggestedWindow")]
    suggested_window: WireWindow,
    #[serde(rename = "explanationURL")]
    explanation_url: Option<String>,
}

#[derive(Deserialize)]
struct WireWindow {
    start: String,
    end: String,
}

/// Seconds since 1970; the state files' form of a moment.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// The same for people.
pub(super) fn shown(seconds: u64) -> Option<String> {
    timestamp(SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?)
}

/// An address that people open; longer ones are no addresses.
const EXPLANATION_BYTES: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: u64, end: u64) -> Window {
        Window {
            start,
            end,
            explanation: None,
        }
    }

    #[test]
    fn answers_are_read_and_nonsense_is_refused() {
        let body = br#"{"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-03T04:00:00+00:00"},"explanationURL":"https://ca.example/why"}"#;
        let read = Window::read(body).expect("it is well formed");
        assert_eq!(read.end - read.start, 86_400);
        assert_eq!(read.explanation.as_deref(), Some("https://ca.example/why"));
        for body in [
            &b"<html>"[..],
            b"{}",
            br#"{"suggestedWindow":{"start":"soon","end":"later"}}"#,
            br#"{"suggestedWindow":{"start":"2025-01-03T04:00:00Z","end":"2025-01-02T04:00:00Z"}}"#,
        ] {
            assert!(Window::read(body).is_err());
        }
    }

    #[test]
    fn the_moment_stays_while_the_window_does() {
        let mut plan = RenewalPlan::default();
        assert_eq!(plan.moment(), None, "nothing is chosen, so nothing is due");
        plan.take(window(1000, 2000), 0.25);
        let chosen = plan.moment();
        assert_eq!(
            chosen,
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1250))
        );
        plan.take(window(1000, 2000), 0.9);
        assert_eq!(plan.moment(), chosen);
        plan.take(window(500, 600), 1.0);
        assert_eq!(
            plan.moment(),
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(600))
        );
    }
}
