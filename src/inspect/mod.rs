//! What an operator's command looks at from outside, or asks of a running process.
//!
//! The liveness of a process, for container health checks in images without shell or curl; the
//! certificates it serves; and the doctor, who looks at a public name as GitLab does and tells the remedy of what fails. This room speaks to the admin listener as any client would; it knows nothing of how the
//! process answers.
//!
//! Limits: a question takes at most the time its caller gives, an answer is read up to 8 KiB, a
//! list of certificates up to 1 MiB;
//! the doctor's own are in its folder.

mod certificates;
mod doctor;
mod health;
mod question;

pub use certificates::{CertificateLine, CertificateList, certificates, renew};
pub use doctor::{Finding, GitlabSettings, Outcome, Place, PlaceError, Questions, Report, examine};
pub use health::{HealthError, health};
pub use question::QuestionError;
