//! GitLab's HTTP API, answered in this process.
//!
//! For now the minimum that GitLab's and Kubernetes' health checks read: `/monitoring/healthz`,
//! and the refusals that tell an administrator that the gateway is there (http-api 1). Paths on
//! one page: `routes.rs`.
//!
//! This room must not know connections, TLS or whether it is reached on 443 or 5052.
//!
//! Limits: request bodies are bounded by the http room; nothing here reads one.

mod routes;

pub use routes::Gateway;
