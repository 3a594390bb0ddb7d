//! The tool that reads another session.

use serde_json::{Value, json};

use super::{case, each_does_as_it_should};

#[test]
fn another_session_is_told_in_brief() {
    let stored = json!([{"thread_ts": "1", "checkpoint": {"channel_values": {
        "goal": "Mend it", "status": "Completed",
        "plan": {"steps": [{"id": "1", "description": "Look", "status": "Completed"}]},
        "ui_chat_log": [{
            "message_type": "user", "content": "Mend it", "timestamp": "2026-11-01T00:00:00Z",
            "tool_info": null, "message_id": "user-1",
        }],
        "conversation_history": {"agent": ["much"]},
    }}}]);
    each_does_as_it_should(&[
        case(
            "get_session_context",
            json!({"session_id": 9}),
            (
                "GET /api/v4/ai/duo_workflows/workflows/9/checkpoints?per_page=1",
                Value::Null,
            ),
            json!([200, stored.to_string()]),
            r#"{"goal":"Mend it","status":"Completed","plan":{"steps":[{"id":"1","description":"Look","status":"Completed"}]},"log":[{"from":"user","content":"Mend it","time":"2026-11-01T00:00:00Z"}]}"#,
        ),
        case(
            "get_session_context",
            json!({"session_id": "10"}),
            (
                "GET /api/v4/ai/duo_workflows/workflows/10/checkpoints?per_page=1",
                Value::Null,
            ),
            json!([200, "[]"]),
            "Tool get_session_context raised ToolException: the session has nothing stored that \
             could be read",
        ),
        case(
            "get_session_context",
            json!({"session_id": 11}),
            (
                "GET /api/v4/ai/duo_workflows/workflows/11/checkpoints?per_page=1",
                Value::Null,
            ),
            json!([404, r#"{"message":"404 Not found"}"#]),
            r#"Request failed (get_session_context): HTTP 404: {"message":"404 Not found"}"#,
        ),
    ]);
}
