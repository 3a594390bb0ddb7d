//! Where each certificate stands, as `/certs` shows it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::sync::Notify;

use crate::tls::Certificate;

/// What became of an operator's wish to renew a certificate now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenewalWish {
    /// An attempt begins.
    Granted,
    /// An attempt is under way already.
    UnderWay,
    /// The ACME server asked us to wait until this moment, and is obeyed.
    AskedToWait(String),
    /// No certificate is called so; these are.
    Unknown(Vec<String>),
}

/// Where a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CertificateState {
    /// None was ever issued; a self-signed one is shown.
    Missing,
    /// The first one is being obtained.
    Ordering,
    /// Served, and not due yet.
    Valid,
    /// Served, and to be replaced.
    Due,
    /// Served, while its successor is being obtained.
    Renewing,
    /// The last attempt failed; the next one waits.
    BackingOff,
    /// The ACME server will not issue this as it is; tried again when the operator asks
    /// for it, and at the next start.
    Blocked,
}

/// What is known of one certificate.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CertificateStatus {
    pub(super) name: String,
    pub(super) domains: Vec<String>,
    pub(super) state: CertificateState,
    pub(super) issuer: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) not_before: Option<String>,
    pub(super) not_after: Option<String>,
    #[serde(skip)]
    pub(super) end: Option<SystemTime>,
    /// The ACME server asked not to come again before this moment.
    #[serde(skip)]
    pub(super) asked_until: Option<SystemTime>,
    pub(super) next_attempt: Option<String>,
    pub(super) failures: u32,
    pub(super) last_error: Option<String>,
    pub(super) challenge: Option<&'static str>,
}

impl CertificateStatus {
    pub(super) fn describe(&mut self, certificate: &Certificate) {
        self.issuer = Some(certificate.issuer().to_owned());
        self.serial = Some(certificate.serial().to_owned());
        self.not_before = timestamp(certificate.not_before());
        self.not_after = timestamp(certificate.not_after());
        self.end = Some(certificate.not_after());
    }
}

/// Where every certificate of the ACME server stands.
#[derive(Debug)]
pub struct AcmeStatus {
    directory: String,
    certificates: Vec<(SharedStatus, Arc<Notify>)>,
}

/// One keeper writes, the operator's pages read; held for a copy only.
pub(super) type SharedStatus = Arc<Mutex<CertificateStatus>>;

impl AcmeStatus {
    pub(super) fn new(directory: String, certificates: Vec<(SharedStatus, Arc<Notify>)>) -> Self {
        Self {
            directory,
            certificates,
        }
    }

    /// Begins an attempt for the certificate called `name` without waiting for its time. Our own
    /// back-off does not hold an operator up, the ACME server's Retry-After does (RFC 8555 6.6).
    pub fn renew(&self, name: &str, now: SystemTime) -> RenewalWish {
        let copies = || self.certificates.iter().map(|(status, _)| copy(status));
        let found = copies().position(|status| status.name == name);
        let found = found.and_then(|place| self.certificates.get(place));
        let Some((status, wake)) = found else {
            return RenewalWish::Unknown(copies().map(|status| status.name).collect());
        };
        let status = copy(status);
        if matches!(
            status.state,
            CertificateState::Ordering | CertificateState::Renewing
        ) {
            return RenewalWish::UnderWay;
        }
        if let Some(until) = status.asked_until.filter(|until| *until > now) {
            return RenewalWish::AskedToWait(timestamp(until).unwrap_or_default());
        }
        wake.notify_one();
        RenewalWish::Granted
    }

    /// The shape of `/certs`.
    pub fn report(&self, now: SystemTime) -> serde_json::Value {
        let certificates: Vec<_> = self
            .certificates
            .iter()
            .map(|(status, _)| {
                let status = copy(status);
                let left = status.end.and_then(|end| end.duration_since(now).ok());
                let mut shown = serde_json::json!(status);
                if let Some(fields) = shown.as_object_mut() {
                    let days = left.map(|left| left.as_secs() / 86_400);
                    fields.insert("days_left".to_owned(), serde_json::json!(days));
                }
                shown
            })
            .collect();
        serde_json::json!({ "directory": self.directory, "certificates": certificates })
    }
}

fn copy(status: &SharedStatus) -> CertificateStatus {
    status
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

pub(super) fn timestamp(time: SystemTime) -> Option<String> {
    OffsetDateTime::from(time).format(&Rfc3339).ok()
}
