//! The bytes of a WebSocket, both ways.

use std::{
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::Instant,
};

use super::{
    answer::Hold,
    frames::{self, FrameFollower},
    outcome::{OK, Settlement},
};
use crate::{
    foundation::{Randomness, Shutdown, ShutdownPhase, SystemRandomness},
    http::RequestContext,
};

/// A tunnel from the moment that both sides agreed to switch.
#[derive(Debug)]
pub(super) struct Tunnel {
    pub(super) client: OnUpgrade,
    pub(super) upstream: OnUpgrade,
    /// The connection to the upstream counts as in use.
    pub(super) hold: Hold,
    pub(super) context: Arc<RequestContext>,
    pub(super) settlement: Settlement,
    pub(super) idle: Duration,
    pub(super) shutdown: Shutdown,
}

impl Tunnel {
    /// Carries bytes until both sides have ended, one breaks, both fall silent, or the process
    /// ends. Returns when both connections are closed.
    pub(super) async fn run(mut self) {
        let switched = tokio::time::timeout(SWITCH_DEADLINE, async {
            tokio::try_join!(&mut self.client, &mut self.upstream)
        });
        let Ok(Ok((client, upstream))) = switched.await else {
            let reason = "the client left before the tunnel was open";
            let _ = self.context.entry.failure.set(reason.to_owned());
            return;
        };
        self.carry(client, upstream).await;
        drop(self.hold);
    }

    async fn carry(&mut self, client: Upgraded, upstream: Upgraded) {
        let (client_reader, client_writer) = tokio::io::split(TokioIo::new(client));
        let (upstream_reader, upstream_writer) = tokio::io::split(TokioIo::new(upstream));
        let activity = Activity::new(self.idle);
        let entry = &self.context.entry;
        let inward = Direction {
            reader: client_reader,
            writer: upstream_writer,
            activity: &activity,
            shutdown: &self.shutdown,
            mask: Some(&SystemRandomness),
        };
        let outward = Direction {
            reader: upstream_reader,
            writer: client_writer,
            activity: &activity,
            shutdown: &self.shutdown,
            mask: None,
        };
        let both = async {
            tokio::try_join!(
                inward.carry(|bytes| entry.add_bytes_in(bytes)),
                outward.carry(|bytes| entry.add_bytes_out(bytes)),
            )
        };
        let ended = tokio::select! {
            ended = both => ended.map(|_| ()).map_err(|error| format!("the tunnel broke: {error}")),
            () = activity.silence() => Err("the tunnel stood still".to_owned()),
            () = self.cut() => Err("the tunnel was cut, for the process ends".to_owned()),
        };
        if let Err(reason) = ended {
            let _ = self.context.entry.failure.set(reason);
        }
        self.settlement.settle(OK);
    }

    /// Returns when no more time is left for farewells.
    async fn cut(&self) {
        self.shutdown.reached(ShutdownPhase::Cut).await;
        tokio::time::sleep(FAREWELL).await;
    }
}

/// One way through a tunnel.
struct Direction<'a, R, W> {
    reader: R,
    writer: W,
    activity: &'a Activity,
    shutdown: &'a Shutdown,
    /// Present where we are the client.
    mask: Option<&'a dyn Randomness>,
}

impl<R, W> Direction<'_, R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    /// Carries bytes to the end of this way, and passes the end on. When the process ends, the
    /// way ends between two frames with a Close frame.
    async fn carry(mut self, count: impl Fn(u64)) -> io::Result<()> {
        let mut buffer = vec![0_u8; BUFFER_BYTES];
        let mut follower = FrameFollower::default();
        let mut cut = pin!(self.shutdown.reached(ShutdownPhase::Cut));
        let mut ending = false;
        loop {
            let length = tokio::select! {
                biased;
                () = &mut cut, if !ending => {
                    ending = true;
                    if follower.is_between_frames() {
                        return self.say_farewell(&follower).await;
                    }
                    continue;
                }
                length = self.reader.read(&mut buffer) => length?,
            };
            let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else {
                self.activity.one_side_ended();
                return self.writer.shutdown().await;
            };
            let passing = follow(&mut follower, bytes, ending);
            self.pass(passing).await?;
            count(passing.len() as u64);
            if ending && follower.is_between_frames() {
                return self.say_farewell(&follower).await;
            }
        }
    }

    async fn pass(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.activity.touch();
        self.writer.write_all(bytes).await?;
        self.writer.flush().await?;
        self.activity.touch();
        Ok(())
    }

    /// Sends a Close frame unless one has passed, and reads on so that the other side can end in
    /// order; what it still says goes nowhere.
    async fn say_farewell(mut self, follower: &FrameFollower) -> io::Result<()> {
        if !follower.is_closed() {
            self.pass(&frames::going_away(self.mask)).await?;
        }
        let mut rest = [0_u8; 1024];
        while self.reader.read(&mut rest).await? > 0 {}
        self.writer.shutdown().await
    }
}

/// The bytes to pass on: all of them, or only those of the current frame when the end has come.
fn follow<'a>(follower: &mut FrameFollower, bytes: &'a [u8], ending: bool) -> &'a [u8] {
    let mut position = 0;
    while position < bytes.len() {
        position += follower.follow(bytes.get(position..).unwrap_or_default());
        if ending {
            break;
        }
    }
    bytes.get(..position).unwrap_or(bytes)
}

/// When bytes last moved in either way, in milliseconds since the tunnel opened.
struct Activity {
    opened: Instant,
    last: AtomicU64,
    idle: AtomicU64,
}

impl Activity {
    fn new(idle: Duration) -> Self {
        Self {
            opened: Instant::now(),
            last: AtomicU64::new(0),
            idle: AtomicU64::new(milliseconds(idle)),
        }
    }

    fn touch(&self) {
        let now = milliseconds(self.opened.elapsed());
        self.last.store(now, Ordering::Relaxed);
    }

    /// A side that has ended gives the other one little time to fall silent.
    fn one_side_ended(&self) {
        let idle = milliseconds(HALF_CLOSED_IDLE);
        self.idle.fetch_min(idle, Ordering::Relaxed);
        self.touch();
    }

    /// Returns once nothing has moved for the idle time.
    async fn silence(&self) {
        loop {
            let idle = self.idle.load(Ordering::Relaxed);
            let end = self.last.load(Ordering::Relaxed).saturating_add(idle);
            let now = milliseconds(self.opened.elapsed());
            if now >= end {
                return;
            }
            // Looks again after the short time at the latest: the idle time may have shrunk.
            let pause = Duration::from_millis(end - now).min(HALF_CLOSED_IDLE);
            tokio::time::sleep(pause).await;
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Both sides have agreed already; what is left is to write one head.
const SWITCH_DEADLINE: Duration = Duration::from_secs(10);

/// Long enough for a Close frame and its answer; the process waits half a second at its end.
const FAREWELL: Duration = Duration::from_millis(300);

/// A WebSocket message of a chat fits; a large one passes in pieces.
const BUFFER_BYTES: usize = 8 * 1024;

/// A WebSocket whose one side is closed has nothing more to say; this lets the last bytes pass.
const HALF_CLOSED_IDLE: Duration = Duration::from_secs(30);
