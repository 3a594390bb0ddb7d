//! What an operator's command looks at from outside, or asks of a running process.
//!
//! The liveness of a process, for container health checks in images without shell or curl; the
//! certificates it serves; the doctor, who looks at a public name as GitLab does and tells the remedy
//! of what fails; troubleshoot, which looks at an installation from its own host; and the index of
//! documentation that is made of a folder. This room speaks to the admin listener as any client would; it knows nothing of how the
//! process answers.
//!
//! Limits: a question takes at most the time its caller gives, an answer is read up to 8 KiB, a
//! list of certificates up to 1 MiB;
//! the doctor's own are in its folder.

mod caller_token;
mod certificates;
mod doctor;
mod health;
mod model_under_test;
mod question;
mod troubleshoot;

pub use crate::documentation::{BuildSettings, Built, DocumentationError, build_index};
pub use caller_token::{CallerToken, TokenFileError};
pub use certificates::{CertificateLine, CertificateList, certificates, renew};
pub use doctor::{Finding, GitlabSettings, Outcome, Place, PlaceError, Questions, Report, examine};
pub use health::{HealthError, health};
pub use model_under_test::ModelUnderTest;
pub use question::QuestionError;
pub use troubleshoot::{Endpoint, EndpointError, Installation, Line, LineKind, troubleshoot};
