//! Sessions that are woken later.

use std::time::Duration;

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Arguments, Definition, Kind, ToolError, Workplace,
    definition::NOTHING,
    parameter::{number, required},
    result::quoted,
};
use crate::{
    agent::{
        executor::scheduled,
        proto::{ScheduleNotification, action::Action},
    },
    foundation::random_uuid,
};

pub(super) static TOOLS: &[Definition] = &[Definition {
    name: "notify_me_when",
    description: "Has this session go on later by itself, with a message to you. For something that \
                  takes its time, such as a pipeline: end your turn after it instead of asking again \
                  and again.",
    groups: &["read_only_gitlab", "read_write_gitlab", "run_commands"],
    parameters: &[
        required(
            "when",
            Kind::Object,
            "An object: `type` is `timer`, `delay_minutes` a whole number from 1 to 1440.",
        ),
        required("message", Kind::Text, "What you shall be told then."),
    ],
    only_reads: false,
    is_listed: false,
    is_offered: |facts| facts.has_executor && facts.is_able("schedule_notification"),
    display: |arguments| {
        let minutes = minutes(arguments).unwrap_or_default();
        let message = quoted(arguments.words("message").unwrap_or_default());
        format!("Go on in {minutes} minutes with {message}")
    },
    call: |workplace, arguments| Box::pin(schedule(workplace, arguments)),
    ..NOTHING
}];

async fn schedule(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let minutes = minutes(arguments)?;
    let deadline = workplace.clock.now() + Duration::from_secs(minutes * 60);
    let deadline = OffsetDateTime::from(deadline);
    // whole seconds: not every client reads fractions
    let deadline = deadline.replace_nanosecond(0).unwrap_or(deadline);
    let deadline = deadline.format(&Rfc3339).unwrap_or_default();
    let action = Action::ScheduleNotification(ScheduleNotification {
        task_id: random_uuid(workplace.randomness.as_ref()),
        condition: json!({"type": "timer", "deadline": deadline}).to_string(),
        message: arguments.required_text("message").to_owned(),
    });
    let answer = scheduled(workplace.outbox.ask(action).await?)?;
    if !answer.accepted {
        let reason = answer.reason;
        return Err(ToolError::Denied(format!(
            "the client does not wake the session: {reason}"
        )));
    }
    let at = if answer.fires_at.is_empty() {
        deadline
    } else {
        answer.fires_at
    };
    Ok(format!("The session goes on at {at}."))
}

fn minutes(arguments: Arguments<'_>) -> Result<u64, ToolError> {
    let when = arguments.value("when").unwrap_or(&Value::Null);
    if when.get("type").and_then(Value::as_str) != Some("timer") {
        return Err(ToolError::Argument("when.type must be timer".to_owned()));
    }
    let minutes = when.get("delay_minutes").and_then(number);
    let minutes = minutes.filter(|minutes| (1..=LONGEST).contains(minutes));
    minutes.ok_or_else(|| {
        let fault = format!("when.delay_minutes must be a whole number from 1 to {LONGEST}");
        ToolError::Argument(fault)
    })
}

/// Minutes: a day (agent-platform 6.2).
const LONGEST: u64 = 1440;
