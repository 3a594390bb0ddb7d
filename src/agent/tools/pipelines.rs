//! Pipelines: what failed in them, and whether their configuration can be one.

use serde_json::{Map, Value, json};

use super::{
    Arguments, Definition, Endpoint, Kind, Parameter, ToolError, Workplace,
    definition::READING_GITLAB,
    identification::{self, PROJECT_ID, URL, named, numbered},
    merge_requests::MERGE_REQUEST_IID,
    pages::{self, Pages},
    parameter::{optional, required},
    result::quoted,
    workplace::not_json,
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "get_pipeline_failing_jobs",
        description: "Lists the jobs that failed in a merge request's newest pipeline, or in the \
                      pipeline of url: their numbers, names, stages and why GitLab counts them as \
                      failed. For what a job printed use get_job_logs with its number and project.",
        parameters: &[
            PROJECT_ID,
            MERGE_REQUEST_IID,
            URL,
            optional(
                "exclude_allow_failure",
                Kind::Flag,
                "Whether to leave out jobs that may fail. Left out: they are told.",
            ),
        ],
        display: |arguments| about("Find failing jobs", arguments),
        call: |workplace, arguments| Box::pin(failing_jobs(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "get_downstream_pipelines",
        description: "Lists the pipelines that a pipeline started, in its own project or others, \
                      each with its status and address and the job that started it.",
        parameters: &[PROJECT_ID, PIPELINE_ID, URL],
        display: |arguments| about("Find downstream pipelines", arguments),
        call: |workplace, arguments| Box::pin(bridges(workplace, arguments, None)),
        ..READING_GITLAB
    },
    Definition {
        name: "get_failing_bridge_jobs",
        description: "Lists the jobs of a pipeline that were to start other pipelines and failed, \
                      with the pipelines that they started. Of use where a pipeline failed and \
                      get_pipeline_failing_jobs finds no job.",
        parameters: &[PROJECT_ID, PIPELINE_ID, URL],
        display: |arguments| about("Find failing trigger jobs", arguments),
        call: |workplace, arguments| Box::pin(bridges(workplace, arguments, Some("failed"))),
        ..READING_GITLAB
    },
    Definition {
        name: "ci_linter",
        description: "Has GitLab check the text of a CI/CD configuration (.gitlab-ci.yml) as a \
                      project would read it: whether it is valid, its errors and warnings, and the \
                      configuration with all that it includes.",
        parameters: &[
            PROJECT_ID,
            required("content", Kind::Text, "The whole configuration, in YAML."),
            optional(
                "ref",
                Kind::Text,
                "The branch or tag as which it is checked. Left out: the default branch.",
            ),
        ],
        display: |arguments| about("Check a CI/CD configuration", arguments),
        call: |workplace, arguments| Box::pin(lint(workplace, arguments)),
        ..READING_GITLAB
    },
];

async fn failing_jobs(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let Some(pipeline) = pipeline(workplace, arguments).await? else {
        return Ok("The merge request has no pipeline.".to_owned());
    };
    let list = pipeline.then("jobs").query(SCOPE, Some("failed"));
    let mut jobs = Pages::read(workplace, &list, pages::MOST).await?;
    if arguments.flag("exclude_allow_failure").unwrap_or_default() {
        jobs.items.retain(|job| job["allow_failure"] != true);
    }
    if jobs.items.is_empty() && jobs.is_whole {
        return Ok("No job of the pipeline failed.".to_owned());
    }
    jobs.items = jobs.items.iter().map(|job| picked(job, JOB)).collect();
    Ok(jobs.text())
}

/// The pipeline of an address, else the merge request's newest one.
async fn pipeline(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<Option<Endpoint>, ToolError> {
    if arguments
        .words("url")
        .is_some_and(|url| url.contains("/-/pipelines/"))
    {
        return pipeline_itself(workplace, arguments).map(Some);
    }
    let name = MERGE_REQUEST_IID.name;
    let (project, iid) = numbered(workplace, arguments, "merge_requests", name)?;
    let list = Endpoint::project(&project)
        .then("merge_requests")
        .segment(iid)
        .then("pipelines")
        .query("per_page", Some(1));
    let found = workplace.get_json(&list).await?;
    let Some(newest) = found.get(0) else {
        return Ok(None);
    };
    let Some(id) = newest["id"].as_u64() else {
        return Err(not_json());
    };
    // pipelines of a merge request from a fork run in the fork
    let project = identification::identifier(&newest["project_id"]).unwrap_or(project);
    Ok(Some(
        Endpoint::project(&project).then("pipelines").segment(id),
    ))
}

fn pipeline_itself(workplace: &Workplace, arguments: Arguments<'_>) -> Result<Endpoint, ToolError> {
    let (project, id) = numbered(workplace, arguments, "pipelines", PIPELINE_ID.name)?;
    Ok(Endpoint::project(&project).then("pipelines").segment(id))
}

/// The jobs of a pipeline that start others, all or those of a status.
async fn bridges(
    workplace: &Workplace,
    arguments: Arguments<'_>,
    scope: Option<&str>,
) -> Result<String, ToolError> {
    let list = pipeline_itself(workplace, arguments)?.then("bridges");
    let mut bridges = Pages::read(workplace, &list.query(SCOPE, scope), pages::MOST).await?;
    let items = bridges.items.iter().map(|bridge| {
        let mut shown = picked(bridge, JOB);
        let pipeline = bridge.get("downstream_pipeline");
        let pipeline = pipeline.filter(|pipeline| !pipeline.is_null());
        let pipeline = pipeline.map_or(Value::Null, |pipeline| picked(pipeline, PIPELINE));
        if let Value::Object(shown) = &mut shown {
            shown.insert("downstream_pipeline".to_owned(), pipeline);
        }
        shown
    });
    bridges.items = items.collect();
    Ok(bridges.text())
}

async fn lint(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let project = identification::project(workplace, arguments)?;
    let body = arguments.body(&["content", "ref"]);
    let endpoint = Endpoint::project(&project).then("ci/lint");
    workplace.send_json("POST", &endpoint, body).await
}

/// What a model needs of an object: the rest of a job is its commit, its runner and its author.
fn picked(object: &Value, names: &[&str]) -> Value {
    let fields = names.iter().filter_map(|name| {
        let value = object.get(name).filter(|value| !value.is_null())?;
        Some(((*name).to_owned(), value.clone()))
    });
    json!(fields.collect::<Map<_, _>>())
}

fn about(words: &str, arguments: Arguments<'_>) -> String {
    match named(arguments) {
        Some(name) => format!("{words} in {}", quoted(&name)),
        None => words.to_owned(),
    }
}

const PIPELINE_ID: Parameter = optional(
    "pipeline_id",
    Kind::Number,
    "The pipeline's number, as at the end of its address.",
);

/// `scope[]`, encoded.
const SCOPE: &str = "scope%5B%5D";

const JOB: &[&str] = &[
    "id",
    "name",
    "stage",
    "status",
    "failure_reason",
    "allow_failure",
    "web_url",
];

const PIPELINE: &[&str] = &["id", "project_id", "status", "ref", "sha", "web_url"];
