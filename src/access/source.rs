//! One publisher of keys: what it published last, and the task that asks it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use reqwest::Client;
use tokio::sync::{Notify, watch};

use super::{
    authority::Surroundings,
    fetch::{FetchError, fetch},
    key::KeySet,
    status::{SourceState, SourceStatus},
};
use crate::{
    foundation::{Clock, Randomness, Shutdown, ShutdownPhase, ShutdownTrigger},
    telemetry::{Metrics, OutcomeLabels},
};

/// A source with what ends its task: that ends when nobody holds this any more.
pub(super) struct Source {
    shared: Arc<Shared>,
    /// What it was made from; a new configuration keeps a source that says the same.
    identity: String,
    _trigger: ShutdownTrigger,
}

/// What the task and the requests share.
struct Shared {
    url: String,
    keys: ArcSwap<KeySet>,
    client: ArcSwap<Client>,
    progress: Mutex<Progress>,
    /// A request came with a key that nobody knows.
    wish: Notify,
    /// How many attempts have ended.
    attempts: watch::Sender<u64>,
}

/// How asking goes.
#[derive(Default)]
struct Progress {
    /// An attempt is under way or will be at once.
    asking: bool,
    last_attempt: Option<SystemTime>,
    fetched: Option<SystemTime>,
    failure: Option<String>,
    failures: u32,
}

/// The task of a source.
struct Asking {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    metrics: Arc<Metrics>,
    shutdown: Shutdown,
}

impl Source {
    /// Starts the task, which asks at once; nothing waits for it.
    pub(super) fn start(
        url: &str,
        identity: String,
        client: Client,
        around: &Surroundings,
    ) -> Self {
        let shared = Arc::new(Shared {
            url: url.to_owned(),
            keys: ArcSwap::default(),
            client: ArcSwap::from_pointee(client),
            progress: Mutex::new(Progress {
                asking: true,
                ..Progress::default()
            }),
            wish: Notify::new(),
            attempts: watch::channel(0).0,
        });
        let (trigger, shutdown) = ShutdownTrigger::below(&around.shutdown);
        let asking = Asking {
            shared: Arc::clone(&shared),
            clock: Arc::clone(&around.clock),
            randomness: Arc::clone(&around.randomness),
            metrics: Arc::clone(&around.metrics),
            shutdown,
        };
        around.tasks.spawn("key source", asking.run());
        Self {
            shared,
            identity,
            _trigger: trigger,
        }
    }

    /// Whether it was made from the same.
    pub(super) fn is(&self, identity: &str) -> bool {
        self.identity == identity
    }

    /// Its files of trusted roots may have changed.
    pub(super) fn ask_with(&self, client: Client) {
        self.shared.client.store(Arc::new(client));
    }

    /// The keys that count.
    pub(super) fn keys(&self) -> arc_swap::Guard<Arc<KeySet>> {
        self.shared.keys.load()
    }

    /// Asks again because of a key that is unknown, unless that was done within the last minute.
    /// Gives what tells the end of the attempt, also of one that is under way.
    pub(super) fn ask_again(&self, now: SystemTime) -> Option<watch::Receiver<u64>> {
        let mut progress = self.shared.progress();
        let attempts = self.shared.attempts.subscribe();
        if progress.asking {
            return Some(attempts);
        }
        let since = progress.last_attempt.map(|last| now.duration_since(last));
        if since.is_some_and(|since| since.is_ok_and(|since| since < PAUSE)) {
            return None;
        }
        progress.asking = true;
        self.shared.wish.notify_one();
        Some(attempts)
    }

    /// How it does.
    pub(super) fn status(&self) -> SourceStatus {
        let progress = self.shared.progress();
        SourceStatus {
            url: self.shared.url.clone(),
            state: match (progress.fetched, &progress.failure) {
                (None, _) => SourceState::Waiting,
                (Some(_), None) => SourceState::Current,
                (Some(_), Some(_)) => SourceState::Stale,
            },
            keys: self.keys().len(),
            fetched: progress.fetched,
            failure: progress.failure.clone(),
        }
    }
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        // only whole values are set, so a panic elsewhere leaves nothing half done
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asking {
    async fn run(self) {
        loop {
            tokio::select! {
                () = self.shutdown.reached(ShutdownPhase::Draining) => return,
                () = self.attempt() => {}
            }
            tokio::select! {
                () = self.shutdown.reached(ShutdownPhase::Draining) => return,
                () = self.until_due() => {}
            }
        }
    }

    async fn attempt(&self) {
        let now = self.clock.now();
        {
            let mut progress = self.shared.progress();
            progress.asking = true;
            progress.last_attempt = Some(now);
        }
        let client = self.shared.client.load_full();
        let outcome = fetch(&client, &self.shared.url).await;
        let labels = OutcomeLabels {
            outcome: outcome.as_ref().map_or_else(FetchError::outcome, |_| "ok"),
        };
        self.metrics.key_fetches.get_or_create(&labels).inc();
        match outcome {
            Ok(keys) => self.take(keys),
            Err(error) => self.fail(&error),
        }
        self.shared.progress().asking = false;
        self.shared.attempts.send_modify(|count| *count += 1);
    }

    fn take(&self, keys: KeySet) {
        let before = self.shared.keys.load_full();
        let keys = keys.after(&before);
        let (url, count, had) = (&self.shared.url, keys.len(), before.len());
        let changed = !keys.is_same(&before);
        self.shared.keys.store(Arc::new(keys));
        let mut progress = self.shared.progress();
        if changed || progress.failure.is_some() {
            tracing::info!(
                source = url,
                keys = count,
                before = had,
                "keys were fetched"
            );
        }
        progress.fetched = Some(self.clock.now());
        progress.failure = None;
        progress.failures = 0;
    }

    /// The keys stay as they are. What fails again in the same way is not told again.
    fn fail(&self, error: &FetchError) {
        let mut progress = self.shared.progress();
        let text = error.to_string();
        if progress.failure.as_ref() != Some(&text) {
            let (source, keys) = (&self.shared.url, self.shared.keys.load().len());
            tracing::warn!(
                source,
                keys,
                reason = text,
                "keys cannot be fetched; the last good ones count, and the source is asked again"
            );
        }
        progress.failure = Some(text);
        progress.failures = progress.failures.saturating_add(1);
    }

    /// Returns when it is time, or a request wishes it. A clock that was set back counts as due.
    async fn until_due(&self) {
        let pause = self.pause();
        loop {
            let last = {
                let progress = self.shared.progress();
                // not told by the wish itself, which may be an old one that was granted long ago
                if progress.asking {
                    return;
                }
                progress.last_attempt
            };
            let since = last.map(|last| self.clock.now().duration_since(last));
            let left = match since {
                Some(Ok(since)) => pause.saturating_sub(since),
                _ => Duration::ZERO,
            };
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = self.shared.wish.notified() => {}
                () = self.clock.sleep(left) => {}
            }
        }
    }

    /// An hour; after a failure the longer the more there were. Spread, so that many instances of
    /// ours do not ask at once.
    fn pause(&self) -> Duration {
        let failures = self.shared.progress().failures;
        let pause = match failures.checked_sub(1) {
            None => REFRESH,
            Some(before) => FIRST_RETRY
                .saturating_mul(1_u32.checked_shl(before.min(16)).unwrap_or(u32::MAX))
                .min(LONGEST_RETRY),
        };
        pause.mul_f64(1.0 - SPREAD * self.randomness.fraction())
    }
}

/// A new key is published well before it is used (gitlab-clients 4.2), and an unknown one is
/// fetched at once; so this is for keys that were withdrawn.
const REFRESH: Duration = Duration::from_secs(3600);

/// A GitLab that restarts is back within seconds.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// A dead source costs one connection attempt in this time.
const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// Between two attempts on account of unknown keys: anybody can send such tokens.
const PAUSE: Duration = Duration::from_secs(60);

/// A fifth of a pause is left to chance.
const SPREAD: f64 = 0.2;
