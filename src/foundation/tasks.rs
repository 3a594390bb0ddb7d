//! Where tasks are started, so that none is forgotten at the end.

use std::future::Future;

use tokio_util::task::TaskTracker;

/// A set of tasks that can be waited for. Clones share the set.
#[derive(Clone, Debug, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task. `name` says in the log whose task it was if it panics.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts tasks")]
    pub fn spawn<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tracked = self.0.track_future(future);
        tokio::spawn(async move {
            let guard = PanicReport(name);
            tracked.await;
            std::mem::forget(guard);
        });
    }

    /// How many tasks have not ended.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when no task is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns once every task has ended. Tasks may still be added until then.
    pub async fn finished(&self) {
        self.0.close();
        self.0.wait().await;
    }
}

/// hyper starts the tasks of HTTP/2 streams through this.
impl<F> hyper::rt::Executor<F> for Tasks
where
    F: Future + Send + 'static,
{
    fn execute(&self, future: F) {
        self.spawn("http2 stream", async move {
            future.await;
        });
    }
}

/// Dropped only when the task panics or the runtime ends under it.
struct PanicReport(&'static str);

impl Drop for PanicReport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(
                task = self.0,
                "a task panicked; its connection or job is lost"
            );
        }
    }
}
