//! The two steps in which the process ends, as a signal everyone can wait for.

use tokio::sync::watch;

/// How far the end of the process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ShutdownPhase {
    /// Serving.
    Running,
    /// A signal came: not ready any more, but listeners still answer.
    Leaving,
    /// Listeners are closed; connections finish what they carry.
    Draining,
    /// The grace is over; whatever is left is cut.
    Cut,
}

/// The writing side; one owner.
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<ShutdownPhase>);

impl ShutdownTrigger {
    /// A trigger and the signal that follows it.
    pub fn new() -> (Self, Shutdown) {
        let (sender, receiver) = watch::channel(ShutdownPhase::Running);
        (Self(sender), Shutdown(receiver))
    }

    /// Moves on to `phase`; an earlier phase than the present one is ignored.
    pub fn advance(&self, phase: ShutdownPhase) {
        self.0.send_if_modified(|current| {
            let later = phase > *current;
            if later {
                *current = phase;
            }
            later
        });
    }
}

/// The reading side; cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<ShutdownPhase>);

impl Shutdown {
    /// The phase now.
    pub fn phase(&self) -> ShutdownPhase {
        *self.0.borrow()
    }

    /// Returns once the process is in `phase` or a later one. A dropped trigger counts as the
    /// last phase: nobody is left who could end things in order.
    pub async fn reached(&self, phase: ShutdownPhase) {
        let mut receiver = self.0.clone();
        // An error means that the trigger is gone, which the doc comment covers.
        let _ = receiver.wait_for(|current| *current >= phase).await;
    }
}
