//! Reads the configuration anew, on SIGHUP or when its file changed.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{base::Base, generation::Succession, notify, serve::level};
use crate::{
    admin::Readiness,
    config::{self, Config, FolderWatch, LoadOptions, Loaded, Problem, Program},
    telemetry::{LogLevelSwitch, Metrics, OutcomeLabels},
};

/// What became of the last reload, for `/readyz`.
#[derive(Debug, Default)]
pub(super) struct LastReload(Mutex<Option<String>>);

impl LastReload {
    fn set(&self, refusal: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }

    /// Always ready: the old configuration serves on when a new one is refused.
    pub(super) fn readiness(&self) -> Readiness {
        let refusal = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let detail = match &*refusal {
            None => "in force as it stands in the file".to_owned(),
            Some(first) => format!("the last reload was refused: {first}"),
        };
        Readiness {
            part: "configuration",
            ready: true,
            detail,
        }
    }
}

/// What the operator may ask a running process for by a signal, beside its end.
pub(super) struct Wishes {
    reload: Signal,
    hand_over: Signal,
    program: Option<Program>,
}

impl Wishes {
    /// Made before anything is served: a signal that comes earlier than its handler kills.
    /// `program` is what a successor is started from.
    pub(super) fn new(program: Option<Program>) -> std::io::Result<Self> {
        Ok(Self {
            reload: signal(SignalKind::hangup())?,
            hand_over: signal(SignalKind::user_defined2())?,
            program,
        })
    }
}

/// Waits for reasons to reload, or to hand over.
pub(super) struct Reloader {
    file: Option<PathBuf>,
    folders: FolderWatch,
    wishes: Wishes,
    /// The text that was last put in force or refused.
    seen: u64,
    level: LogLevelSwitch,
    succession: Succession,
}

impl Reloader {
    /// Begins with what is in force.
    pub(super) fn new(
        file: Option<PathBuf>,
        wishes: Wishes,
        level: LogLevelSwitch,
        succession: Succession,
        loaded: &Loaded,
    ) -> Self {
        let base = &succession.present.load().base;
        measure(&base.metrics, base, loaded);
        Self {
            folders: FolderWatch::new(&file),
            seen: fingerprint(file.as_ref()),
            file,
            wishes,
            level,
            succession,
        }
    }

    /// Reloads whenever there is a reason. Returns once a successor serves in our place.
    pub(super) async fn until_handed_over(&mut self) {
        loop {
            tokio::select! {
                _ = self.wishes.reload.recv() => {
                    self.seen = aside(|| fingerprint(self.file.as_ref()));
                    self.reload("SIGHUP");
                }
                _ = self.wishes.hand_over.recv() => {
                    if self.hand_over().await {
                        return;
                    }
                }
                () = self.folders.changed() => {
                    // An editor writes in several steps; a half-written file is not read.
                    tokio::time::sleep(SETTLE).await;
                    self.look();
                }
                () = tokio::time::sleep(POLL) => self.look(),
            }
        }
    }

    /// Whether a successor serves now.
    async fn hand_over(&mut self) -> bool {
        let Some(program) = &self.wishes.program else {
            tracing::error!("no hand-over: the path of this program is unknown without /proc");
            return false;
        };
        tracing::info!(program = %program.path.display(), "SIGUSR2: starting a successor");
        match self.succession.hand_over(program).await {
            Ok(successor) => {
                tracing::info!(successor, "the successor serves; ending");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the hand-over failed; this process serves on");
                false
            }
        }
    }

    fn look(&mut self) {
        let now = aside(|| {
            self.folders.follow_links();
            fingerprint(self.file.as_ref())
        });
        if now != self.seen {
            self.seen = now;
            self.reload("the file changed");
        }
    }

    fn reload(&mut self, reason: &'static str) {
        notify::tell(&notify::reloading());
        let present = self.succession.present.load_full();
        let metrics = &present.base.metrics;
        let runtime = Handle::current();
        let attempt = aside(|| runtime.block_on(self.attempt(&present.base)));
        let outcome = match attempt {
            Ok(loaded) => {
                measure(metrics, &present.base, &loaded);
                self.succession.last_reload.set(None);
                tracing::info!(reason, "the configuration was reloaded");
                "ok"
            }
            Err(problems) => {
                for problem in &problems {
                    complain(problem);
                }
                let first = problems.first().map(headline).unwrap_or_default();
                self.succession.last_reload.set(Some(first));
                let count = problems.len();
                tracing::error!(
                    reason,
                    problems = count,
                    "the reload was refused; the configuration in force stays"
                );
                "refused"
            }
        };
        let successful = i64::from(outcome == "ok");
        metrics.config_reload_successful.set(successful);
        let labels = OutcomeLabels { outcome };
        metrics.config_reloads.get_or_create(&labels).inc();
        notify::tell("READY=1");
    }

    async fn attempt(&mut self, present: &Base) -> Result<Loaded, Vec<Problem>> {
        let loaded = config::load(&LoadOptions::from_process(self.file.clone()))?;
        let placed = |problems: Vec<Problem>| -> Vec<Problem> {
            problems
                .into_iter()
                .map(|problem| loaded.place(problem))
                .collect()
        };
        let mut problems = hard_changes(&present.config, &loaded.config);
        problems.extend(super::check(&loaded.config));
        if !problems.is_empty() {
            return Err(placed(problems));
        }
        let base = present.with(loaded.config.clone());
        let followed = self.succession.follow(&base).await;
        followed.map_err(|error| placed(error.problems()))?;
        self.level.set(level(loaded.config.log.level));
        for notice in &loaded.notices {
            tracing::warn!("{notice}");
        }
        Ok(loaded)
    }
}

/// Where files are read that may lie on a network: the runtime gets another thread meanwhile.
fn aside<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Keys that a running process cannot follow.
fn hard_changes(old: &Config, new: &Config) -> Vec<Problem> {
    let keys = [
        ("workers", old.workers != new.workers),
        ("tls.state", old.tls.state != new.tls.state),
        ("log.format", old.log.format != new.log.format),
        ("log.file", old.log.file != new.log.file),
    ];
    let changed = keys.into_iter().filter(|(_, changed)| *changed);
    changed
        .map(|(key, _)| {
            let message = "needs a restart: a running process cannot change it";
            let remedy = "restart the process, or write the value it began with";
            Problem::new(key, message, remedy)
        })
        .collect()
}

fn complain(problem: &Problem) {
    let place = problem.file.as_ref().map(|file| match problem.line {
        Some(line) => format!("{}:{line}", file.display()),
        None => file.display().to_string(),
    });
    tracing::error!(
        key = problem.key,
        value = problem.value.as_deref(),
        place = place.as_deref().or(problem.variable.as_deref()),
        remedy = problem.remedy,
        "{}",
        problem.message
    );
}

fn headline(problem: &Problem) -> String {
    let key = if problem.key.is_empty() {
        "the file"
    } else {
        &problem.key
    };
    format!("{key}: {}", problem.message)
}

fn measure(metrics: &Metrics, base: &Base, loaded: &Loaded) {
    let now = base.services.clock.now();
    let since = now
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    metrics.config_loaded.set(seconds);
    let mut hasher = DefaultHasher::new();
    for setting in &loaded.settings {
        (&setting.key, &setting.value).hash(&mut hasher);
    }
    let hash = hasher.finish() & EXACT_IN_A_DOUBLE;
    metrics
        .config_hash
        .set(i64::try_from(hash).unwrap_or_default());
}

/// A file that cannot be read has a fingerprint too, so that it is complained about once.
fn fingerprint(file: Option<&PathBuf>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let text = file.map(|file| std::fs::read(file).map_err(|error| error.kind()));
    text.hash(&mut hasher);
    hasher.finish()
}

/// Scrapers read numbers as doubles, which hold 53 bits.
const EXACT_IN_A_DOUBLE: u64 = (1 << 48) - 1;

/// Editors and Kubernetes finish their renames well within it.
const SETTLE: Duration = Duration::from_millis(500);

/// Stands behind the watch, for file systems that report nothing (NFS, some mounts of containers).
const POLL: Duration = Duration::from_secs(10);
