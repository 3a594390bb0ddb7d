//! The operator's listener: metrics, liveness, readiness, certificates.
//!
//! One [`Door`](crate::http::Door) on a port of its own, by default on loopback. It reads what
//! other rooms publish, and passes on one wish: to renew a certificate now, from this machine only. Liveness (`/healthz`) is what health checks use;
//! readiness (`/readyz`) tells each part.
//!
//! This room must not know how certificates are obtained or requests are served: the application
//! hands it functions that answer.
//!
//! Limits: bodies of requests are never read; answers are as large as their lists.

mod pages;

pub use pages::{Admin, AdminSources, Readiness, RenewalAnswer};
