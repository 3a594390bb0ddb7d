//! Each tool: what it asks of GitLab or of the client, and what the model reads of it.

mod code_review;
mod commands;
mod commits;
mod documentation;
mod files;
mod generic_api;
mod issues;
mod mcp;
mod merge_request_notes;
mod merge_requests;
mod pipelines;
mod repository;
mod search;
mod session_context;
mod wiki;
mod work_items;

use serde_json::{Value, json};

use super::{Scene, Turn};
use crate::support::model_server::Reply;

/// A call of a tool, with everything that follows from it.
struct Case {
    tool: &'static str,
    arguments: Value,
    /// What is asked, in its order: `GET /api/v4/user`, `POST /api/graphql` with the operation, or
    /// the name of an action; its body, variables or fields;
    /// the answer: `[200, "{}"]`, or `["text", ""]` for an action.
    asks: Vec<(&'static str, Value, Value)>,
    /// What the model reads: all of it.
    reads: &'static str,
}

/// A case in which one thing is asked.
fn case(
    tool: &'static str,
    arguments: Value,
    (asks, body): (&'static str, Value),
    answer: Value,
    reads: &'static str,
) -> Case {
    Case {
        tool,
        arguments,
        asks: vec![(asks, body, answer)],
        reads,
    }
}

/// Runs all cases in one turn, called one after the other by a model that the user agrees with.
#[track_caller]
fn each_does_as_it_should(cases: &[Case]) {
    let scene = Scene::new("");
    run(&scene, cases, json!({}));
}

/// The same in a scene, with options of the client's.
#[track_caller]
fn run(scene: &Scene, cases: &[Case], mut options: Value) -> Turn {
    let mut replies: Vec<_> = cases.iter().map(wants).collect();
    replies.push(Reply::Pieces(vec!["Done.".to_owned()]));
    scene.model.reply(Reply::Sequence(replies));
    let all: Vec<_> = cases.iter().map(|case| case.tool).collect();
    options["preapproved"] = json!(all);
    options["answers"] = answers(cases, |asks| !asks.starts_with(GRAPHQL));
    options["graphql"] = answers(cases, |asks| asks.starts_with(GRAPHQL));
    options["flow"] = agent_with(&all);
    let before = scene.model.requests().len();
    let turn = scene.turn(options);
    turn.went_well();
    let expected: Vec<_> = cases
        .iter()
        .flat_map(|case| case.asks.iter())
        .map(|(asks, body, _)| json!([asks, body]))
        .collect();
    let asked = turn.0["asked"].as_array().unwrap();
    let asked: Vec<_> = asked
        .iter()
        .filter(|asked| !is_of_the_session(asked))
        .map(|asked| named(asked, cases))
        .collect();
    assert_eq!(json!(asked), json!(expected));
    let requests = scene.model.requests();
    let read: Vec<_> = requests[before..]
        .iter()
        .skip(1)
        .map(|it| last(&it.body))
        .collect();
    for (case, read) in cases.iter().zip(read) {
        assert_eq!(read, case.reads, "{} {}", case.tool, case.arguments);
    }
    turn
}

/// An agent that may have these tools: the chat's own has few of them.
pub(super) fn agent_with(tools: &[&str]) -> Value {
    json!({
        "version": "v1", "environment": "chat-partial",
        "components": [{
            "type": "AgentComponent", "name": "helper", "prompt_id": "mine", "toolset": tools,
        }],
        "prompts": [{"prompt_id": "mine", "prompt_template": {"system": "Help."}}],
    })
}

/// The question about the session itself, which each turn begins with.
fn is_of_the_session(asked: &Value) -> bool {
    let query = asked[1]["query"].as_str().unwrap_or_default();
    query.starts_with("query Workflow(") || query.starts_with("query ToolCallApproved(")
}

/// A question of GraphQL by its operation and variables, if a case names it so: its text has many
/// words.
fn named(asked: &Value, cases: &[Case]) -> Value {
    let query = asked[1]["query"].as_str().unwrap_or_default();
    let operation = query.split([' ', '(', '\n']).nth(1).unwrap_or_default();
    let name = format!("{GRAPHQL}{operation}");
    let mut asks = cases.iter().flat_map(|case| case.asks.iter());
    if asks.any(|(asks, ..)| *asks == name) {
        return json!([name, asked[1]["variables"]]);
    }
    asked.clone()
}

/// GraphQL is one path for many questions: they are told apart by their operations.
const GRAPHQL: &str = "POST /api/graphql ";

fn answers(cases: &[Case], are_these: impl Fn(&str) -> bool) -> Value {
    let mut answers = json!({});
    let asks = cases.iter().flat_map(|case| case.asks.iter());
    for (asks, _, answer) in asks.filter(|(asks, ..)| are_these(asks)) {
        match &mut answers[asks.trim_start_matches(GRAPHQL)] {
            Value::Array(known) => known.push(answer.clone()),
            missing => *missing = json!([answer]),
        }
    }
    answers
}

fn wants(case: &Case) -> Reply {
    super::tools::wants(case.tool, &case.arguments.to_string())
}

/// What the model was told last.
fn last(body: &Value) -> String {
    let messages = body["messages"].as_array().unwrap();
    let mut said = messages
        .iter()
        .rev()
        .filter(|message| message["role"] == "tool");
    let content = &said.next().unwrap()["content"];
    content.as_str().unwrap_or_default().to_owned()
}
