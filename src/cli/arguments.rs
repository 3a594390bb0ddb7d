//! The commands and their options.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::{
    doctor::DoctorArguments, documentation::DocumentationCommand,
    troubleshoot::TroubleshootArguments,
};

/// One process for GitLab Duo Self-Hosted: TLS with its own certificate, the AI gateway and the
/// agent platform on one port
#[derive(Debug, Parser)]
#[command(name = "duogate", version, arg_required_else_help = false, after_help = AFTER_HELP)]
pub(super) struct Arguments {
    /// The configuration file; without it none is read
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) config: Option<PathBuf>,
    /// What to do; serve if not given
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run (the default)
    Serve,
    /// Print every problem with file, line, key, value and remedy
    Check,
    /// Print the effective configuration or its schema
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Ask the running process whether it is alive, for container health checks
    Health,
    /// List the running process's certificates, or renew one now
    #[command(subcommand, name = "certs")]
    Certificates(CertificatesCommand),
    /// Print every metric with its labels and meaning, as a page of documentation
    Metrics,
    /// Look at a public name as GitLab does, and tell the remedy of what fails
    Doctor(Box<DoctorArguments>),
    /// Look at an installation from its own host, as the official container's troubleshoot does
    Troubleshoot(Box<TroubleshootArguments>),
    /// Make the index that the chat looks GitLab's documentation up in
    #[command(subcommand, name = "docs")]
    Documentation(DocumentationCommand),
    /// Make keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: CompletionShell,
    },
}

/// What to do with certificates.
#[derive(Debug, Subcommand)]
pub(super) enum CertificatesCommand {
    /// A table: where each certificate stands, its end, the next attempt, the last error
    List {
        /// Print JSON, with every field
        #[arg(long)]
        json: bool,
    },
    /// Renew now, without waiting for the time; only on the machine of the process
    Renew {
        /// As `certs list` shows it
        name: String,
    },
}

/// What to print of the configuration.
#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// The effective values, secrets masked, each with its source
    Print,
    /// The JSON schema of the configuration file
    Schema(SchemaArguments),
}

/// How to print the schema.
#[derive(Debug, Args)]
pub(super) struct SchemaArguments {
    /// A page of documentation instead
    #[arg(long)]
    pub(super) markdown: bool,
}

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Write a new RSA-2048 signing key in PEM (PKCS#8)
    New {
        /// Write to this file (mode 0600, never overwritten) instead of standard output
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Print the four keys of the official container as lines for a .env file of Compose
        #[arg(long, conflicts_with = "output")]
        environment: bool,
    },
}

/// Shells with completions.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum CompletionShell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

impl From<CompletionShell> for Shell {
    fn from(shell: CompletionShell) -> Self {
        match shell {
            CompletionShell::Bash => Self::Bash,
            CompletionShell::Zsh => Self::Zsh,
            CompletionShell::Fish => Self::Fish,
        }
    }
}

const AFTER_HELP: &str = "\
Every key of the configuration has a variable: DUOGATE_ and its path in capitals, __ between the
levels, such as DUOGATE_TLS__ACME__DIRECTORY.

Exit codes: 0 all is well, 1 problems, 2 wrong usage.";
