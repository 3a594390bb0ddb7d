//! From arguments to an exit code.

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory, Parser};

use super::{
    arguments::{Arguments, Command, CompletionShell, ConfigCommand, KeysCommand},
    certificates::certificates,
    configuration,
    doctor::doctor,
    documentation::documentation,
    keys,
    terminal::{complain, say},
};
use crate::{config, telemetry};

/// Runs the command that the arguments of the process ask for.
pub fn run() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => outcome(execute(arguments)),
        Err(error) => {
            // also the way help and version come; only those are no errors
            let _ = error.print();
            if error.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            }
        }
    }
}

fn execute(arguments: Arguments) -> anyhow::Result<Verdict> {
    let file = arguments.config;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => Ok(configuration::serve(file)),
        Command::Check => Ok(configuration::check(file)),
        Command::Config(ConfigCommand::Print) => Ok(configuration::print(file)),
        Command::Config(ConfigCommand::Schema(schema)) => {
            say(&if schema.markdown {
                config::reference()
            } else {
                config::schema()
            });
            Ok(Verdict::Well)
        }
        Command::Health => configuration::health(file),
        Command::Certificates(command) => certificates(file, command),
        Command::Metrics => {
            say(&telemetry::reference());
            Ok(Verdict::Well)
        }
        Command::Doctor(arguments) => doctor(*arguments),
        Command::Troubleshoot(arguments) => configuration::troubleshoot(file, *arguments),
        Command::Documentation(command) => documentation(command),
        Command::Keys(KeysCommand::New {
            environment: true, ..
        }) => {
            say(&keys::new_environment()?);
            Ok(Verdict::Well)
        }
        Command::Keys(KeysCommand::New { output, .. }) => new_key(output),
        Command::Completions { shell } => {
            completions(shell);
            Ok(Verdict::Well)
        }
    }
}

/// What a command found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All is well.
    Well,
    /// There are problems, which are already told.
    Problems,
}

fn outcome(result: anyhow::Result<Verdict>) -> ExitCode {
    match result {
        Ok(Verdict::Well) => ExitCode::SUCCESS,
        Ok(Verdict::Problems) => ExitCode::from(PROBLEMS),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(PROBLEMS)
        }
    }
}

fn new_key(output: Option<PathBuf>) -> anyhow::Result<Verdict> {
    match output {
        None => say(&keys::new_key()?),
        Some(path) => {
            keys::write_new_key(&path)?;
            say(&format!("wrote a new signing key to {}", path.display()));
        }
    }
    Ok(Verdict::Well)
}

fn completions(shell: CompletionShell) {
    let mut script = Vec::new();
    let shell = clap_complete::Shell::from(shell);
    clap_complete::generate(shell, &mut Arguments::command(), "duogate", &mut script);
    say(&String::from_utf8_lossy(&script));
}

/// The exit code of problems.
const PROBLEMS: u8 = 1;

/// The exit code of a command that is wrong in itself.
const USAGE: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
