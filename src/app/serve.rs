//! From a checked configuration to a process that serves, step by step.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use super::{
    base::{Base, Services},
    drain::{DrainTimes, Signals, drain},
    error::ServeError,
    generation::{Generation, Succession},
    hand_over::Predecessor,
    notify,
    reload::{Reloader, Wishes},
    report, watchdog,
};
use crate::{
    config::{Config, Loaded, LogFormat, LogLevel, Mode, Problem, Program, Workers},
    foundation::{ListenerKind, Shutdown, ShutdownPhase, ShutdownTrigger, Tasks},
    listener::{self, InheritedSockets},
    telemetry::LogSettings,
};
use arc_swap::ArcSwap;
use tokio::sync::oneshot;

/// Runs until a signal ended it in order; `file` is read anew at each reload. `on_started` is told once every address is served.
pub fn serve(
    loaded: &Loaded,
    file: Option<PathBuf>,
    on_started: impl FnOnce(&Running),
) -> Result<(), Vec<Problem>> {
    // Takes the descriptors out of the environment, which is safe only before threads exist.
    let start = Start::new().map_err(|error| error.problems())?;
    let problems = super::check(&loaded.config);
    if !problems.is_empty() {
        return Err(problems);
    }
    run(loaded, file, start, on_started).map_err(|error| error.problems())
}

/// What the process began with beside its configuration.
struct Start {
    inherited: InheritedSockets,
    predecessor: Option<Predecessor>,
    program: Option<Program>,
}

impl Start {
    fn new() -> Result<Self, ServeError> {
        let (inherited, predecessor) = Predecessor::meet()?;
        Ok(Self {
            inherited,
            predecessor,
            // Without /proc it is not known; only a hand-over minds.
            program: Program::of_this_process().ok(),
        })
    }
}

fn run(
    loaded: &Loaded,
    file: Option<PathBuf>,
    start: Start,
    on_started: impl FnOnce(&Running),
) -> Result<(), ServeError> {
    let config = &loaded.config;
    let log = crate::telemetry::start_log(&log_settings(config))?;
    for notice in &loaded.notices {
        tracing::warn!("{notice}");
    }
    let descriptors = listener::raise_descriptor_limit();
    tracing::debug!(?descriptors, "descriptor limit");
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Workers::Number(threads) = config.workers {
        builder.worker_threads(threads);
    }
    let runtime = builder.enable_all().thread_name("duogate").build()?;
    let outcome = runtime.block_on(async {
        // Before anything is served: a signal that comes earlier than its handler kills.
        let signals = Signals::new()?;
        let wishes = Wishes::new(start.program)?;
        let (trigger, shutdown) = ShutdownTrigger::new();
        let served = watch_over(config, &shutdown)?;
        let base = Base::new(config.clone(), Services::default(), shutdown);
        let (running, succession) = begin(base, trigger, start.inherited).await?;
        let _ = served.set(Arc::clone(&running.present));
        let reloader = Reloader::new(file, wishes, log.level(), succession, loaded);
        running.present.load().base.metrics.follow_log(&log);
        on_started(&running);
        if let Some(predecessor) = start.predecessor {
            predecessor.tell().await;
        }
        notify::tell("READY=1");
        running.until_signal(signals, reloader).await
    });
    // Background work has nothing left to lose: state files are written atomically.
    runtime.shutdown_background();
    outcome
}

/// A process that serves.
pub struct Running {
    /// Which of the three ways to start this is.
    pub mode: Mode,
    /// Every address bound.
    pub addresses: Vec<(ListenerKind, SocketAddr)>,
    /// The root of the internal authority, where the source is `internal`.
    pub internal_root: Option<PathBuf>,
    trigger: ShutdownTrigger,
    present: Arc<ArcSwap<Generation>>,
    connections: Tasks,
    tasks: Tasks,
    shutdown: Shutdown,
}

impl Running {
    /// Serves until SIGTERM or SIGINT, or until a successor serves, then drains.
    async fn until_signal(
        self,
        mut signals: Signals,
        reloader: Reloader,
    ) -> Result<(), ServeError> {
        let mut handed_over = self.follow_wishes(reloader);
        let (reason, outcome) = tokio::select! {
            signal = signals.next() => {
                // After a hand-over the service manager follows the successor instead.
                notify::tell("STOPPING=1");
                (signal, Ok(()))
            }
            told = &mut handed_over => match told {
                Ok(()) => ("hand-over", Ok(())),
                Err(_) => ("fault", Err(ServeError::Fault)),
            },
        };
        let agent = self.present.load().agent.clone();
        if let Some(agent) = agent {
            agent.lasting().health.leave().await;
        }
        let times = DrainTimes::of(&self.present.load().base.config);
        drain(reason, signals, self.trigger, times, self.connections).await;
        if !handed_over.is_terminated() {
            // A successor that is not ready yet is killed there.
            let _ = tokio::time::timeout(LAST_WISH, handed_over).await;
        }
        outcome
    }

    /// Reloads and hands over in a task of its own, until the process leaves: what blocks there (a
    /// file system that hangs) must not hold up the end. Tells once a successor serves, or without
    /// a word that it has let go of everything.
    fn follow_wishes(&self, mut reloader: Reloader) -> oneshot::Receiver<()> {
        let (handed_over, told) = oneshot::channel();
        let shutdown = self.shutdown.clone();
        self.tasks.spawn("reload", async move {
            tokio::select! {
                () = reloader.until_handed_over() => {
                    let _ = handed_over.send(());
                }
                () = shutdown.reached(ShutdownPhase::Leaving) => drop(handed_over),
            }
            // Addresses are open for as long as their owner lives.
            shutdown.reached(ShutdownPhase::Cut).await;
            drop(reloader);
        });
        told
    }
}

/// Starts the watchdog before anything that can hang, such as a state folder on a network. It
/// goes by the configuration in force, once it is told where that is.
fn watch_over(
    config: &Config,
    shutdown: &Shutdown,
) -> Result<Arc<OnceLock<Arc<ArcSwap<Generation>>>>, ServeError> {
    let first = DrainTimes::of(config);
    let served = Arc::<OnceLock<Arc<ArcSwap<Generation>>>>::default();
    let known = Arc::clone(&served);
    watchdog::watch(shutdown.clone(), move || {
        let present = known.get().map(|present| present.load());
        present.map_or(first, |present| DrainTimes::of(&present.base.config))
    })?;
    Ok(served)
}

/// Starts everything and returns once every address is bound and served.
pub async fn start(
    config: Config,
    services: Services,
    inherited: InheritedSockets,
) -> Result<Running, ServeError> {
    let (trigger, shutdown) = ShutdownTrigger::new();
    let base = Base::new(config, services, shutdown);
    let (running, succession) = begin(base, trigger, inherited).await?;
    // Addresses are open for as long as their owner lives.
    running.tasks.spawn("succession", {
        let shutdown = running.shutdown.clone();
        async move {
            shutdown.reached(ShutdownPhase::Cut).await;
            drop(succession);
        }
    });
    Ok(running)
}

async fn begin(
    base: Base,
    trigger: ShutdownTrigger,
    inherited: InheritedSockets,
) -> Result<(Running, Succession), ServeError> {
    let (succession, addresses) = Succession::begin(base.clone(), inherited).await?;
    let certificates = succession.certificates.load();
    let access = succession.access.load_full();
    report::started(&base, &addresses, &certificates, &access);
    let running = Running {
        mode: base.config.mode,
        addresses,
        internal_root: certificates.internal_root().map(ToOwned::to_owned),
        trigger,
        present: Arc::clone(&succession.present),
        connections: base.connections.clone(),
        tasks: base.tasks.clone(),
        shutdown: base.shutdown.clone(),
    };
    drop(certificates);
    Ok((running, succession))
}

fn log_settings(config: &Config) -> LogSettings {
    LogSettings {
        level: level(config.log.level),
        json: config.log.format == LogFormat::Json,
        file: config.log.file.clone(),
    }
}

pub(super) fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    }
}

/// What the task of reloads may take to let go at the end; it is left behind where it hangs.
const LAST_WISH: Duration = Duration::from_secs(2);
