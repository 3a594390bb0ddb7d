//! One process takes another's place: SIGUSR2 starts the program anew on the same sockets.
//!
//! The old process starts the new one with one end of a Unix socket as its standard input and
//! sends its listening sockets through it. The new one reads its configuration, takes the sockets
//! that fit, opens what is missing, and says that it serves. Until then the old one serves as
//! before, and goes on if the new one ends, or is too slow.

use std::{
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::parent_id},
    },
    process::{Child, Command},
    sync::Arc,
    time::Duration,
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ServeError, notify};
use crate::{
    config::{self, PREDECESSOR_VARIABLE, Program},
    listener::{self, InheritedSockets},
};

/// The process that started this one to take its place, waiting for its word.
pub(super) struct Predecessor(UnixStream);

impl Predecessor {
    /// The sockets this process begins with, and who waits for it, if anybody does. To be called
    /// before any thread starts, see [`InheritedSockets::take`].
    pub(super) fn meet() -> Result<(InheritedSockets, Option<Self>), ServeError> {
        // The variable may have leaked to a program that a successor started.
        if config::predecessor().is_none_or(|process| process != parent_id()) {
            let sockets = InheritedSockets::take().map_err(ServeError::Listeners)?;
            return Ok((sockets, None));
        }
        let channel = std::io::stdin().as_fd().try_clone_to_owned()?;
        let channel = UnixStream::from(channel);
        let sockets = listener::receive_sockets(&channel).map_err(ServeError::Predecessor)?;
        rustix::stdio::dup2_stdin(std::fs::File::open("/dev/null")?)
            .map_err(std::io::Error::from)?;
        Ok((
            InheritedSockets::from_predecessor(sockets),
            Some(Self(channel)),
        ))
    }

    /// Says that every address is served here now, and waits until the predecessor has understood.
    pub(super) async fn tell(self) {
        match tokio::time::timeout(UNDERSTOOD, self.say()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the predecessor is gone already"),
            Err(_) => tracing::warn!("the predecessor does not react"),
        }
    }

    async fn say(self) -> std::io::Result<()> {
        self.0.set_nonblocking(true)?;
        let mut channel = tokio::net::UnixStream::from_std(self.0)?;
        channel.write_all(&[SERVING]).await?;
        // It closes the channel.
        channel.read_to_end(&mut Vec::new()).await?;
        Ok(())
    }
}

/// Starts the program anew on these sockets and waits until it serves; returns its process id.
pub(super) async fn start_successor(
    program: &Program,
    sockets: &[(SocketAddr, Arc<TcpListener>)],
) -> Result<u32, ServeError> {
    if std::process::id() == 1 {
        return Err(ServeError::FirstProcess);
    }
    let (ours, theirs) = UnixStream::pair()?;
    listener::pass_sockets(&ours, sockets)?;
    ours.set_nonblocking(true)?;
    let mut channel = tokio::net::UnixStream::from_std(ours)?;
    let child = Command::new(&program.path)
        .args(&program.arguments)
        .env(PREDECESSOR_VARIABLE, std::process::id().to_string())
        .stdin(OwnedFd::from(theirs))
        .spawn()
        .map_err(|reason| ServeError::Program {
            path: program.path.clone(),
            reason,
        })?;
    let mut beginner = Beginner(Some(child));
    match tokio::time::timeout(START, channel.read_u8()).await {
        Ok(Ok(SERVING)) => {
            let successor = beginner.release();
            // Before the successor speaks: nobody else is listened to (NotifyAccess=main).
            notify::tell(&format!("MAINPID={successor}"));
            Ok(successor)
        }
        Ok(_) => Err(ServeError::SuccessorEnded(beginner.end().await)),
        Err(_) => Err(ServeError::SuccessorLate(START)),
    }
}

/// A successor that does not serve yet. Killed on drop: it must not begin after we decided to go on.
struct Beginner(Option<Child>);

impl Beginner {
    fn release(&mut self) -> u32 {
        self.0.take().map(|child| child.id()).unwrap_or_default()
    }

    /// How it ended, after it let go of its channel.
    async fn end(&mut self) -> String {
        for _ in 0..ENDING_LOOKS {
            if let Some(Ok(Some(status))) = self.0.as_mut().map(Child::try_wait) {
                return status.to_string();
            }
            tokio::time::sleep(ENDING_PAUSE).await;
        }
        "it does not speak with its predecessor: is it another program?".to_owned()
    }
}

impl Drop for Beginner {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // Both fail only if it is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The word of a successor that serves.
const SERVING: u8 = b'S';

/// A predecessor has nothing to do but to tell the service manager.
const UNDERSTOOD: Duration = Duration::from_secs(5);

/// How long a successor may take to serve. A start takes a tenth of a second; a busy machine and
/// slow disks are given much more, since nobody waits for it.
const START: Duration = Duration::from_secs(60);

/// A program that ends closes its channel just before it can be asked for its status.
const ENDING_LOOKS: u32 = 100;

/// Between two such questions.
const ENDING_PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    // The paused clock runs ahead as soon as everything waits.
    #[tokio::test(start_paused = true)]
    async fn a_successor_that_never_serves_is_ended_after_its_time() {
        let program = Program {
            path: "/bin/sleep".into(),
            arguments: vec!["60".into()],
        };
        let error = start_successor(&program, &[]).await.unwrap_err();
        assert!(matches!(error, ServeError::SuccessorLate(START)), "{error}");
    }
}
