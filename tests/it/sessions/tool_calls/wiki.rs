//! Tools about wikis.

use serde_json::{Value, json};

use super::{Case, case, each_does_as_it_should};

#[test]
fn pages_are_read_with_what_is_said_about_them() {
    each_does_as_it_should(&[
        Case {
            tool: "get_wiki_page",
            arguments: json!({"project_id": 7, "slug": "handbook/how to"}),
            asks: vec![
                (
                    "GET /api/v4/projects/7/wikis/handbook%2Fhow%20to",
                    Value::Null,
                    json!([
                        200,
                        r#"{"slug":"handbook/how to","content":"So.","wiki_page_meta_id":3}"#
                    ]),
                ),
                (
                    "GET /api/v4/projects/7/wiki_pages/3/notes?per_page=100&page=1",
                    Value::Null,
                    json!([200, r#"[{"id":1,"body":"Hm"}]"#]),
                ),
            ],
            reads: r#"{"wiki_page":{"slug":"handbook/how to","content":"So.","wiki_page_meta_id":3},"has_more_notes":false,"notes":[{"id":1,"body":"Hm"}]}"#,
        },
        Case {
            tool: "get_wiki_page",
            arguments: json!({"url": "https://gitlab.test/groups/team/-/wikis/a/b"}),
            asks: vec![
                (
                    "GET /api/v4/groups/team/wikis/a%2Fb",
                    Value::Null,
                    json!([200, r#"{"slug":"a/b","wiki_page_meta_id":4}"#]),
                ),
                (
                    "GET /api/v4/groups/team/wiki_pages/4/notes?per_page=100&page=1",
                    Value::Null,
                    json!([403, "{}"]),
                ),
            ],
            reads: r#"{"wiki_page":{"slug":"a/b","wiki_page_meta_id":4},"notes_error":"GitLab answered 403"}"#,
        },
        // older versions of GitLab have no comments there
        case(
            "get_wiki_page",
            json!({"group_id": "team/sub", "slug": "home"}),
            ("GET /api/v4/groups/team%2Fsub/wikis/home", Value::Null),
            json!([200, r#"{"slug":"home"}"#]),
            r#"{"wiki_page":{"slug":"home"}}"#,
        ),
    ]);
}

#[test]
fn pages_that_cannot_be_read_say_why() {
    each_does_as_it_should(&[
        case(
            "get_wiki_page",
            json!({"slug": "../../user"}),
            ("GET /api/v4/projects/7/wikis/..%2F..%2Fuser", Value::Null),
            json!([404, r#"{"message":"404 Wiki Page Not Found"}"#]),
            r#"Request failed (get_wiki_page): HTTP 404: {"message":"404 Wiki Page Not Found"}"#,
        ),
        case(
            "get_wiki_page",
            json!({"slug": "home"}),
            ("GET /api/v4/projects/7/wikis/home", Value::Null),
            json!([200, "<html>Sign in</html>"]),
            "Tool get_wiki_page raised ToolException: GitLab's answer is not JSON; a proxy in front \
             of it may have answered",
        ),
        Case {
            tool: "get_wiki_page",
            arguments: json!({"project_id": 7}),
            asks: Vec::new(),
            reads: "Tool get_wiki_page execution failed due to wrong arguments. You must adhere to \
                    the tool args schema! slug is missing; give the page's name",
        },
    ]);
}
