//! GitLab's gRPC service, answered in this process.
//!
//! For now its health: `grpc.health.v1.Health` for the services `""` and `DuoWorkflow`
//! (gitlab-clients 2.4). Every other method is answered UNIMPLEMENTED.
//!
//! This room must not know connections, TLS or whether it is reached on 443 or 50052.
//!
//! Limits: tonic bounds a message at 4 MiB.

mod service;

pub use service::Agent;
