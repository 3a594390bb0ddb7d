//! Tokens with which executors come to the agent platform directly (agent-platform 2.5).

use http::HeaderMap;
use serde_json::{Map, Value};

use super::{
    IssueError, IssuedToken,
    caller::Caller,
    headers::{self, GLOBAL_USER_ID, INSTANCE_ID, REALM},
    issuer::Issuer,
};

/// A token for the user that the headers name, with those of the caller's permissions that the
/// agent platform knows. Whether the caller may have one is for the service to say.
pub(super) fn issue(
    issuer: &Issuer<'_>,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<IssuedToken, IssueError> {
    let scopes: Vec<&str> = SCOPES
        .into_iter()
        .filter(|scope| caller.can(scope))
        .collect();
    let mut claims = Map::new();
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("sub", headers::value(headers, GLOBAL_USER_ID).into());
    set("gitlab_realm", headers::value(headers, REALM).into());
    let instance = headers::value(headers, INSTANCE_ID);
    set("gitlab_instance_id", instance.into());
    set("scopes", scopes.into());
    let uid = caller
        .claims()
        .and_then(|claims| claims.instance_uid.as_deref());
    if let Some(uid) = uid {
        set("gitlab_instance_uid", uid.into());
    }
    for name in COPIED {
        if let Some(value) = caller.claim(name) {
            set(name, value.clone());
        }
    }
    issuer.issue(claims)
}

/// What the agent platform asks for, and what may be given to it beside a goal.
const SCOPES: [&str; 15] = [
    "duo_agent_platform",
    "duo_workflow_execute_workflow",
    "duo_chat",
    "include_file_context",
    "include_snippet_context",
    "include_merge_request_context",
    "include_issue_context",
    "include_dependency_context",
    "include_local_git_context",
    "include_terminal_context",
    "include_repository_context",
    "include_directory_context",
    "include_user_rule_context",
    "include_os_information_context",
    "include_agent_user_environment_context",
];

/// What a session's rules are made of.
const COPIED: [&str; 3] = [
    "skip_usage_cutoff",
    "tool_access_policies",
    "gitlab_root_namespace_id",
];
