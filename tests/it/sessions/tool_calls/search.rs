//! Tools that find things by words.

use serde_json::{Value, json};

use super::{case, each_does_as_it_should, pipelines::nothing_asked, run};
use crate::sessions::Scene;

#[test]
fn things_are_found_in_their_scope() {
    for (tool, scope) in [
        ("gitlab_issue_search", "issues"),
        ("gitlab_milestone_search", "milestones"),
        ("gitlab__user_search", "users"),
        ("gitlab_commit_search", "commits"),
        ("gitlab_note_search", "notes"),
        ("gitlab_wiki_blob_search", "wiki_blobs"),
    ] {
        let asks = |path: String| -> &'static str { path.leak() };
        each_does_as_it_should(&[
            case(
                tool,
                json!({"id": 7, "search": "slow & sad?", "search_type": "projects"}),
                (
                    asks(format!(
                        "GET /api/v4/projects/7/search?scope={scope}&search=slow%20%26%20sad%3F"
                    )),
                    Value::Null,
                ),
                json!([200, r#"[{"id":1}]"#]),
                r#"[{"id":1}]"#,
            ),
            case(
                tool,
                json!({
                    "id": "team/a", "search": "x", "search_type": "groups", "page": 2,
                    "per_page": 50, "order_by": "created_at", "sort": "asc",
                }),
                (
                    asks(format!(
                        "GET /api/v4/groups/team%2Fa/search?scope={scope}&search=x\
                         &order_by=created_at&sort=asc&page=2&per_page=50"
                    )),
                    Value::Null,
                ),
                json!([403, "{}"]),
                format!("Request failed ({tool}): HTTP 403: {{}}").leak(),
            ),
            nothing_asked(
                tool,
                json!({"search": "x", "search_type": "groups"}),
                "id is missing: the number or full path of the project or group",
            ),
            nothing_asked(
                tool,
                json!({"id": "../../user", "search": "x"}),
                "id is no number and no full path",
            ),
        ]);
    }
}

#[test]
fn projects_are_found_in_their_group() {
    each_does_as_it_should(&[
        case(
            "gitlab_group_project_search",
            json!({"id": "team", "search": "edge"}),
            (
                "GET /api/v4/groups/team/search?scope=projects&search=edge",
                Value::Null,
            ),
            json!([200, r#"[{"id":7}]"#]),
            r#"[{"id":7}]"#,
        ),
        case(
            "gitlab_issue_search",
            json!({"search": "x", "state": "opened", "confidential": true}),
            (
                "GET /api/v4/projects/7/search?scope=issues&search=x&state=opened&confidential=true",
                Value::Null,
            ),
            json!([200, "<html>"]),
            "Tool gitlab_issue_search raised ToolException: GitLab's answer is not JSON; a proxy in \
             front of it may have answered",
        ),
        nothing_asked(
            "gitlab_group_project_search",
            json!({"search": "edge"}),
            "id is missing",
        ),
    ]);
}

const FOUND: &str = r#"[{"path":"src/a.rs","data":"retry"},{"path":"a.pem","data":"key"},{"filename":"b.pem","data":"key"}]"#;

#[test]
fn code_is_found_but_in_files_that_are_kept_from_agents() {
    run(
        &Scene::new(""),
        &[
            case(
                "gitlab_blob_search",
                json!({"search": "retry extension:rs", "ref": "main"}),
                (
                    "GET /api/v4/projects/7/search?scope=blobs&search=retry%20extension%3Ars\
                     &ref=main",
                    Value::Null,
                ),
                json!([200, FOUND]),
                r#"[{"path":"src/a.rs","data":"retry"}]"#,
            ),
            // a place that this client's search does not know is left out
            case(
                "gitlab_blob_search",
                json!({"search": "x", "api_url": "/api/v4/search"}),
                (
                    "GET /api/v4/projects/7/search?scope=blobs&search=x",
                    Value::Null,
                ),
                json!([200, r#"{"message":"?"}"#]),
                "Tool gitlab_blob_search raised ToolException: GitLab's answer is not JSON; a proxy \
                 in front of it may have answered",
            ),
        ],
        json!({"set": {"exclusions": ["*.pem"]}}),
    );
}

#[test]
fn code_is_found_in_all_of_gitlab_where_it_is_indexed() {
    run(
        &Scene::new(""),
        &[
            case(
                "gitlab_blob_search",
                json!({"search": "x", "api_url": "/api/v4/search"}),
                ("GET /api/v4/search?scope=blobs&search=x", Value::Null),
                json!([200, FOUND]),
                r#"[{"path":"src/a.rs","data":"retry"}]"#,
            ),
            case(
                "gitlab_blob_search",
                json!({"search": "x", "id": "team", "search_type": "groups"}),
                (
                    "GET /api/v4/groups/team/search?scope=blobs&search=x",
                    Value::Null,
                ),
                json!([400, "no index"]),
                "Request failed (gitlab_blob_search): HTTP 400: no index",
            ),
            nothing_asked(
                "gitlab_blob_search",
                json!({"search": "x", "api_url": "/api/v4/projects/7/../../user"}),
                "api_url is none of /api/v4/search, /api/v4/groups/ID/search and \
                 /api/v4/projects/ID/search",
            ),
        ],
        json!({"capabilities": ["advanced_search"], "set": {"exclusions": ["*.pem"]}}),
    );
}
