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

impl ShutdownPhase {
    /// Every phase, in order.
    pub const ALL: [Self; 4] = [Self::Running, Self::Leaving, Self::Draining, Self::Cut];

    /// The word that metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Leaving => "leaving",
            Self::Draining => "draining",
            Self::Cut => "cut",
        }
    }
}

/// The writing side; one owner.
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<ShutdownPhase>);

impl ShutdownTrigger {
    /// A trigger and the signal that follows it.
    pub fn new() -> (Self, Shutdown) {
        let (sender, receiver) = watch::channel(ShutdownPhase::Running);
        let shutdown = Shutdown {
            own: receiver,
            parent: None,
        };
        (Self(sender), shutdown)
    }

    /// A trigger for a part of the process that may end before it: its signal is in the later of
    /// its own phase and the parent's.
    pub fn below(parent: &Shutdown) -> (Self, Shutdown) {
        let (sender, own) = watch::channel(ShutdownPhase::Running);
        let parent = Some(Box::new(parent.clone()));
        (Self(sender), Shutdown { own, parent })
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
pub struct Shutdown {
    own: watch::Receiver<ShutdownPhase>,
    parent: Option<Box<Shutdown>>,
}

impl Shutdown {
    /// The phase now.
    pub fn phase(&self) -> ShutdownPhase {
        let own = if self.own.has_changed().is_err() {
            ShutdownPhase::Cut
        } else {
            *self.own.borrow()
        };
        let parent = self.parent.as_ref().map(|parent| parent.phase());
        parent.map_or(own, |parent| parent.max(own))
    }

    /// Returns once the process is in `phase` or a later one. A dropped trigger counts as the
    /// last phase: nobody is left who could end things in order.
    pub async fn reached(&self, phase: ShutdownPhase) {
        let mut receiver = self.own.clone();
        // An error means that the trigger is gone, which the doc comment covers.
        let own = receiver.wait_for(|current| *current >= phase);
        match &self.parent {
            None => drop(own.await),
            Some(parent) => tokio::select! {
                _ = own => {}
                () = Box::pin(parent.reached(phase)) => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_part_ends_with_the_whole_or_alone() {
        let (trigger, whole) = ShutdownTrigger::new();
        let (first_trigger, first) = ShutdownTrigger::below(&whole);
        let (_second_trigger, second) = ShutdownTrigger::below(&whole);
        first_trigger.advance(ShutdownPhase::Draining);
        first.reached(ShutdownPhase::Draining).await;
        assert_eq!(whole.phase(), ShutdownPhase::Running);
        assert_eq!(second.phase(), ShutdownPhase::Running);
        trigger.advance(ShutdownPhase::Leaving);
        second.reached(ShutdownPhase::Leaving).await;
        assert_eq!(first.phase(), ShutdownPhase::Draining);
    }

    #[tokio::test]
    async fn a_part_without_its_trigger_is_over() {
        let (_trigger, whole) = ShutdownTrigger::new();
        let (part_trigger, part) = ShutdownTrigger::below(&whole);
        drop(part_trigger);
        part.reached(ShutdownPhase::Cut).await;
        assert_eq!(part.phase(), ShutdownPhase::Cut);
    }
}
