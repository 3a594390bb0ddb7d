//! A tool, and the list of them.

use std::sync::{Arc, LazyLock};

use futures_util::future::BoxFuture;

use super::{
    Arguments, Parameter, SessionFacts, ToolError, Workplace, blob_search, code_review, commands,
    commits, documentation, file_search, files, generic_api, issues, job_logs, merge_request_notes,
    merge_request_search, merge_requests, notifications, parameter::schema, pipelines, project,
    repository, repository_files, search, session_context, user, wiki, work_item_changes,
    work_items,
};
use crate::model::Tool;

/// A tool.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and none excludes another"
)]
pub struct Definition {
    /// What models and logs call it (agent-platform 6.2, 6.3).
    pub name: &'static str,
    /// When it is of use, for models.
    pub description: &'static str,
    /// The groups by any of which GitLab permits it, or pre-approves it (agent-platform 6.1).
    pub groups: &'static [&'static str],
    /// Its arguments.
    pub parameters: &'static [Parameter],
    /// Whether it changes nothing: then others may run beside it.
    pub only_reads: bool,
    /// Whether it stands in ListTools.
    pub is_listed: bool,
    /// Whether its results are what a file holds, of which nothing may be taken out.
    pub is_verbatim: bool,
    /// Whether people read what it prints, as of a command line (agent-platform 4.9).
    pub(super) is_command: bool,
    /// Whether this session has it: clients and GitLabs differ.
    pub(super) is_offered: fn(&SessionFacts) -> bool,
    /// What it does, for people: a sentence of Markdown.
    pub(super) display: fn(Arguments<'_>) -> String,
    /// The command line that a call runs, where users may agree to others like it.
    pub(super) line: fn(Arguments<'_>) -> Option<String>,
    /// Does it. The arguments were judged by [`Self::parameters`].
    pub(super) call: for<'c> fn(&'c Workplace, Arguments<'c>) -> Running<'c>,
}

/// A call under way; what it gives is for the model.
pub(super) type Running<'c> = BoxFuture<'c, Result<String, ToolError>>;

impl Definition {
    /// As models are told of it.
    pub fn specification(&'static self) -> Arc<Tool> {
        let mut known = SPECIFICATIONS.iter();
        let own = known.find(|(definition, _)| std::ptr::eq(*definition, self));
        own.map_or_else(|| Arc::new(self.told()), |(_, tool)| Arc::clone(tool))
    }

    fn told(&self) -> Tool {
        Tool::new(
            self.name.to_owned(),
            self.description.to_owned(),
            schema(self.parameters),
        )
    }

    pub(super) fn is_in(&self, groups: &[String]) -> bool {
        self.groups
            .iter()
            .any(|own| groups.iter().any(|it| it == own))
    }
}

/// A tool that asks GitLab and changes nothing there; the base of those that do.
pub(super) const READING_GITLAB: Definition = Definition {
    groups: &["read_only_gitlab", "read_write_gitlab"],
    ..NOTHING
};

/// A tool that changes something in GitLab; the base of those that do.
pub(super) const WRITING_GITLAB: Definition = Definition {
    groups: &["read_write_gitlab"],
    only_reads: false,
    ..NOTHING
};

/// A tool that looks at files where the client is and changes none; the base of those that do.
pub(super) const READING_FILES: Definition = Definition {
    groups: &["read_only_files", "read_write_files"],
    is_offered: |facts| facts.has_executor,
    ..NOTHING
};

/// A tool that changes files where the client is; the base of those that do.
pub(super) const WRITING_FILES: Definition = Definition {
    groups: &["read_write_files"],
    only_reads: false,
    ..READING_FILES
};

/// A tool that nobody has and that does nothing; the base of all others.
pub(super) const NOTHING: Definition = Definition {
    name: "",
    description: "",
    groups: &[],
    parameters: &[],
    only_reads: true,
    is_listed: true,
    is_verbatim: false,
    is_command: false,
    is_offered: |_| true,
    display: |_| String::new(),
    line: |_| None,
    call: |_, _| Box::pin(std::future::ready(Ok(String::new()))),
};

/// Every tool, in the order in which they are told.
pub fn definitions() -> impl Iterator<Item = &'static Definition> {
    FAMILIES.iter().copied().flatten()
}

/// Made once: schemas are long, and every turn of every session wants those of some forty tools.
static SPECIFICATIONS: LazyLock<Vec<(&'static Definition, Arc<Tool>)>> = LazyLock::new(|| {
    let told = |definition: &'static Definition| (definition, Arc::new(definition.told()));
    definitions().map(told).collect()
});

/// One file each.
static FAMILIES: &[&[Definition]] = &[
    user::TOOLS,
    project::TOOLS,
    repository::TOOLS,
    repository_files::TOOLS,
    commits::TOOLS,
    merge_requests::TOOLS,
    merge_request_search::TOOLS,
    merge_request_notes::TOOLS,
    code_review::TOOLS,
    files::TOOLS,
    file_search::TOOLS,
    commands::TOOLS,
    notifications::TOOLS,
    generic_api::TOOLS,
    documentation::TOOLS,
    issues::TOOLS,
    session_context::TOOLS,
    wiki::TOOLS,
    pipelines::TOOLS,
    job_logs::TOOLS,
    work_items::TOOLS,
    work_item_changes::TOOLS,
    search::TOOLS,
    blob_search::TOOLS,
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{
        agent::{tool_names::is_tool, tools::CHAT_TOOLS},
        prompt::estimate_tokens,
    };

    #[test]
    fn each_tool_is_known_and_says_what_it_is_for() {
        let mut listed = HashSet::new();
        for tool in definitions() {
            let name = tool.name;
            assert!(is_tool(name), "{name} is in no list of GitLab's");
            assert!(tool.description.len() > 20, "{name}");
            assert!(!tool.groups.is_empty(), "{name}");
            let mut names = HashSet::new();
            for parameter in tool.parameters {
                assert!(names.insert(parameter.name), "{name} {}", parameter.name);
                assert!(parameter.description.len() > 5, "{name} {}", parameter.name);
            }
            let empty = serde_json::Map::new();
            assert!(!(tool.display)(Arguments::new(&empty)).is_empty(), "{name}");
            assert!(
                !tool.is_listed || listed.insert(name),
                "{name} is told twice"
            );
        }
    }

    #[test]
    fn the_chats_tools_fit_their_part_of_windows_of_40_000_tokens() {
        let tools = definitions().filter(|tool| CHAT_TOOLS.contains(&tool.name) && tool.is_listed);
        let tokens = tools.map(|tool| {
            let tool = tool.specification();
            estimate_tokens(&tool.description) + estimate_tokens(tool.schema().get())
        });
        let tokens: usize = tokens.sum();
        // three tenths of the window (flow): of the families' windows only those of 32 000 and less are
        // told of fewer
        assert!(tokens < 40_000 * 3 / 10, "{tokens} tokens");
    }
}
