//! Where each certificate stands, as `/certs` shows it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use serde::Serialize;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::sync::Notify;

use crate::tls::Certificate;

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
    /// The ACME server will not issue this as it is; tried again at the next start, when the
    /// configuration changes, or when the operator asks.
    Blocked,
}

impl CertificateState {
    /// Every state, for metrics.
    pub(super) const ALL: [Self; 7] = [
        Self::Missing,
        Self::Ordering,
        Self::Valid,
        Self::Due,
        Self::Renewing,
        Self::BackingOff,
        Self::Blocked,
    ];

    /// Whether an attempt is under way.
    fn is_running(self) -> bool {
        matches!(self, Self::Ordering | Self::Renewing)
    }

    /// The word for it, as `/certs`, metrics and state files have it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Ordering => "ordering",
            Self::Valid => "valid",
            Self::Due => "due",
            Self::Renewing => "renewing",
            Self::BackingOff => "backing_off",
            Self::Blocked => "blocked",
        }
    }
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
    /// Every ACME server asked not to be asked before this moment.
    #[serde(skip)]
    pub(super) asked_until: Option<SystemTime>,
    pub(super) next_attempt: Option<String>,
    pub(super) failures: u32,
    pub(super) last_error: Option<String>,
    pub(super) challenge: Option<&'static str>,
    pub(super) directory: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) window_start: Option<String>,
    pub(super) window_end: Option<String>,
    pub(super) window_chosen: Option<String>,
    pub(super) window_explanation: Option<String>,
}

impl CertificateStatus {
    /// Of a certificate nothing is known of yet.
    pub(super) fn unknown(name: String, domains: Vec<String>) -> Self {
        Self {
            name,
            domains,
            state: CertificateState::Missing,
            issuer: None,
            serial: None,
            not_before: None,
            not_after: None,
            end: None,
            asked_until: None,
            next_attempt: None,
            failures: 0,
            last_error: None,
            challenge: None,
            directory: None,
            profile: None,
            window_start: None,
            window_end: None,
            window_chosen: None,
            window_explanation: None,
        }
    }

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
    certificates: Vec<Kept>,
}

/// One certificate, as far as others see it.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) status: SharedStatus,
    pub(super) request: Arc<RenewalRequest>,
}

/// The operator's wish that a certificate be renewed now. Wishes that come while one is open, or
/// while an attempt runs, are the same wish.
#[derive(Debug, Default)]
pub(super) struct RenewalRequest {
    open: AtomicBool,
    made: Notify,
}

impl RenewalRequest {
    fn make(&self) {
        self.open.store(true, Ordering::Release);
        self.made.notify_one();
    }

    /// Whether there is a wish; it is open no longer.
    pub(super) fn take(&self) -> bool {
        self.open.swap(false, Ordering::AcqRel)
    }

    /// Returns once a wish may have been made.
    pub(super) async fn made(&self) {
        self.made.notified().await;
    }
}

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

/// One keeper writes, the operator's pages read; held for a copy only.
pub(super) type SharedStatus = Arc<Mutex<CertificateStatus>>;

impl AcmeStatus {
    pub(super) fn new(directory: String, certificates: Vec<Kept>) -> Self {
        Self {
            directory,
            certificates,
        }
    }

    /// Begins an attempt for the certificate called `name` without waiting for its time. Our own
    /// back-off does not hold an operator up, the ACME server's Retry-After does (RFC 8555 6.6).
    pub fn renew(&self, name: &str, now: SystemTime) -> RenewalWish {
        let copies = || self.certificates.iter().map(|kept| copy(&kept.status));
        let found = self
            .certificates
            .iter()
            .find(|kept| copy(&kept.status).name == name);
        let Some(kept) = found else {
            return RenewalWish::Unknown(copies().map(|status| status.name).collect());
        };
        let status = copy(&kept.status);
        if status.state.is_running() {
            return RenewalWish::UnderWay;
        }
        if let Some(until) = status.asked_until.filter(|until| *until > now) {
            return RenewalWish::AskedToWait(timestamp(until).unwrap_or_default());
        }
        kept.request.make();
        RenewalWish::Granted
    }

    /// The shape of `/certs`.
    pub fn report(&self, now: SystemTime) -> serde_json::Value {
        let certificates: Vec<_> = self
            .certificates
            .iter()
            .map(|kept| {
                let status = copy(&kept.status);
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
