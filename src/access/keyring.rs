//! The keys of all sources together.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::sync::Semaphore;

use super::{key::Key, source::Source, status::SourceStatus};
use crate::foundation::Clock;

/// The sources and what is asked of them together.
pub(super) struct Keyring {
    pub(super) sources: Vec<Arc<Source>>,
    clock: Arc<dyn Clock>,
    waiting: Semaphore,
}

impl Keyring {
    pub(super) fn new(sources: Vec<Arc<Source>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            sources,
            clock,
            waiting: Semaphore::new(WAITING),
        }
    }

    /// The keys of that name that are known now; one for each source at most.
    pub(super) fn find(&self, kid: &str) -> Vec<Arc<Key>> {
        let sources = self.sources.iter();
        sources
            .filter_map(|source| source.keys().find(kid))
            .collect()
    }

    /// Asks the sources for a key that is unknown, and waits until one has it, all have answered,
    /// or the time is over.
    pub(super) async fn find_anew(&self, kid: &str) -> Vec<Arc<Key>> {
        let now = self.clock.now();
        let asked = self
            .sources
            .iter()
            .filter_map(|source| source.ask_again(now));
        let mut answers: FuturesUnordered<_> = asked
            .map(|mut attempts| async move {
                // a source that ends meanwhile has no answer either
                let _ = attempts.changed().await;
            })
            .collect();
        if answers.is_empty() {
            return self.find(kid);
        }
        // the sources are asked all the same, for those who come later
        let Ok(_place) = self.waiting.try_acquire() else {
            return Vec::new();
        };
        let found = async {
            while answers.next().await.is_some() {
                let found = self.find(kid);
                if !found.is_empty() {
                    return found;
                }
            }
            Vec::new()
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .unwrap_or_default()
    }

    /// True while there are sources and none has answered.
    pub(super) fn is_empty_handed(&self) -> bool {
        !self.sources.is_empty() && self.sources.iter().all(|source| source.keys().len() == 0)
    }

    /// How each source does.
    pub(super) fn status(&self) -> Vec<SourceStatus> {
        let sources = self.sources.iter();
        sources.map(|source| source.status()).collect()
    }
}

/// GitLab's probes wait 3 s for a completion (gitlab-clients 2), and the model has to answer too.
const PATIENCE: Duration = Duration::from_secs(2);

/// Requests that wait for unknown keys at once. Anybody can send such tokens; those that come when
/// so many wait are refused at once.
const WAITING: usize = 256;
