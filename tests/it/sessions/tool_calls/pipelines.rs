//! Tools about pipelines and the jobs in them.

use serde_json::{Value, json};

use super::{Case, case, each_does_as_it_should, run};
use crate::sessions::Scene;

const TRACE: &str = "GET /api/v4/projects/7/jobs/9/trace";

#[test]
fn logs_of_jobs_are_read() {
    each_does_as_it_should(&[
        case(
            "get_job_logs",
            json!({"project_id": 7, "job_id": 9}),
            (TRACE, Value::Null),
            json!([200, "$ make\nmake: *** Error 2"]),
            "$ make\nmake: *** Error 2",
        ),
        case(
            "get_job_logs",
            json!({"url": "https://gitlab.test/team/edge/-/jobs/9#L12"}),
            ("GET /api/v4/projects/team%2Fedge/jobs/9/trace", Value::Null),
            json!([200, ""]),
            "The job has printed nothing.",
        ),
        // this client cannot have pieces of it
        case(
            "get_job_logs",
            json!({"job_id": "9", "byte_offset": 100, "byte_limit": 50}),
            (TRACE, Value::Null),
            json!([200, "all"]),
            "all",
        ),
        case(
            "get_job_logs",
            json!({"job_id": 9}),
            (TRACE, Value::Null),
            json!([403, r#"{"message":"403 Forbidden"}"#]),
            r#"Request failed (get_job_logs): HTTP 403: {"message":"403 Forbidden"}"#,
        ),
        nothing_asked(
            "get_job_logs",
            json!({"url": "https://elsewhere.test/team/edge/-/jobs/9"}),
            "url is no address of this GitLab, https://gitlab.test",
        ),
        nothing_asked("get_job_logs", json!({}), "job_id is missing"),
    ]);
}

#[test]
fn pieces_of_logs_are_read_where_the_client_can() {
    run(
        &Scene::new(""),
        &[
            case(
                "get_job_logs",
                json!({"job_id": 9, "byte_offset": 100, "byte_limit": "50"}),
                (
                    "GET /api/v4/projects/7/jobs/9/trace?byte_offset=100&byte_limit=50",
                    Value::Null,
                ),
                json!([200, "a piece"]),
                "a piece",
            ),
            case(
                "get_job_logs",
                json!({"job_id": 9}),
                (TRACE, Value::Null),
                json!([200, "all"]),
                "all",
            ),
        ],
        json!({"capabilities": ["job_trace_pagination"]}),
    );
}

const NEWEST: &str = "GET /api/v4/projects/7/merge_requests/5/pipelines?per_page=1";

#[test]
fn failing_jobs_are_those_of_the_newest_pipeline() {
    let jobs = json!([
        {"id": 1, "name": "test", "stage": "t", "status": "failed", "allow_failure": false,
         "failure_reason": "script_failure", "web_url": "https://gitlab.test/j/1", "commit": {}},
        {"id": 2, "name": "lint", "status": "failed", "allow_failure": true, "runner": null},
    ]);
    let asks = |path: &'static str| {
        let pipelines = json!([200, r#"[{"id": 3, "project_id": 8}]"#]);
        vec![
            (NEWEST, Value::Null, pipelines),
            (path, Value::Null, json!([200, jobs.to_string()])),
        ]
    };
    // the merge request comes from a fork, whose pipeline it is
    let failed = "GET /api/v4/projects/8/pipelines/3/jobs?scope%5B%5D=failed&per_page=100&page=1";
    each_does_as_it_should(&[
        Case {
            tool: "get_pipeline_failing_jobs",
            arguments: json!({"project_id": 7, "merge_request_iid": 5}),
            asks: asks(failed),
            reads: r#"[{"id":1,"name":"test","stage":"t","status":"failed","failure_reason":"script_failure","allow_failure":false,"web_url":"https://gitlab.test/j/1"},{"id":2,"name":"lint","status":"failed","allow_failure":true}]"#,
        },
        Case {
            tool: "get_pipeline_failing_jobs",
            arguments: json!({"merge_request_iid": 5, "exclude_allow_failure": true}),
            asks: asks(failed),
            reads: r#"[{"id":1,"name":"test","stage":"t","status":"failed","failure_reason":"script_failure","allow_failure":false,"web_url":"https://gitlab.test/j/1"}]"#,
        },
        case(
            "get_pipeline_failing_jobs",
            json!({"url": "https://gitlab.test/team/edge/-/pipelines/4/builds"}),
            (
                "GET /api/v4/projects/team%2Fedge/pipelines/4/jobs?scope%5B%5D=failed&per_page=100\
                 &page=1",
                Value::Null,
            ),
            json!([200, "[]"]),
            "No job of the pipeline failed.",
        ),
        case(
            "get_pipeline_failing_jobs",
            json!({"merge_request_iid": 5}),
            (NEWEST, Value::Null),
            json!([200, "[]"]),
            "The merge request has no pipeline.",
        ),
        case(
            "get_pipeline_failing_jobs",
            json!({"merge_request_iid": 5}),
            (NEWEST, Value::Null),
            json!([200, "<html>Sign in</html>"]),
            "Tool get_pipeline_failing_jobs raised ToolException: GitLab's answer is not JSON; a \
             proxy in front of it may have answered",
        ),
        nothing_asked(
            "get_pipeline_failing_jobs",
            json!({"merge_request_iid": 5, "exclude_allow_failure": "maybe"}),
            "exclude_allow_failure must be true or false",
        ),
    ]);
}

#[test]
fn lists_are_read_page_by_page_without_headers() {
    let job = |id: u32| json!({"id": id, "status": "failed"});
    let first: Vec<_> = (0..100).map(job).collect();
    let mut whole = first.clone();
    whole.push(job(100));
    let base = "GET /api/v4/projects/7/pipelines/4/jobs?scope%5B%5D=failed&per_page=100&page=";
    let page = |number: u8| -> &'static str { format!("{base}{number}").leak() };
    let pipelines = json!([200, r#"[{"id": 4, "project_id": 7}]"#]);
    each_does_as_it_should(&[Case {
        tool: "get_pipeline_failing_jobs",
        arguments: json!({"merge_request_iid": 5}),
        asks: vec![
            (NEWEST, Value::Null, pipelines),
            (page(1), Value::Null, json!([200, json!(first).to_string()])),
            (
                page(2),
                Value::Null,
                json!([200, json!([job(100)]).to_string()]),
            ),
        ],
        reads: json!(whole).to_string().leak(),
    }]);
}

#[test]
fn pipelines_that_pipelines_start_are_read() {
    let url = "https://gitlab.test/team/edge/-/pipelines/4";
    let bridges = json!([
        {"id": 5, "name": "deploy", "status": "success", "allow_failure": false, "user": {"id": 1},
         "downstream_pipeline": {"id": 6, "project_id": 9, "status": "failed", "ref": "main",
                                 "created_at": "2026"}},
        {"id": 7, "name": "wait", "status": "manual", "downstream_pipeline": null},
    ]);
    each_does_as_it_should(&[
        case(
            "get_downstream_pipelines",
            json!({"url": url}),
            (
                "GET /api/v4/projects/team%2Fedge/pipelines/4/bridges?per_page=100&page=1",
                Value::Null,
            ),
            json!([200, bridges.to_string()]),
            r#"[{"id":5,"name":"deploy","status":"success","allow_failure":false,"downstream_pipeline":{"id":6,"project_id":9,"status":"failed","ref":"main"}},{"id":7,"name":"wait","status":"manual","downstream_pipeline":null}]"#,
        ),
        case(
            "get_failing_bridge_jobs",
            json!({"url": url}),
            (
                "GET /api/v4/projects/team%2Fedge/pipelines/4/bridges?scope%5B%5D=failed\
                 &per_page=100&page=1",
                Value::Null,
            ),
            json!([200, r#"[{"id": 8, "status": "failed"}]"#]),
            r#"[{"id":8,"status":"failed","downstream_pipeline":null}]"#,
        ),
        case(
            "get_failing_bridge_jobs",
            json!({"pipeline_id": 4}),
            (
                "GET /api/v4/projects/7/pipelines/4/bridges?scope%5B%5D=failed&per_page=100&page=1",
                Value::Null,
            ),
            json!([404, "{}"]),
            "Request failed (get_failing_bridge_jobs): HTTP 404: {}",
        ),
        nothing_asked(
            "get_downstream_pipelines",
            json!({"url": "https://gitlab.test/team/edge/-/issues/4"}),
            "url is no address of pipelines, and pipeline_id is missing",
        ),
    ]);
}

#[test]
fn configurations_are_checked_by_gitlab() {
    let answer =
        r#"{"valid":false,"errors":["jobs config should contain at least one visible job"]}"#;
    each_does_as_it_should(&[
        case(
            "ci_linter",
            json!({"project_id": "team/edge", "content": "stages: []"}),
            (
                "POST /api/v4/projects/team%2Fedge/ci/lint",
                json!({"content": "stages: []"}),
            ),
            json!([200, answer]),
            answer,
        ),
        case(
            "ci_linter",
            json!({"content": "a: b", "ref": "main"}),
            (
                "POST /api/v4/projects/7/ci/lint",
                json!({"content": "a: b", "ref": "main"}),
            ),
            json!([403, "no"]),
            "Request failed (ci_linter): HTTP 403: no",
        ),
        nothing_asked("ci_linter", json!({"ref": "main"}), "content is missing"),
    ]);
}

/// A call whose fault is found before anything is asked.
pub(super) fn nothing_asked(tool: &'static str, arguments: Value, fault: &str) -> Case {
    let reads = format!(
        "Tool {tool} execution failed due to wrong arguments. You must adhere to the tool args \
         schema! {fault}"
    );
    Case {
        tool,
        arguments,
        asks: Vec::new(),
        reads: reads.leak(),
    }
}
