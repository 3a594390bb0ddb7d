//! Credentials that are kept until shortly before they end.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use tokio::{sync::Mutex, time::Instant};

use super::CloudError;
use crate::foundation::Clock;

/// What a source gave, for all who want it.
#[derive(Debug)]
pub(super) struct Kept<T> {
    held: ArcSwapOption<Held<T>>,
    /// The last failure; locked while a source is asked, so that one call asks for all.
    asking: Mutex<Option<Failure>>,
    clock: Arc<dyn Clock>,
}

/// What a source gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetched<T> {
    /// The credentials.
    pub(super) value: T,
    /// When they end; never where the source does not say.
    pub(super) expires: Option<SystemTime>,
}

#[derive(Debug)]
struct Held<T> {
    fetched: Fetched<T>,
    since: Instant,
}

#[derive(Debug)]
struct Failure {
    error: CloudError,
    at: Instant,
}

/// How good the held credentials are.
enum State<T> {
    Fresh(T),
    /// They hold, and end soon.
    Ending(T),
    None,
}

impl<T: Clone> Kept<T> {
    /// Nothing yet.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            held: ArcSwapOption::empty(),
            asking: Mutex::new(None),
            clock,
        }
    }

    /// The held credentials, or what the source gives. While they are renewed before their end,
    /// others go on with those that still hold, and so they do where renewal fails.
    pub(super) async fn get(
        &self,
        ask: impl Future<Output = Result<Fetched<T>, CloudError>>,
    ) -> Result<T, CloudError> {
        match self.state() {
            State::Fresh(value) => Ok(value),
            State::Ending(value) => {
                let Ok(mut asking) = self.asking.try_lock() else {
                    return Ok(value);
                };
                if recent(asking.as_ref()).is_some() {
                    return Ok(value);
                }
                let renewed = self.ask(&mut asking, ask).await;
                Ok(renewed.unwrap_or_else(|error| {
                    tracing::warn!(%error, "credentials are not renewed yet; the old ones still hold");
                    value
                }))
            }
            State::None => {
                let mut asking = self.asking.lock().await;
                if let State::Fresh(value) | State::Ending(value) = self.state() {
                    return Ok(value);
                }
                match recent(asking.as_ref()) {
                    Some(error) => Err(error),
                    None => self.ask(&mut asking, ask).await,
                }
            }
        }
    }

    /// Forgets credentials that were refused to a call which had them at that time, so that the
    /// source is asked again. False where they were fetched just now, so that the source has no
    /// others. Of several calls with the same ones each hears that there may be better ones.
    pub(super) fn forget(&self, authorized: Instant) -> bool {
        let Some(held) = self.held.load_full() else {
            return true;
        };
        if held.since > authorized {
            return true;
        }
        let is_old = held.since.elapsed() > YOUNG;
        if is_old {
            // another may have been quicker, and what it fetched stays
            self.held.compare_and_swap(&held, None);
        }
        is_old
    }

    async fn ask(
        &self,
        last: &mut Option<Failure>,
        ask: impl Future<Output = Result<Fetched<T>, CloudError>>,
    ) -> Result<T, CloudError> {
        match ask.await {
            Ok(fetched) => {
                *last = None;
                let value = fetched.value.clone();
                let since = Instant::now();
                self.held.store(Some(Arc::new(Held { fetched, since })));
                Ok(value)
            }
            Err(error) => {
                *last = Some(Failure {
                    error: error.clone(),
                    at: Instant::now(),
                });
                Err(error)
            }
        }
    }

    fn state(&self) -> State<T> {
        let Some(held) = self.held.load_full() else {
            return State::None;
        };
        let value = held.fetched.value.clone();
        let Some(expires) = held.fetched.expires else {
            return State::Fresh(value);
        };
        match expires.duration_since(self.clock.now()) {
            Ok(left) if left > RENEW_BEFORE => State::Fresh(value),
            Ok(left) if left > TOO_SHORT => State::Ending(value),
            _ => State::None,
        }
    }
}

/// A failure that is too young to ask again.
fn recent(last: Option<&Failure>) -> Option<CloudError> {
    let last = last?;
    (last.at.elapsed() < PATIENCE).then(|| last.error.clone())
}

/// Sources have new credentials by then, and there is time for several tries.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

/// A request takes its way, and clocks differ.
const TOO_SHORT: Duration = Duration::from_secs(1);

/// Credentials that are refused at this age are no older at their source.
const YOUNG: Duration = Duration::from_secs(1);

/// A source that failed is left alone for so long.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::{
        pin::Pin,
        sync::atomic::{AtomicU64, Ordering},
    };

    use super::*;

    /// Seconds since the epoch, moved by hand.
    #[derive(Debug, Default)]
    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
        }

        fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(std::future::pending())
        }
    }

    type Given = std::future::Ready<Result<Fetched<u32>, CloudError>>;

    fn gives(value: u32, until: u64) -> Given {
        std::future::ready(Ok(Fetched {
            value,
            expires: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(until)),
        }))
    }

    fn fails() -> Given {
        std::future::ready(Err(CloudError::unusable("it", "fails")))
    }

    #[tokio::test(start_paused = true)]
    async fn credentials_are_renewed_before_their_end_and_not_before() {
        let hand = Arc::new(Hand::default());
        let kept = Kept::new(hand.clone());
        assert_eq!(kept.get(gives(1, 3600)).await, Ok(1));
        hand.0.store(3299, Ordering::SeqCst);
        assert_eq!(kept.get(fails()).await, Ok(1));
        hand.0.store(3301, Ordering::SeqCst);
        // the old ones hold while renewal fails, and the source gets its rest
        assert_eq!(kept.get(fails()).await, Ok(1));
        assert_eq!(kept.get(gives(2, 7200)).await, Ok(1));
        tokio::time::advance(PATIENCE).await;
        assert_eq!(kept.get(gives(2, 7200)).await, Ok(2));
        assert_eq!(kept.get(gives(3, 9999)).await, Ok(2));
        hand.0.store(7200, Ordering::SeqCst);
        assert!(kept.get(fails()).await.is_err());
        // and others learn the same at once
        assert!(kept.get(gives(3, 9999)).await.is_err());
        tokio::time::advance(PATIENCE).await;
        assert_eq!(kept.get(gives(3, 9999)).await, Ok(3));
    }

    #[tokio::test(start_paused = true)]
    async fn refused_credentials_are_fetched_anew() {
        let kept = Kept::new(Arc::new(Hand::default()));
        assert_eq!(kept.get(gives(1, 9999)).await, Ok(1));
        assert!(!kept.forget(Instant::now()), "they are new");
        assert_eq!(kept.get(gives(2, 9999)).await, Ok(1));
        tokio::time::advance(YOUNG * 2).await;
        let authorized = Instant::now();
        assert!(kept.forget(authorized));
        assert!(kept.forget(authorized), "another call of the same time");
        tokio::time::advance(YOUNG / 2).await;
        assert_eq!(kept.get(gives(2, 9999)).await, Ok(2));
        // a slow call that still had the old ones may try the new ones, and they stay
        assert!(kept.forget(authorized));
        assert_eq!(kept.get(gives(3, 9999)).await, Ok(2));
    }

    #[tokio::test]
    async fn one_call_asks_for_all_who_wait() {
        let kept = Kept::new(Arc::new(Hand::default()));
        let slow = async {
            tokio::task::yield_now().await;
            gives(1, 9999).await
        };
        let (one, two) = tokio::join!(kept.get(slow), kept.get(fails()));
        assert_eq!((one, two), (Ok(1), Ok(1)));
    }
}
