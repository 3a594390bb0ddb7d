//! Where tasks are started, so that none is forgotten at the end.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::FutureExt;
use pin_project_lite::pin_project;
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
        let future = self.0.track_future(future);
        tokio::spawn(Reported { future, name });
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
        self.spawn("http2 stream", future.map(drop));
    }
}

pin_project! {
    /// A future whose panic is logged. Not an async block: that would keep room for the future
    /// twice, where it came in and where it is awaited.
    struct Reported<F> {
        #[pin]
        future: F,
        name: &'static str,
    }
}

impl<F: Future> Future for Reported<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let guard = PanicReport(this.name);
        let polled = this.future.poll(context);
        std::mem::forget(guard);
        polled
    }
}

/// Dropped only when a task panics.
struct PanicReport(&'static str);

impl Drop for PanicReport {
    fn drop(&mut self) {
        tracing::error!(
            task = self.0,
            "a task panicked; its connection or job is lost"
        );
    }
}
