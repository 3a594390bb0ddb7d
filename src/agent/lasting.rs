//! What goes on over reloads.

use std::sync::Arc;

use super::{health::Health, measures::AgentMeasures, session::OpenSessions};
use crate::telemetry::Metrics;

/// What an agent platform leaves to the one that comes after it: clients watch its health, sessions
/// that began before count against the same bound, and labels stand beside the series they made. All
/// clones are one.
#[derive(Clone, Debug)]
pub struct Lasting {
    /// Its health.
    pub health: Health,
    /// How many sessions are open.
    pub sessions: OpenSessions,
    pub(super) measures: Arc<AgentMeasures>,
}

impl Lasting {
    /// Of the first one.
    pub async fn new(metrics: &Arc<Metrics>) -> Self {
        Self {
            health: Health::new().await,
            sessions: OpenSessions::new(metrics),
            measures: Arc::new(AgentMeasures::new(metrics)),
        }
    }
}
