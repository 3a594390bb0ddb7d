//! What was said in another session.

use serde_json::{Value, json};

use super::{
    Arguments, Definition, Endpoint, Kind, ToolError, Workplace, definition::READING_GITLAB,
    parameter::required,
};

pub(super) static TOOLS: &[Definition] = &[Definition {
    name: "get_session_context",
    description: "Reads an earlier session of the same user's: what it was to do, what was said and \
                  done in it, and its plan. Of use where the user speaks of a session by its number.",
    parameters: &[required(
        "session_id",
        Kind::Number,
        "The session's number.",
    )],
    is_listed: false,
    display: |arguments| match arguments.number("session_id") {
        Some(number) => format!("Read session {number}"),
        None => "Read another session".to_owned(),
    },
    call: |workplace, arguments| Box::pin(get(workplace, arguments)),
    ..READING_GITLAB
}];

async fn get(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let number = arguments.number("session_id").unwrap_or_default();
    let newest = Endpoint::new("ai/duo_workflows/workflows")
        .segment(number)
        .then("checkpoints")
        .query("per_page", Some(1));
    let list = workplace.get_json(&newest).await?;
    let Some(checkpoint) = list.pointer("/0/checkpoint") else {
        return Err(ToolError::Denied(
            "the session has nothing stored that could be read".to_owned(),
        ));
    };
    Ok(context(checkpoint).to_string())
}

/// What of a checkpoint (agent-platform 4.9) tells a reader something. Before a session's first step
/// its values are still those that it began with.
fn context(checkpoint: &Value) -> Value {
    let none = Value::Null;
    let values = checkpoint.get("channel_values").unwrap_or(&none);
    let start = values.get("__start__").unwrap_or(&none);
    let channel = |name: &str| values.get(name).or_else(|| start.get(name));
    let entries = channel("ui_chat_log").and_then(Value::as_array);
    let log: Vec<_> = entries.into_iter().flatten().map(entry).collect();
    json!({
        "goal": channel("goal"),
        "status": channel("status"),
        "plan": channel("plan"),
        "log": log,
    })
}

fn entry(entry: &Value) -> Value {
    let (from, content) = (entry.get("message_type"), entry.get("content"));
    let time = entry.get("timestamp");
    match entry.pointer("/tool_info/name") {
        None => json!({"from": from, "content": content, "time": time}),
        Some(tool) => json!({
            "from": from, "content": content, "time": time,
            "tool": tool, "arguments": entry.pointer("/tool_info/args"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_is_told_in_brief() {
        let log = json!([
            {"message_type": "user", "content": "Who?", "timestamp": "t", "tool_info": null},
            {"message_type": "tool", "content": "Looked", "timestamp": "u",
             "tool_info": {"name": "get_project", "args": {"a": 1}, "tool_response": "long"}},
        ]);
        let values = json!({"ui_chat_log": log, "goal": "Who?", "status": "Completed"});
        let told = json!({
            "goal": "Who?", "status": "Completed", "plan": null,
            "log": [
                {"from": "user", "content": "Who?", "time": "t"},
                {"from": "tool", "content": "Looked", "time": "u", "tool": "get_project",
                 "arguments": {"a": 1}},
            ],
        });
        assert_eq!(context(&json!({"channel_values": values})), told);
        let first = json!({"channel_values": {"__start__": values}});
        assert_eq!(context(&first), told);
        assert_eq!(context(&json!("torn"))["log"], json!([]));
    }
}
