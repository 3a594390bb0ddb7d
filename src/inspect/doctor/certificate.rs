//! Whether clients believe the certificate, and for how long.

use std::time::{Duration, SystemTime};

use rustls::{CertificateError, Error};
use rustls_pki_types::{CertificateDer, ServerName};
use x509_parser::{
    extensions::{GeneralName, ParsedExtension},
    prelude::X509Certificate,
    time::ASN1Time,
};

use super::{Finding, answerer::shown};
use crate::upstream::TrustRoots;

/// Whom a certificate is shown to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judge<'a> {
    /// The public authorities and those that the caller named.
    pub(super) roots: &'a TrustRoots,
    /// The public authorities alone.
    pub(super) public: &'a TrustRoots,
    /// Who was dialled.
    pub(super) name: &'a ServerName<'static>,
    /// When.
    pub(super) now: SystemTime,
}

/// The verdict on a chain.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    pub(super) finding: Finding,
    /// True when only the caller's own roots made it valid.
    pub(super) private_authority: bool,
}

impl Judge<'_> {
    /// Whether something secret may be sent to whoever shows this.
    pub(super) fn believes(&self, chain: &[CertificateDer<'static>]) -> bool {
        self.roots.judge(chain, self.name, self.now).is_ok()
    }

    /// Judges a chain as it was sent.
    pub(super) fn judge(&self, chain: &[CertificateDer<'static>]) -> Verdict {
        let told = |finding| Verdict {
            finding,
            private_authority: false,
        };
        let Some(facts) = chain.first().and_then(Facts::read) else {
            return told(Finding::problem(
                SUBJECT,
                "the server shows no certificate that can be read",
                "let Duogate obtain one (tls.source: acme), or give it a PEM file with the whole chain",
            ));
        };
        match self.roots.judge(chain, self.name, self.now) {
            Ok(()) => Verdict {
                finding: self.lifetime(&facts),
                private_authority: self.public.judge(chain, self.name, self.now).is_err(),
            },
            Err(error) => told(self.explain(&error, &facts, chain.len())),
        }
    }

    fn lifetime(&self, facts: &Facts) -> Finding {
        let left = facts.not_after.duration_since(self.now).unwrap_or_default();
        let life = facts
            .not_after
            .duration_since(facts.not_before)
            .unwrap_or_default();
        let seen = format!(
            "valid for {} until {}, {} left, issued by {}",
            self.name.to_str(),
            day(facts.not_after),
            days(left),
            facts.issuer
        );
        if left < life / DUE_FRACTION {
            let remedy = "it should have been renewed by now: with tls.source acme `duogate certs \
                          list` on its host tells why; with files renew them, Duogate \
                          reads them again by itself";
            return Finding::warning(SUBJECT, seen, remedy);
        }
        Finding::ok(SUBJECT, seen)
    }

    fn explain(&self, error: &Error, facts: &Facts, sent: usize) -> Finding {
        if facts.is_self_signed {
            return self_signed(facts);
        }
        let Error::InvalidCertificate(reason) = error else {
            return Finding::problem(SUBJECT, shown(&error.to_string()), UNUSUAL);
        };
        match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                self.expired(facts)
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Finding::problem(
                    SUBJECT,
                    format!("it is valid only from {}", day(facts.not_before)),
                    "one of the clocks is wrong, here or where it was issued: timedatectl",
                )
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                self.wrong_name(facts)
            }
            CertificateError::UnknownIssuer => unknown_issuer(facts, sent),
            other => Finding::problem(SUBJECT, shown(&format!("{other:?}")), UNUSUAL),
        }
    }

    fn expired(&self, facts: &Facts) -> Finding {
        let ago = self.now.duration_since(facts.not_after).unwrap_or_default();
        let seen = format!("it expired {} ago, on {}", days(ago), day(facts.not_after));
        let remedy = "with tls.source acme `duogate certs list` on its host tells \
                      why renewal fails (port 443 or 80 closed, DNS moved); with files renew them, \
                      Duogate reads them again by itself";
        Finding::problem(SUBJECT, seen, remedy)
    }

    fn wrong_name(&self, facts: &Facts) -> Finding {
        let names = if facts.names.is_empty() {
            "no name at all".to_owned()
        } else {
            facts.names.join(", ")
        };
        let asked = self.name.to_str();
        let seen = format!("it is for {names} and not for {asked}");
        let remedy = format!(
            "add {asked} to `domains` of Duogate's configuration, or use one of the names of the \
             certificate in GitLab; if another server answers here, DNS points to the wrong host"
        );
        Finding::problem(SUBJECT, seen, remedy)
    }
}

fn self_signed(facts: &Facts) -> Finding {
    if facts.subject.contains("temporary certificate") {
        return Finding::problem(
            SUBJECT,
            "Duogate shows its temporary certificate: it waits for the issued one",
            "`duogate certs list` on its host tells what the ACME server says; the \
             name has to point here, and port 443 or 80 has to be open to the authority",
        );
    }
    Finding::problem(
        SUBJECT,
        format!(
            "it is self-signed by {}; no client believes it",
            facts.issuer
        ),
        "let Duogate obtain one (tls.source: acme), or issue one by an authority that your \
         machines trust",
    )
}

fn unknown_issuer(facts: &Facts, sent: usize) -> Finding {
    if facts.issuer.contains("Duogate internal authority") {
        return Finding::problem(
            SUBJECT,
            format!("it is issued by {}, which nobody knows yet", facts.issuer),
            "give its root (internal/root.pem in the folder of tls.state) to GitLab as a file in \
             /etc/gitlab/trusted-certs and run gitlab-ctl reconfigure; then look again with \
             --ca-file root.pem",
        );
    }
    let authority = format!(
        "if {} is an authority of your own, put its root into /etc/gitlab/trusted-certs on \
         GitLab's hosts, run gitlab-ctl reconfigure, and look again with --ca-file ROOT.pem",
        facts.issuer
    );
    if sent == 1 {
        return Finding::problem(
            SUBJECT,
            format!(
                "incomplete chain or unknown authority: only the server's own certificate is sent, \
                 and its issuer {} is not a known root",
                facts.issuer
            ),
            format!(
                "serve the whole chain (Certbot's fullchain.pem instead of cert.pem in \
                 tls.files.certificate); {authority}"
            ),
        );
    }
    Finding::problem(
        SUBJECT,
        format!(
            "unknown authority: none of the {sent} certificates sent, beginning with the issuer {}, \
             leads to a known root",
            facts.issuer
        ),
        format!(
            "{authority}; if it is the TLS inspection of your company, exempt this name from it, for \
             it also breaks HTTP/2"
        ),
    )
}

/// What the server's own certificate says.
#[derive(Clone, Debug)]
struct Facts {
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
    is_self_signed: bool,
}

impl Facts {
    fn read(certificate: &CertificateDer<'static>) -> Option<Self> {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        Some(Self {
            subject: shown(&parsed.subject().to_string()),
            issuer: shown(&parsed.issuer().to_string()),
            names: names(&parsed),
            not_before: moment(parsed.validity().not_before),
            not_after: moment(parsed.validity().not_after),
            is_self_signed: parsed.subject() == parsed.issuer(),
        })
    }
}

fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let extensions = parsed.extensions().iter();
    let lists = extensions.filter_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(list) => Some(list),
        _ => None,
    });
    lists
        .flat_map(|list| &list.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(shown(name)),
            GeneralName::IPAddress([a, b, c, d]) => Some(format!("{a}.{b}.{c}.{d}")),
            GeneralName::IPAddress(bytes) => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
            _ => None,
        })
        .take(SHOWN_NAMES)
        .collect()
}

fn moment(time: ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn day(moment: SystemTime) -> String {
    time::OffsetDateTime::from(moment).date().to_string()
}

fn days(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..=172_799 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

const SUBJECT: &str = "certificate";

/// Duogate renews when a third of the life is left and tries harder below a sixth.
const DUE_FRACTION: u32 = 6;

/// Enough to see whose certificate it is; some carry a hundred.
const SHOWN_NAMES: usize = 10;

const UNUSUAL: &str = "the certificate itself is damaged or made for another purpose: issue it \
                       anew, as a TLS server certificate";
