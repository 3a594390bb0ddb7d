//! From a checked configuration to a process that serves, step by step.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use super::{
    base::{Base, Services},
    certificates::Certificates,
    connections::Connections,
    doors,
    drain::{DrainTimes, Signals, until_drained},
    error::ServeError,
    listen::bind_requests,
    report,
    routes::Routes,
};
use crate::{
    agent::Agent,
    config::{Config, Loaded, LogFormat, LogLevel, Mode, Problem, Workers},
    foundation::{ListenerKind, Shutdown, ShutdownPhase, ShutdownTrigger, Tasks},
    listener::{self, AcceptSettings, InheritedSockets, Listener},
    telemetry::LogSettings,
};

/// Runs until a signal ended it in order. `on_started` is told once every address is served.
pub fn serve(loaded: Loaded, on_started: impl FnOnce(&Running)) -> Result<(), Vec<Problem>> {
    // Takes the descriptors out of the environment, which is safe only before threads exist.
    let inherited = InheritedSockets::take().map_err(ServeError::Listeners);
    let inherited = inherited.map_err(|error| error.problems())?;
    let problems = super::check(&loaded.config);
    if !problems.is_empty() {
        return Err(problems);
    }
    run(loaded, inherited, on_started).map_err(|error| error.problems())
}

fn run(
    loaded: Loaded,
    inherited: InheritedSockets,
    on_started: impl FnOnce(&Running),
) -> Result<(), ServeError> {
    let Loaded {
        config, notices, ..
    } = loaded;
    let _log = crate::telemetry::start_log(&log_settings(&config))?;
    for notice in &notices {
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
        let signals = Signals::new()?;
        let running = start(config, Services::default(), inherited).await?;
        on_started(&running);
        running.until_signal(signals).await;
        Ok(())
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
    times: DrainTimes,
    connections: Tasks,
    shutdown: Shutdown,
    agent: Option<Agent>,
}

impl Running {
    /// Serves until SIGTERM or SIGINT, then drains.
    async fn until_signal(self, signals: Signals) {
        let Self {
            trigger,
            times,
            connections,
            shutdown,
            agent,
            ..
        } = self;
        let health = async {
            shutdown.reached(ShutdownPhase::Leaving).await;
            if let Some(agent) = agent {
                agent.leave().await;
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = until_drained(signals, trigger, times, connections) => {}
            () = health => {}
        }
    }
}

/// Starts everything and returns once every address is bound and served.
pub async fn start(
    config: Config,
    services: Services,
    inherited: InheritedSockets,
) -> Result<Running, ServeError> {
    let listeners =
        listener::bind(&bind_requests(&config), inherited).map_err(ServeError::Listeners)?;
    let (trigger, shutdown) = ShutdownTrigger::new();
    let base = Base::new(config, services, shutdown);
    let certificates = Certificates::start(&base)?;
    let built = doors::build(&base).await?;
    let routes = Routes::new(&base, &certificates, &built.doors, &listeners);
    let addresses: Vec<_> = listeners
        .iter()
        .map(|listener| (listener.kind(), listener.address()))
        .collect();
    open(listeners, &routes, &base);
    report::started(&base, &addresses, &certificates);
    let config = &base.config;
    Ok(Running {
        mode: config.mode,
        addresses,
        internal_root: certificates.internal_root().map(ToOwned::to_owned),
        trigger,
        times: DrainTimes {
            delay: config.drain_delay,
            grace: config.drain_grace,
        },
        connections: base.connections.clone(),
        shutdown: base.shutdown.clone(),
        agent: built.agent,
    })
}

/// Starts the accept loop of every listener.
fn open(listeners: Vec<Listener>, routes: &Routes, base: &Base) {
    let limits = &base.config.limits;
    let settings = Arc::new(AcceptSettings::new(
        &base.config.listen,
        limits,
        Arc::clone(&base.metrics),
        base.connections.clone(),
    ));
    let carrier = Connections::new(base);
    for listener in listeners {
        let route = routes.of(listener.kind());
        let carrier = carrier.clone();
        let on_connection = move |incoming| carrier.start(incoming, route.clone());
        let accepting = listener::run(
            listener,
            Arc::clone(&settings),
            on_connection,
            base.shutdown.clone(),
        );
        base.tasks.spawn("accept", accepting);
    }
}

fn log_settings(config: &Config) -> LogSettings {
    LogSettings {
        level: level(config.log.level),
        json: config.log.format == LogFormat::Json,
        file: config.log.file.clone(),
    }
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    }
}
