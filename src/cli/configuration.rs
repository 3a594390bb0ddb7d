//! The commands that begin with reading the configuration.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;

use super::{
    run::Verdict,
    terminal::{list, say},
    troubleshoot::TroubleshootArguments,
};
use crate::{
    app,
    config::{self, LoadOptions, Loaded, Mode, Problem},
    foundation::ListenerKind,
    inspect,
};

/// `serve`: runs until it is told to end.
pub(super) fn serve(file: Option<PathBuf>) -> Verdict {
    let Some(loaded) = load(file.clone()) else {
        return Verdict::Problems;
    };
    match app::serve(&loaded, file, welcome) {
        Ok(()) => Verdict::Well,
        Err(problems) => {
            list(&placed(&loaded, problems));
            Verdict::Problems
        }
    }
}

/// In local mode, says how to try it: a line that works as printed.
fn welcome(running: &app::Running) {
    if running.mode != Mode::Local {
        return;
    }
    let https = running
        .addresses
        .iter()
        .find(|(kind, _)| *kind == ListenerKind::Https);
    let (Some((_, address)), Some(root)) = (https, &running.internal_root) else {
        return;
    };
    say(&format!(
        "\nDuogate serves this machine only. Try it:\n\n    curl --cacert {} https://localhost:{}/monitoring/healthz\n",
        root.display(),
        address.port()
    ));
}

/// `check`: tells every problem that `serve` would meet.
pub(super) fn check(file: Option<PathBuf>) -> Verdict {
    let Some(loaded) = load(file) else {
        return Verdict::Problems;
    };
    let problems = placed(&loaded, app::check(&loaded.config));
    if !problems.is_empty() {
        list(&problems);
        return Verdict::Problems;
    }
    let notices = app::notices(&loaded.config);
    for notice in loaded.notices.iter().chain(&notices) {
        say(&format!("note: {notice}"));
    }
    say("the configuration has no problems");
    Verdict::Well
}

/// `troubleshoot`: looks at what runs with this configuration.
pub(super) fn troubleshoot(
    file: Option<PathBuf>,
    arguments: TroubleshootArguments,
) -> anyhow::Result<Verdict> {
    match load(file) {
        Some(loaded) => super::troubleshoot::troubleshoot(&loaded.config, arguments),
        None => Ok(Verdict::Problems),
    }
}

/// `config print`: tells the effective values.
pub(super) fn print(file: Option<PathBuf>) -> Verdict {
    match load(file) {
        None => Verdict::Problems,
        Some(loaded) => {
            say(&loaded.print());
            Verdict::Well
        }
    }
}

/// `health`: asks the process that runs with this configuration.
pub(super) fn health(file: Option<PathBuf>) -> anyhow::Result<Verdict> {
    let Some(loaded) = load(file) else {
        return Ok(Verdict::Problems);
    };
    let address = loaded.config.listen.admin.context(
        "listen.admin is null, so there is nobody to ask; write \"127.0.0.1:9464\" to use health",
    )?;
    inspect::health(address, HEALTH_TIME)?;
    say("alive");
    Ok(Verdict::Well)
}

/// Loads the configuration, or tells all its problems.
pub(super) fn load(file: Option<PathBuf>) -> Option<Loaded> {
    match config::load(&LoadOptions::from_process(file)) {
        Ok(loaded) => Some(loaded),
        Err(problems) => {
            list(&problems);
            None
        }
    }
}

fn placed(loaded: &Loaded, problems: Vec<Problem>) -> Vec<Problem> {
    problems
        .into_iter()
        .map(|problem| loaded.place(problem))
        .collect()
}

/// Container health checks give up after a few seconds; a living process answers at once.
const HEALTH_TIME: Duration = Duration::from_secs(3);
