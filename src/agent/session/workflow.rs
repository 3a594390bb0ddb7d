//! What GitLab knows of a session, asked before its turn begins.

use serde_json::{Value, json};

use super::{SessionError, StoredCheckpoint};
use crate::{
    agent::executor::{GitLab, workflow_global_id},
    flow::{Namespace, Project},
    foundation::ReleaseVersion,
};

/// A session as GitLab keeps it (agent-platform 4.3).
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and none excludes another"
)]
pub(in crate::agent) struct Workflow {
    /// Rails' word, such as `input_required`.
    pub(super) status: String,
    /// Too old to go on.
    pub(super) archived: bool,
    /// Begun, and nothing was ever stored of it.
    pub(super) stalled: bool,
    /// Groups of tools that the session may use.
    pub(super) privileges: Vec<String>,
    /// Those that need no approval.
    pub(super) preapproved: Vec<String>,
    /// Whether tools of MCP servers may be used.
    pub(super) mcp_enabled: bool,
    /// The project that it belongs to.
    pub(super) project: Option<Value>,
    /// The group that it belongs to.
    pub(super) namespace: Option<Value>,
    /// Scheme and host of this GitLab.
    pub(super) gitlab_url: String,
    /// The newest checkpoint, where the answer holds it.
    pub(super) latest: Option<StoredCheckpoint>,
    /// Whether there are checkpoints, all of which have to be asked for.
    pub(super) has_checkpoints: bool,
}

impl Workflow {
    /// Asks for the session with this number.
    pub(super) async fn fetch(
        gitlab: &GitLab,
        version: Option<ReleaseVersion>,
        id: &str,
    ) -> Result<Self, SessionError> {
        let variables = json!({ "workflowId": workflow_global_id(id) });
        let data = match gitlab.graphql(query(version), variables).await {
            Ok(data) => data,
            Err(error) if error.to_string().contains("Workflow not found") => {
                return Err(SessionError::UnknownWorkflow(id.to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        let node = data.pointer("/duoWorkflowWorkflows/nodes/0");
        match node {
            None | Some(Value::Null) => Err(SessionError::NoWorkflow(id.to_owned())),
            Some(node) => Self::read(node),
        }
    }

    fn read(node: &Value) -> Result<Self, SessionError> {
        let flag = |name: &str| node.get(name).and_then(Value::as_bool).unwrap_or_default();
        let object = |name: &str| node.get(name).filter(|value| value.is_object()).cloned();
        let latest = node
            .get("latestCheckpoint")
            .filter(|value| value.is_object());
        let first = node
            .get("firstCheckpoint")
            .filter(|value| value.is_object());
        let mut workflow = Self {
            status: text(node, "statusName").to_lowercase(),
            archived: flag("archived"),
            stalled: flag("stalled"),
            mcp_enabled: flag("mcpEnabled"),
            privileges: words(node, "agentPrivilegesNames"),
            preapproved: words(node, "preApprovedAgentPrivilegesNames"),
            project: object("project"),
            namespace: object("namespace"),
            latest: latest.map(StoredCheckpoint::from_graphql).transpose()?,
            has_checkpoints: first.is_some(),
            gitlab_url: String::new(),
        };
        workflow.gitlab_url = workflow.origin()?;
        Ok(workflow)
    }

    /// What agents are told of the project.
    pub(super) fn project(&self) -> Option<Project> {
        let project = self.project.as_ref()?;
        let tree = project.pointer("/statisticsDetailsPaths/repository");
        let tree = tree.and_then(Value::as_str).unwrap_or_default();
        let branch = tree
            .split_once("/-/tree/")
            .map(|(_, branch)| branch.to_owned());
        let rules = project.pointer("/duoContextExclusionSettings/exclusionRules");
        let rest = [
            ("languages", project.get("languages")),
            ("exclusion_rules", rules),
        ];
        let rest = rest
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value.clone())));
        Some(Project {
            id: number(project),
            name: owned(project, "name"),
            description: owned(project, "description"),
            http_url_to_repo: owned(project, "httpUrlToRepo"),
            web_url: owned(project, "webUrl"),
            default_branch: branch,
            rest: rest.collect(),
        })
    }

    /// The project's number.
    pub(super) fn project_id(&self) -> Option<String> {
        let number = number(self.project.as_ref()?).as_u64()?;
        Some(number.to_string())
    }

    /// Files that the project's owners keep from agents, as lines of a `.gitignore`.
    pub(super) fn exclusion_rules(&self) -> Vec<String> {
        let project = self.project.as_ref();
        let settings = project.and_then(|project| project.get("duoContextExclusionSettings"));
        settings.map_or_else(Vec::new, |settings| words(settings, "exclusionRules"))
    }

    /// What agents are told of the group.
    pub(super) fn namespace(&self) -> Option<Namespace> {
        let namespace = self.namespace.as_ref()?;
        Some(Namespace {
            id: number(namespace),
            name: owned(namespace, "name"),
            description: owned(namespace, "description"),
            web_url: owned(namespace, "webUrl"),
            ..Namespace::default()
        })
    }

    /// Of the project's or else the group's page, which has to name a host.
    fn origin(&self) -> Result<String, SessionError> {
        let place = self.project.as_ref().or(self.namespace.as_ref());
        let url = place.map_or("", |place| text(place, "webUrl"));
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() {
            return Err(SessionError::NoHost);
        }
        Ok(format!("{scheme}://{host}"))
    }
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn owned(value: &Value, name: &str) -> Option<String> {
    value
        .get(name)
        .and_then(Value::as_str)
        .map(ToOwned::to_owned)
}

/// The number at the end of a global id, `gid://gitlab/Project/7`.
fn number(value: &Value) -> Value {
    let id = text(value, "id").rsplit('/').next().unwrap_or_default();
    id.parse::<u64>().map_or(Value::Null, Value::from)
}

fn words(value: &Value, name: &str) -> Vec<String> {
    let list = value.get(name).and_then(Value::as_array);
    let words = list.into_iter().flatten().filter_map(Value::as_str);
    words.map(ToOwned::to_owned).collect()
}

/// The newest question that this GitLab understands: one field it does not know fails all of it.
fn query(version: Option<ReleaseVersion>) -> &'static str {
    let known = QUERIES.iter().rev().find(|((major, minor), _)| {
        version.is_some_and(|version| version.is_at_least(*major, *minor, 0))
    });
    known.map_or(OLDEST, |(_, query)| query)
}

/// By the version from which on each works.
const QUERIES: [((u32, u32), &str); 6] = [
    ((18, 2), OLDEST),
    ((18, 3), include_str!("queries/18.3.graphql")),
    ((18, 8), include_str!("queries/18.8.graphql")),
    ((19, 0), include_str!("queries/19.0.graphql")),
    ((19, 2), include_str!("queries/19.2.graphql")),
    ((19, 3), include_str!("queries/19.3.graphql")),
];

const OLDEST: &str = include_str!("queries/18.2.graphql");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gitlab_is_asked_for_no_field_that_it_does_not_know() {
        for (version, has, lacks) in [
            (None, "firstCheckpoint", "archived"),
            (Some("18.0.0"), "firstCheckpoint", "archived"),
            (Some("18.3.1-ee"), "archived", "latestCheckpoint"),
            (Some("18.7.9"), "exclusionRules", "latestCheckpoint"),
            (Some("18.11.2"), "latestCheckpoint", "compressedCheckpoint"),
            (
                Some("19.1.0"),
                "compressedCheckpoint",
                "incrementalCheckpointsEnabled",
            ),
            (
                Some("19.2.0"),
                "incrementalCheckpointsEnabled",
                "webSearchEnabled",
            ),
            (Some("20.0.0"), "webSearchEnabled", "firstCheckpoint"),
        ] {
            let asked = query(version.and_then(ReleaseVersion::read));
            assert!(asked.contains(has), "{version:?} {has}");
            assert!(!asked.contains(lacks), "{version:?} {lacks}");
            let open = asked.matches('{').count();
            assert_eq!(open, asked.matches('}').count(), "{version:?}");
        }
    }

    #[test]
    fn an_answer_is_read_and_has_to_name_a_host() {
        let mut node = json!({
            "statusName": "INPUT_REQUIRED", "project": {
                "id": "gid://gitlab/Project/7", "webUrl": "https://gitlab.test/a/b",
                "statisticsDetailsPaths": {"repository": "/a/b/-/tree/main"},
            },
            "agentPrivilegesNames": ["read_only_gitlab", 7], "archived": null,
            "latestCheckpoint": null,
        });
        let workflow = Workflow::read(&node).unwrap();
        assert_eq!(workflow.status, "input_required");
        assert_eq!(workflow.privileges, ["read_only_gitlab"]);
        assert!(!workflow.archived && workflow.latest.is_none());
        let project = workflow.project().unwrap();
        assert_eq!(
            (project.id, project.default_branch.as_deref()),
            (json!(7), Some("main"))
        );
        node["project"]["webUrl"] = json!("nowhere");
        assert!(matches!(Workflow::read(&node), Err(SessionError::NoHost)));
    }
}
