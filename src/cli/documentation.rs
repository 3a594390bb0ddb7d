//! `docs index`: makes the index that the chat looks GitLab's documentation up in.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{run::Verdict, terminal::say};
use crate::inspect::{BuildSettings, build_index};

/// What to do with documentation.
#[derive(Debug, Subcommand)]
pub(super) enum DocumentationCommand {
    /// Make a searchable index of a folder of Markdown, such as doc of GitLab's sources
    Index(IndexArguments),
}

/// What to make an index of.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct IndexArguments {
    /// The folder; every *.md below it becomes a page
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The file to write, replaced at once or not at all
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Where the pages stand on the web, for the sources below an answer
    #[arg(long, value_name = "URL", default_value = "https://docs.gitlab.com", value_parser = web_address)]
    base_url: String,
}

/// Makes it, and tells how large it became.
pub(super) fn documentation(command: DocumentationCommand) -> anyhow::Result<Verdict> {
    let DocumentationCommand::Index(arguments) = command;
    let settings = BuildSettings {
        folder: arguments.folder,
        output: arguments.output,
        base_url: arguments.base_url,
    };
    let built = build_index(&settings)?;
    say(&format!(
        "wrote {}: {} sections of {} pages; set documentation_index to it",
        settings.output.display(),
        built.sections,
        built.pages
    ));
    Ok(Verdict::Well)
}

fn web_address(text: &str) -> Result<String, String> {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    if is_web {
        Ok(text.to_owned())
    } else {
        Err("write a URL such as https://docs.gitlab.com".to_owned())
    }
}

const AFTER_HELP: &str = "\
A running process takes a new file with its next search; it need not be restarted.";
