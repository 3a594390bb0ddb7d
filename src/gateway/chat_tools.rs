//! The tools of GitLab's that the chat may ask it to run (models-and-prompts 5.2).

use http::HeaderMap;
use serde_json::{Value, json};

use crate::{access::Caller, foundation::ReleaseVersion};

/// A tool that runs in GitLab.
#[derive(Debug)]
pub(super) struct Tool {
    /// What GitLab's own class is named after: no other word is understood there.
    pub(super) name: &'static str,
    permission: &'static str,
    /// Whether it came with 17.5.0-pre.
    is_newer: bool,
    resource: &'static str,
    description: &'static str,
    example: &'static str,
}

/// The tools for a caller, in their order: those that the token permits and that its GitLab has.
/// Who needs no token gets all (http-api 2.6).
pub(super) fn offered(caller: &Caller, headers: &HeaderMap) -> Vec<&'static Tool> {
    let version = headers.get("x-gitlab-version");
    let version = version.and_then(|version| ReleaseVersion::read(version.to_str().ok()?));
    let is_new = version.is_some_and(|version| version.is_at_least(17, 5, 0));
    let tools = TOOLS.iter().filter(|tool| {
        caller.is_bypassed() || (caller.can(tool.permission) && (is_new || !tool.is_newer))
    });
    tools.collect()
}

impl Tool {
    /// As the prompt's template takes it.
    pub(super) fn for_prompt(&self) -> Value {
        json!({
            "name": self.name,
            "resource": self.resource,
            "description": self.description,
            "example": self.example,
        })
    }
}

static TOOLS: [Tool; 7] = [
    Tool {
        name: "build_reader",
        permission: "ask_build",
        is_newer: true,
        resource: "builds",
        description: "Reads one CI/CD job, its log included. Ask it with the job's URL, or say that \
                      it is the current one.",
        example: "For \"Why did this job fail?\" the input is: the current build",
    },
    Tool {
        name: "epic_reader",
        permission: "ask_epic",
        is_newer: false,
        resource: "epics",
        description: "Reads one epic with its comments. Ask it with the epic's URL or reference \
                      (&7), or say that it is the current one.",
        example: "For \"Summarize &7\" the input is: the epic &7",
    },
    Tool {
        name: "issue_reader",
        permission: "ask_issue",
        is_newer: false,
        resource: "issues",
        description: "Reads one issue with its comments. Ask it with the issue's URL, number or \
                      reference (group/project#12), or say that it is the current one.",
        example: "For \"What was decided here?\" the input is: the current issue",
    },
    Tool {
        name: "merge_request_reader",
        permission: "ask_merge_request",
        is_newer: true,
        resource: "merge_requests",
        description: "Reads one merge request with its changes and comments. Ask it with its URL, \
                      number or reference (group/project!34), or say that it is the current one.",
        example: "For \"What does !34 change?\" the input is: the merge request !34",
    },
    Tool {
        name: "commit_reader",
        permission: "ask_commit",
        is_newer: true,
        resource: "commits",
        description: "Reads one commit with its changes. Ask it with the commit's URL or hash, or \
                      say that it is the current one.",
        example: "For \"Explain commit 1a2b3c4d\" the input is: the commit 1a2b3c4d",
    },
    Tool {
        name: "work_item_reader",
        permission: "ask_work_item",
        is_newer: false,
        resource: "work_items",
        description: "Reads one work item, such as a task or an objective, with its comments. Ask it \
                      with the work item's URL, number or reference, or say that it is the current \
                      one.",
        example: "For \"Who works on this task?\" the input is: the current work item",
    },
    Tool {
        name: "gitlab_documentation",
        permission: "documentation_search",
        is_newer: false,
        resource: "documentation answers",
        // self-hosted documentation is searched by words
        description: "Searches GitLab's documentation. Ask it with the few words that the page will \
                      contain, not with a sentence.",
        example: "For \"How can I stop jobs that nobody needs any more?\" the input is: cancel \
                  redundant pipelines interruptible",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_that_gitlab_finds_its_classes_by() {
        for tool in &TOOLS {
            let letters = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(tool.name.bytes().all(letters), "{}", tool.name);
            assert!(
                !tool.for_prompt().to_string().contains("  "),
                "{}",
                tool.name
            );
        }
    }
}
