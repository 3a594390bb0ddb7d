//! What the official container's `troubleshoot` looks at (http-api 6), from the gateway's own host.
//!
//! [`troubleshoot`] goes through the configuration, the gateway, GitLab, the customers' portal, the
//! Agent Platform, the model server and a call of the model, and tells a [`Line`] of each. It goes on
//! after a failure, for the next step may say why; each failure carries its remedy. The lines that the
//! official script prints are the same here, so that what people search for is found.
//!
//! An API key or a token stands in no line. This room must not know how the gateway does its work: it
//! asks as any client would.
//!
//! Limits: each step ends within its own time (10 or 30 seconds); 64 KiB of an answer are read.

mod agent_platform;
mod client;
mod endpoint;
mod installation;
mod line;
mod model;
mod outside;

pub use endpoint::{Endpoint, EndpointError};
pub use installation::{Installation, troubleshoot};
pub use line::{Line, LineKind};
