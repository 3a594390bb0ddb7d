//! Tools that read GitLab's API as such.

use serde_json::{Value, json};

use super::{Case, case, each_does_as_it_should};

/// A call that asks nobody.
fn refused(tool: &'static str, arguments: Value, reads: &'static str) -> Case {
    Case {
        tool,
        arguments,
        asks: Vec::new(),
        reads,
    }
}

#[test]
fn any_path_of_the_api_is_read_with_its_query() {
    each_does_as_it_should(&[
        case(
            "gitlab_api_get",
            json!({
                "endpoint": "/api/v4/projects/team%2Fedge/work_items",
                "params": {"state": "opened", "per_page": 2, "not": {"labels": ["a b"]}},
            }),
            (
                "GET /api/v4/projects/team%2Fedge/issues?state=opened&per_page=2&not[labels][]=a%20b",
                Value::Null,
            ),
            json!([200, r#"[{"iid":2},{"iid":1}]"#]),
            r#"{"status":"success","data":[{"iid":2},{"iid":1}],"pagination":{"next_page":2}}"#,
        ),
        case(
            "gitlab_api_get",
            json!({"endpoint": "/api/v4/projects/7/jobs/3/trace"}),
            ("GET /api/v4/projects/7/jobs/3/trace", Value::Null),
            json!([200, "all well"]),
            r#"{"status":"success","data":"all well"}"#,
        ),
        case(
            "gitlab_api_get",
            json!({"endpoint": "/api/v4/version"}),
            ("GET /api/v4/version", Value::Null),
            json!([200, "<html>Sign in</html>"]),
            "Tool gitlab_api_get raised ToolException: GitLab's answer is not JSON; a proxy in front \
             of it may have answered",
        ),
        case(
            "gitlab_api_get",
            json!({"endpoint": "/api/v4/groups/9"}),
            ("GET /api/v4/groups/9", Value::Null),
            json!([403, r#"{"message":"403 Forbidden"}"#]),
            r#"Request failed (gitlab_api_get): HTTP 403: {"message":"403 Forbidden"}"#,
        ),
    ]);
}

#[test]
fn nothing_but_the_api_is_read() {
    each_does_as_it_should(&[
        refused(
            "gitlab_api_get",
            json!({"endpoint": "/api/v4/projects/%2e%2e/%2e%2e/graphql"}),
            "Tool gitlab_api_get execution failed due to wrong arguments. You must adhere to the \
             tool args schema! endpoint must name its place straight: no empty parts, no . and no \
             .., also encoded",
        ),
        refused(
            "gitlab_api_get",
            json!({"endpoint": "https://evil.test/api/v4/user"}),
            "Tool gitlab_api_get execution failed due to wrong arguments. You must adhere to the \
             tool args schema! endpoint must begin with /api/v4/, such as \
             /api/v4/projects/7/issues, without a host",
        ),
        refused(
            "gitlab_api_get",
            json!({"endpoint": "/api/v4/user?a=b"}),
            "Tool gitlab_api_get execution failed due to wrong arguments. You must adhere to the \
             tool args schema! endpoint must have no query; put it into params",
        ),
        refused(
            "gitlab_api_get",
            json!({"endpoint": "/api/v4/user", "params": "a=b"}),
            "Tool gitlab_api_get execution failed due to wrong arguments. You must adhere to the \
             tool args schema! params must be an object",
        ),
    ]);
}

#[test]
fn graphql_is_asked_and_never_told() {
    let asks = |query: &str, variables: Value| {
        (
            "POST /api/graphql",
            json!({"query": query, "variables": variables}),
        )
    };
    let no = "Tool gitlab_graphql execution failed due to wrong arguments. You must adhere to the \
              tool args schema! query is no query: only queries are done, nothing is changed";
    each_does_as_it_should(&[
        case(
            "gitlab_graphql",
            json!({
                "query": "query Who($n: Int) { # who\n a(first: $n) { name } }",
                "variables": {"n": 1},
            }),
            asks(
                "query Who ( $ n : Int ) { a ( first : $ n ) { name } }",
                json!({"n": 1}),
            ),
            json!([200, r#"{"data":{"a":{"name":"Ada"}}}"#]),
            r#"{"status":"success","data":{"a":{"name":"Ada"}}}"#,
        ),
        case(
            "gitlab_graphql",
            json!({"query": "{ b }"}),
            asks("{ b }", json!({})),
            json!([200, r#"{"errors":[{"message":"Field 'b' doesn't exist"}]}"#]),
            r#"Tool gitlab_graphql raised ToolException: GraphQL errors: [{"message":"Field 'b' doesn't exist"}]"#,
        ),
        case(
            "gitlab_graphql",
            json!({"query": "{ c }"}),
            asks("{ c }", json!({})),
            json!([403, "<html>Forbidden</html>"]),
            "Tool gitlab_graphql raised ToolException: GitLab's answer to GraphQL is not JSON (status \
             403); a proxy in front of it may have answered",
        ),
        refused(
            "gitlab_graphql",
            json!({"query": "# a question\rmutation { destroy { errors } }"}),
            no,
        ),
        refused(
            "gitlab_graphql",
            json!({"query": "{ a } subscription { b }"}),
            no,
        ),
    ]);
}
