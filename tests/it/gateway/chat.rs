//! `POST /v2/chat/agent`

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    CONTENT, FAMILIES, MODEL_KEY, VERSIONS, metadata, open_gateway, post, post_file, prompt, with,
    without,
};
use crate::support::{
    Duogate, Port,
    curl::Fetched,
    model_server::{ModelServer, Reply},
};

const PATH: &str = "/v2/chat/agent";

/// What Rails sends for a question.
pub(super) fn question(model: &ModelServer) -> Value {
    json!({
        "messages": [
            {"role": "user", "content": "Hello", "context": null, "current_file": null,
             "additional_context": null},
            {"role": "assistant", "content": "Hello! What shall we look at?"},
            {"role": "user", "content": format!("What is {CONTENT}?"), "context": null,
             "current_file": null, "additional_context": []},
        ],
        "model_metadata": metadata(model),
        "unavailable_resources": ["Pipelines", "Vulnerabilities"],
    })
}

/// What was done for the question so far.
fn scratchpad(steps: usize) -> Value {
    let step = json!({
        "action": {"type": "action", "tool": "issue\\_reader", "tool_input": "issue #1",
                   "thought": "I look\\_up."},
        "observation": "FOUND",
    });
    json!({"role": "assistant", "content": null, "agent_scratchpad": vec![step; steps]})
}

fn and(mut body: Value, message: Value) -> Value {
    body["messages"].as_array_mut().unwrap().push(message);
    body
}

/// The lines as objects; each is one line of ASCII with its end.
#[track_caller]
pub(super) fn events(answer: &Fetched) -> Vec<Value> {
    assert_eq!((answer.status, answer.exit), (200, 0), "{answer:?}");
    let kind = answer.field("content-type");
    assert_eq!(kind, Some("application/x-ndjson; charset=utf-8"));
    assert!(
        answer.body.is_ascii() && answer.body.ends_with('\n'),
        "{answer:?}"
    );
    let lines = answer.body.lines();
    lines
        .map(|line| {
            assert!(line.starts_with("{\"type\": \""), "{line}");
            serde_json::from_str(line).unwrap()
        })
        .collect()
}

fn ask(edge: &Duogate, body: &Value) -> Vec<Value> {
    events(&post(edge, &[], PATH, body))
}

fn says(model: &ModelServer, text: &str) {
    model.reply(Reply::Pieces(vec![text.to_owned()]));
}

#[track_caller]
fn error(events: &[Value]) -> (String, bool) {
    let last = events.last().unwrap();
    assert_eq!(last["type"], "error", "{events:?}");
    let data = &last["data"];
    (
        data["message"].as_str().unwrap().to_owned(),
        data["retryable"].as_bool().unwrap(),
    )
}

#[test]
fn a_final_answer_streams_byte_by_byte_as_rails_knows_it() {
    let pieces = ["Thought: I know.\nFinal", " Answer: H", "é\n", "\"🙂\""];
    let model = ModelServer::with(Reply::Pieces(pieces.map(ToOwned::to_owned).to_vec()));
    let edge = open_gateway().start();
    for version in VERSIONS {
        let answer = post(&edge, &[version], PATH, &question(&model));
        events(&answer);
        let delta = |text: &str, reason: &str| {
            format!(
                "{{\"type\": \"final_answer_delta\", \"data\": {{\"text\": \"{text}\", \
                 \"finish_reason\": {reason}}}}}\n"
            )
        };
        let usage = "{\"type\": \"usage\", \"data\": {\"usage\": {\"mistral-x\": \
                     {\"input_tokens\": 7, \"output_tokens\": 5}}}}\n";
        let expected = delta("H", "null")
            + &delta("\\u00e9\\n", "null")
            + &delta("\\\"\\ud83d\\ude42\\\"", "null")
            + &delta("", "\"stop\"")
            + usage;
        assert_eq!(answer.body, expected);
    }
    let asked = model.last();
    assert_eq!(asked.body["stream"], true);
    assert_eq!(asked.body["max_tokens"], 8192);
    assert_eq!(asked.body["stop"], json!(["\nObservation:"]));
    assert_eq!(
        asked.header("authorization"),
        Some(format!("Bearer {MODEL_KEY}").as_str())
    );
    assert!(
        !edge.log().contains(CONTENT),
        "questions stay out of the log"
    );
}

#[test]
fn an_action_is_told_once_at_the_end() {
    let pieces = [
        "Thought: I look.\nAct",
        "ion: IssueReader\nAction Input: iss",
        "ue #1\n",
    ];
    let model = ModelServer::with(Reply::Pieces(pieces.map(ToOwned::to_owned).to_vec()));
    let edge = open_gateway().start();
    for version in VERSIONS {
        let answer = post(&edge, &[version], PATH, &question(&model));
        events(&answer);
        assert_eq!(
            answer.body,
            "{\"type\": \"action\", \"data\": {\"tool\": \"issue_reader\", \"tool_input\": \"issue \
             #1\", \"thought\": \"I look.\"}}\n\
             {\"type\": \"usage\", \"data\": {\"usage\": {\"mistral-x\": {\"input_tokens\": 7, \
             \"output_tokens\": 5}}}}\n"
        );
    }
    assert!(
        edge.log()
            .contains("\"duo_chat.agent_tool_action\":\"issue_reader\"")
    );
    // what a server that knows no stop words lets its model make up
    says(
        &model,
        "Action: issue_reader\nAction Input: #1\nObservation: open\nThought: x\nFinal Answer: open",
    );
    assert_eq!(ask(&edge, &question(&model))[0]["data"]["tool_input"], "#1");
    for tool in ["launch_rockets", "None", "issue reader v2"] {
        says(
            &model,
            &format!("Thought: x\nAction: {tool}\nAction Input: y"),
        );
        let events = ask(&edge, &question(&model));
        assert_eq!(error(&events), ("tool not available".to_owned(), false));
        assert_eq!(events.len(), 1, "{events:?}");
    }
}

#[test]
fn what_the_model_is_asked_ends_with_the_user_in_every_family() {
    let model = ModelServer::start("Final Answer: x");
    let edge = open_gateway().start();
    for family in FAMILIES {
        let body = with(question(&model), "model_metadata.name", family);
        ask(&edge, &and(body, scratchpad(2)));
        let asked = model.last();
        let messages = asked.body["messages"].as_array().unwrap().clone();
        let roles: Vec<&str> = messages
            .iter()
            .map(|said| said["role"].as_str().unwrap())
            .collect();
        assert_eq!(roles, ["system", "user", "assistant", "user"], "{family}");
        let frame = messages[0]["content"].as_str().unwrap();
        for part in [
            "build_reader",
            "epic_reader",
            "issue_reader",
            "merge_request_reader",
            "commit_reader",
            "work_item_reader",
            "gitlab_documentation",
            "Pipelines, Vulnerabilities",
            "Final Answer:",
            "Action Input:",
        ] {
            assert!(frame.contains(part), "{family}: {part}: {frame}");
        }
        let last = messages[3]["content"].as_str().unwrap();
        let step = "Thought: I look_up.\nAction: issue_reader\nAction Input: issue #1\nObservation: FOUND\n";
        assert!(last.contains(&format!("{step}{step}")), "{family}: {last}");
        assert!(last.contains(CONTENT), "{family}: {last}");
        assert_eq!(
            messages[2]["content"],
            "Final Answer: Hello! What shall we look at?"
        );
        if family == "gpt" {
            assert_eq!(
                (&asked.body["stop"], &asked.body["temperature"]),
                (&Value::Null, &Value::Null)
            );
        }
    }
    // the date as GitLab's own prompt has it: a weekday, a month, a day and a year
    let frame = model.last().body["messages"][0]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    let date = frame
        .split("Today is ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    assert_eq!(date.split(", ").count(), 4, "{date}");
    // before the tenth round is over the model hears that it has to come to an end
    ask(&edge, &and(question(&model), scratchpad(9)));
    assert!(
        model
            .last()
            .text()
            .contains("There is no time for another tool")
    );
}

#[test]
fn history_is_told_so_that_any_server_takes_it() {
    let model = ModelServer::start("Final Answer: x");
    let edge = open_gateway().start();
    let roles = |model: &ModelServer| -> Vec<String> {
        let messages = model.last().body["messages"].as_array().unwrap().clone();
        messages
            .iter()
            .map(|said| said["role"].as_str().unwrap().to_owned())
            .collect()
    };
    // an answer in front, an answer that was none, two questions behind each other
    let messages = json!([
        {"role": "assistant", "content": "LOST"},
        {"role": "user", "content": "ONE"},
        {"role": "assistant", "content": null, "agent_scratchpad": [{"observation": "OLD"}]},
        {"role": "user", "content": "TWO"},
        {"role": "assistant", "content": "THREE", "agent_scratchpad": [{"observation": "SEEN"}]},
        {"role": "user", "content": "FOUR"},
    ]);
    ask(&edge, &with(question(&model), "messages", messages));
    assert_eq!(roles(&model), ["system", "user", "assistant", "user"]);
    let asked = model.last().body["messages"].clone();
    assert_eq!(asked[1]["content"], "ONE\n\nTWO");
    assert_eq!(
        asked[2]["content"],
        "Observation: SEEN\nFinal Answer: THREE"
    );
    assert!(
        !asked.to_string().contains("LOST") && !asked.to_string().contains("OLD"),
        "{asked}"
    );
    // steps as older GitLabs send them win
    let old = json!({"agent_scratchpad": {"agent_type": "react", "steps": [
        {"thought": "OLD_THOUGHT", "tool": "epic_reader", "tool_input": "&1", "observation": "OLD_FOUND"},
    ]}});
    let body = with(and(question(&model), scratchpad(1)), "options", old);
    ask(&edge, &body);
    let text = model.last().text();
    let step =
        "Thought: OLD_THOUGHT\nAction: epic_reader\nAction Input: &1\nObservation: OLD_FOUND";
    assert!(text.contains(step) && !text.contains("issue #1"), "{text}");
    // nothing said of what cannot be looked up
    ask(&edge, &without(question(&model), "unavailable_resources"));
    assert!(
        model
            .last()
            .text()
            .contains("Merge Requests, Pipelines, Vulnerabilities")
    );
}

#[test]
fn what_a_question_brings_along_reaches_the_model() {
    let model = ModelServer::start("Final Answer: x");
    let edge = open_gateway().start();
    let body = with(
        question(&model),
        "messages.2.context",
        json!({"type": "issue", "content": "OLD_CONTENT"}),
    );
    let body = with(
        body,
        "messages.2.current_file",
        json!({"file_path": "app/FILE.rb", "data": "DATA", "selected_code": true}),
    );
    let more = json!([
        {"category": "file", "id": "ID_ONE", "content": "MORE_ONE", "metadata": {"x": 1}},
        {"category": "user_rule", "content": "MORE_TWO"},
        {"category": "something_new"},
    ]);
    let body = with(body, "messages.2.additional_context", more);
    ask(&edge, &body);
    let text = model.last().text();
    for part in [
        "OLD_CONTENT",
        "app/FILE.rb",
        "DATA",
        "ID_ONE",
        "MORE_ONE",
        "MORE_TWO",
        "user_rule",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for context in [
        json!({"type": "build"}),
        json!({"type": "epic", "title": "TITLE"}),
    ] {
        ask(
            &edge,
            &with(question(&model), "messages.2.context", context.clone()),
        );
        let text = model.last().text();
        assert!(text.contains(context["type"].as_str().unwrap()), "{text}");
    }
    assert!(model.last().text().contains("TITLE"));
    let long = "long ".repeat(400_000);
    let body = with(question(&model), "messages.2.content", long.as_str());
    events(&post_file(&edge, PATH, &body));
    assert!(model.last().text().contains(&long));
}

#[test]
fn a_text_outside_the_form_is_an_answer_too() {
    let model = ModelServer::start("");
    let edge = open_gateway().start();
    for (said, shown) in [
        ("Hello! How can I help?", "Hello! How can I help?"),
        ("Thought: Hello there.", "Hello there."),
        (
            "<think>Action: x\nAction Input: y</think>\n\nHello.",
            "Hello.",
        ),
        ("Hm, a greeting.</think>Hello.", "Hello."),
    ] {
        says(&model, said);
        for family in ["general", "qwen", "gpt", "mistral"] {
            let body = with(question(&model), "model_metadata.name", family);
            let events = ask(&edge, &body);
            assert_eq!(
                events[0],
                json!({"type": "unknown", "data": {"text": shown}}),
                "{family}"
            );
            assert_eq!(events[1]["type"], "usage");
        }
    }
    says(&model, "  \n");
    let (message, retryable) = error(&ask(&edge, &question(&model)));
    assert_eq!(
        (message.as_str(), retryable),
        ("the model gave an empty answer", false)
    );
    // a long one does not wait for its end
    let pieces = vec!["A word or two. ".to_owned(); 100];
    model.reply(Reply::Paced(pieces, Duration::from_millis(30)));
    let body = question(&model);
    let began = Instant::now();
    let answer = post(&edge, &["--max-time", "2"], PATH, &body);
    assert_eq!(answer.exit, 28, "curl left before its end: {answer:?}");
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(
        answer.body.starts_with("{\"type\": \"final_answer_delta\""),
        "{answer:?}"
    );
    assert!(answer.body.lines().count() > 5, "{answer:?}");
}

#[test]
fn failures_are_events_and_a_clean_end() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let status = |code, body: &str| Reply::Status(code, vec![], body.to_owned());
    for (reply, words, retryable) in [
        (status(400, "{}"), "400: Bad Request", false),
        (status(401, "{}"), "401: Unauthorized", false),
        (status(404, "<html>"), "404: Not Found", false),
        (status(429, "{}"), "429: Too Many Requests", true),
        (status(503, "{}"), "503: Service Unavailable", true),
        (status(500, "{}"), "500: Internal Server Error", false),
        (status(200, "<html>"), "500: Internal Server Error", false),
        (Reply::Reset, "500: Internal Server Error", false),
        (
            status(413, "{}"),
            "prompt is too long",
            false,
        ),
        (
            status(400, r#"{"error": {"code": "context_length_exceeded", "message": "too long"}}"#),
            "prompt is too long",
            false,
        ),
        (
            status(400, r#"{"error": {"message": "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens"}}"#),
            "prompt is too long",
            false,
        ),
        (
            Reply::Events("data: {\"error\": {\"message\": \"the request exceeds the available context size\"}}\n\n".to_owned()),
            "prompt is too long",
            false,
        ),
    ] {
        model.reply(reply.clone());
        for version in VERSIONS {
            let events = events(&post(&edge, &[version], PATH, &question(&model)));
            let (message, may) = error(&events);
            assert!(message.contains(words), "{reply:?}: {message}");
            assert_eq!((may, events.len()), (retryable, 1), "{reply:?}");
            assert!(!message.contains(MODEL_KEY));
        }
    }
    let nobody = format!("http://{}/v1", Port::free().address());
    let events = ask(
        &edge,
        &with(question(&model), "model_metadata.endpoint", nobody),
    );
    assert!(error(&events).0.starts_with("500: "), "{events:?}");
}

#[test]
fn a_failure_in_the_middle_is_told_behind_what_was_said() {
    let piece = |text: &str| {
        format!(
            "data: {}\n\n",
            json!({"choices": [{"index": 0, "delta": {"content": text}}]})
        )
    };
    let half = piece("Final Answer: half");
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    for reply in [
        Reply::CutEvents(half.clone()),
        Reply::Events(half.clone()),
        Reply::Events(format!(
            "{half}data: {{\"error\": {{\"message\": \"out of memory\"}}}}\n\n"
        )),
        // nothing has left by then
        Reply::CutEvents(piece("Thought: I")),
    ] {
        model.reply(reply.clone());
        for version in VERSIONS {
            let answer = post(&edge, &[version], PATH, &question(&model));
            let events = events(&answer);
            error(&events);
            let told = if answer.body.contains("half") { 2 } else { 1 };
            assert_eq!(events.len(), told, "{reply:?}: {events:?}");
        }
    }
}

#[test]
fn servers_of_anthropics_kind_are_understood_too() {
    let event = |data: Value| {
        format!(
            "event: {}\ndata: {data}\n\n",
            data["type"].as_str().unwrap()
        )
    };
    let begin = event(
        json!({"type": "message_start", "message": {"id": "m", "role": "assistant",
        "model": "claude-x", "content": [], "usage": {"input_tokens": 7, "output_tokens": 1}}}),
    );
    let say = |text: &str| {
        event(json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": text}}))
    };
    let end = event(
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 5}}),
    ) + &event(json!({"type": "message_stop"}));
    let overloaded = event(json!({"type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"}}));
    let (one, two) = (say("Thought: x\nFinal Ans"), say("wer: hé"));
    let model = ModelServer::with(Reply::Events(format!("{begin}{one}{two}{end}")));
    let edge = open_gateway().start();
    let body = with(question(&model), "model_metadata.name", "claude_3");
    let body = with(body, "model_metadata.identifier", "anthropic/claude-x");
    let events = ask(&edge, &body);
    let delta = json!({"text": "hé", "finish_reason": null});
    assert_eq!(
        events[0],
        json!({"type": "final_answer_delta", "data": delta})
    );
    let usage = json!({"claude-x": {"input_tokens": 7, "output_tokens": 5}});
    assert_eq!(
        events[2],
        json!({"type": "usage", "data": {"usage": usage}}),
        "{events:?}"
    );

    let half = say("Final Answer: h");
    model.reply(Reply::Events(format!("{begin}{half}{overloaded}")));
    let events = ask(&edge, &body);
    assert_eq!((events.len(), error(&events).1), (2, true), "{events:?}");
}

#[test]
fn a_guardrail_is_told() {
    let end = json!({"choices": [{"index": 0, "delta": {"content": "Blocked."},
                     "finish_reason": "guardrail_intervened"}]});
    let model = ModelServer::with(Reply::Events(format!("data: {end}\n\ndata: [DONE]\n\n")));
    let edge = open_gateway().start();
    let events = ask(&edge, &question(&model));
    let text = events[0]["data"]["text"].as_str().unwrap();
    assert!(
        text.starts_with("Blocked.") && text.contains("guardrail"),
        "{text}"
    );
}

#[test]
fn a_client_that_leaves_takes_the_model_along() {
    let pieces = vec!["Final Answer: x".to_owned(); 200];
    let model = ModelServer::with(Reply::Paced(pieces, Duration::from_millis(50)));
    let edge = open_gateway().start();
    for version in VERSIONS {
        let before = model.left();
        let answer = post(
            &edge,
            &[version, "--max-time", "1"],
            PATH,
            &question(&model),
        );
        assert_eq!(answer.exit, 28, "{answer:?}");
        let end = Instant::now() + Duration::from_secs(5);
        while model.left() == before {
            assert!(Instant::now() < end, "the model server still writes");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn what_does_not_fit_the_contract_is_refused_by_field() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let good = || question(&model);
    for (body, field) in [
        (without(good(), "messages"), "messages: "),
        (with(good(), "messages", json!([])), "messages: "),
        (
            with(
                good(),
                "messages",
                json!([{"role": "assistant", "content": "x"}]),
            ),
            "messages: ",
        ),
        (
            with(good(), "messages.2.content", Value::Null),
            "messages: ",
        ),
        (with(good(), "messages.0", 7), "messages[0]: "),
        (
            with(good(), "messages.0.role", "system"),
            "messages[0].role: ",
        ),
        (without(good(), "messages.0.role"), "messages[0].role: "),
        (
            with(good(), "messages.2.content", 7),
            "messages[2].content: ",
        ),
        (
            with(good(), "messages.2.context", json!({})),
            "messages[2].context.type: ",
        ),
        (
            with(good(), "messages.2.current_file", json!({"file_path": "x"})),
            "messages[2].current_file.data: ",
        ),
        (
            with(
                good(),
                "messages.2.additional_context",
                json!([{"category": "file"}, {"id": "x"}]),
            ),
            "messages[2].additional_context[1].category: ",
        ),
        (
            with(
                good(),
                "messages.1.agent_scratchpad",
                json!([{"action": 7}]),
            ),
            "messages[1].agent_scratchpad[0].action: ",
        ),
        (
            with(good(), "unavailable_resources", json!([7])),
            "unavailable_resources: ",
        ),
        (
            with(good(), "options", json!({"agent_scratchpad": {"steps": 7}})),
            "agent_scratchpad.steps: ",
        ),
        (
            with(good(), "model_metadata.name", "mistal"),
            "model_metadata.name: ",
        ),
    ] {
        let answer = post(&edge, &[], PATH, &body);
        assert_eq!(answer.status, 422, "{field} {answer:?}");
        let detail = answer.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(detail.starts_with(field), "{field}: {detail}");
    }
    let body = with(good(), "messages.2.agent_scratchpad", json!([]));
    let answer = post(&edge, &[], PATH, &body);
    assert_eq!(answer.status, 400, "{answer:?}");
    let detail = "agent_scratchpad can only be present when role is ASSISTANT";
    assert_eq!(answer.json()["detail"], detail);
    assert!(model.requests().is_empty());
}

#[test]
fn the_operators_bounds_and_switches_hold() {
    let model = ModelServer::with(Reply::Pieces(vec![
        "Final ".to_owned(),
        "Answer: x".to_owned(),
    ]));
    let edge = open_gateway()
        .environment("AIGW_DUO_CHAT__MAX_TOKENS", "77")
        .environment("AIGW_CUSTOM_MODELS__DISABLE_STREAMING", "true")
        .set("models.timeout_seconds", 2)
        .start();
    let events = ask(&edge, &question(&model));
    assert_eq!(events[0]["data"]["text"], "x");
    let asked = model.last().body;
    assert_eq!(asked["max_tokens"], 77);
    assert_ne!(asked["stream"], true);
    // the same prompt by its own route
    let body = with(prompt(&model), "inputs", json!({"content": "Hello"}));
    let answer = post(&edge, &[], "/v1/prompts/chat/react", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let metrics = edge.operator("/metrics").body;
    let counted = metrics.lines().find(|line| {
        line.starts_with("model_inferences_total{")
            && line.contains("unit_primitive=\"duo_classic_chat\"")
    });
    let counted = counted.unwrap_or_else(|| panic!("{metrics}"));
    assert!(
        counted.contains("feature_category=\"duo_chat\""),
        "{counted}"
    );
    model.reply(Reply::Silence);
    let began = Instant::now();
    let events = ask(&edge, &question(&model));
    assert!(
        error(&events).0.starts_with("408: Request Timeout"),
        "{events:?}"
    );
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}
