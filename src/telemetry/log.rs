//! The log: JSON or text lines to standard output and, where asked, to a file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Registry, fmt::MakeWriter, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

/// What the log needs to know.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: &'static str,
    /// JSON lines; text otherwise.
    pub json: bool,
    /// A file that gets every line too.
    pub file: Option<PathBuf>,
}

/// Why the log could not start.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file cannot be opened.
    #[error(
        "log.file: {path}: cannot be opened for appending: {source}; give a file in a folder that this user may write"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another log is in force.
    #[error("a log is already in force in this process")]
    AlreadyStarted,
}

/// Keeps the writing thread alive; dropping it writes what is left.
#[derive(Debug)]
pub struct LogGuard {
    level: LogLevelSwitch,
    lost: ErrorCounter,
    _worker: WorkerGuard,
}

impl LogGuard {
    /// What changes the level.
    pub fn level(&self) -> LogLevelSwitch {
        self.level.clone()
    }

    /// What counts the lines that nobody took in time.
    pub(super) fn lost(&self) -> ErrorCounter {
        self.lost.clone()
    }
}

/// Changes the level of a log that runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct LogLevelSwitch(reload::Handle<EnvFilter, Registry>);

impl LogLevelSwitch {
    /// Writes from `level` on, one of the words of [`LogSettings::level`].
    pub fn set(&self, level: &str) {
        // Fails only when the log is gone, and then there is nothing to set.
        let _ = self.0.reload(filter(level));
    }
}

/// Starts the log of the process.
pub fn start_log(settings: &LogSettings) -> Result<LogGuard, LogError> {
    let file = match &settings.file {
        None => None,
        Some(path) => Some(RotatedFile::open(path).map_err(|source| LogError::File {
            path: path.clone(),
            source,
        })?),
    };
    let (writer, worker) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .lossy(true)
        .thread_name("log")
        .finish(Output { file });
    let lost = writer.error_counter();
    let (level, handle) = reload::Layer::new(filter(settings.level));
    let registry = tracing_subscriber::registry().with(level);
    let started = if settings.json {
        registry.with(json_layer(writer)).try_init()
    } else {
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .with_writer(writer);
        registry.with(layer).try_init()
    };
    started.map_err(|_| LogError::AlreadyStarted)?;
    Ok(LogGuard {
        level: LogLevelSwitch(handle),
        lost,
        _worker: worker,
    })
}

fn json_layer<S, W>(writer: W) -> impl tracing_subscriber::Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        // of a session: which one it is, on the lines of rooms that do not know
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(writer)
}

/// Libraries speak from `warn` on, unless everything was asked for.
fn filter(level: &str) -> EnvFilter {
    match level {
        "trace" => EnvFilter::new("trace"),
        level => EnvFilter::new(format!("warn,duogate={level}")),
    }
}

/// Standard output and perhaps a file, on the log's own thread.
struct Output {
    file: Option<RotatedFile>,
}

impl Write for Output {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            // A full disk must not silence standard output.
            let _ = file.write_all(line);
        }
        io::stdout().write_all(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            let _ = file.file.flush();
        }
        io::stdout().flush()
    }
}

/// A file that is opened anew when logrotate has moved it away.
struct RotatedFile {
    path: PathBuf,
    file: File,
    inode: u64,
    checked: Instant,
}

impl RotatedFile {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let inode = file.metadata()?.ino();
        Ok(Self {
            path: path.to_owned(),
            file,
            inode,
            checked: Instant::now(),
        })
    }

    fn write_all(&mut self, line: &[u8]) -> io::Result<()> {
        if self.checked.elapsed() >= ROTATION_CHECK {
            self.checked = Instant::now();
            let moved = std::fs::metadata(&self.path).map_or(true, |now| now.ino() != self.inode);
            if moved {
                *self = Self::open(&self.path)?;
            }
        }
        self.file.write_all(line)
    }
}

/// Some megabytes of lines: enough for a pause of the reader, too little to matter.
const WAITING_LINES: usize = 65_536;

/// A moved file is noticed within a second without a system call for each line.
const ROTATION_CHECK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::telemetry::Metrics;

    /// A reader that takes nothing while somebody holds the lock.
    struct Stuck(Arc<Mutex<()>>);

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            drop(self.0.lock());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_nobody_takes_are_counted() {
        let lock = Arc::new(Mutex::new(()));
        let held = lock.lock().unwrap();
        let builder = NonBlockingBuilder::default().buffered_lines_limit(2);
        let (mut writer, worker) = builder.lossy(true).finish(Stuck(Arc::clone(&lock)));
        let (_, handle) = reload::Layer::new(filter("info"));
        let log = LogGuard {
            level: LogLevelSwitch(handle),
            lost: writer.error_counter(),
            _worker: worker,
        };
        let metrics = Metrics::new();
        metrics.follow_log(&log);
        for _ in 0..10 {
            writer.write_all(b"line").unwrap();
        }
        metrics.measure_process();
        // two wait, and one may be in the stuck reader's hands
        let counted = metrics.log_lines_dropped.get();
        assert!((7..=8).contains(&counted), "{counted}");
        metrics.measure_process();
        assert_eq!(metrics.log_lines_dropped.get(), counted, "counted once");
        drop(held);
    }
}
