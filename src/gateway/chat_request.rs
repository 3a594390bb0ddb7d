//! What `POST /v2/chat/agent` takes.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{fields::Fields, json::Json, model_metadata::model_metadata, refusal::Refusal};
use crate::model::Metadata;

/// The request (http-api 2.6).
#[derive(Debug)]
pub(super) struct ChatRequest<'v> {
    /// What was said, the question last. Messages without content are left out.
    pub(super) messages: Vec<ChatMessage<'v>>,
    /// What was done for the question already, as the template takes it.
    pub(super) steps: Vec<Value>,
    /// Categories of context that need a permission, each once.
    pub(super) categories: Vec<&'v str>,
    /// What GitLab cannot look up.
    pub(super) unavailable: Vec<&'v str>,
    /// `model_metadata` (http-api 2.5)
    pub(super) metadata: Option<Metadata>,
}

/// One message.
#[derive(Debug)]
pub(super) enum ChatMessage<'v> {
    /// Somebody asks; with the template's variables.
    User(&'v str, Map<String, Value>),
    /// What was answered, with what tools had found.
    Assistant(&'v str, Vec<Value>),
}

impl<'v> ChatRequest<'v> {
    /// Reads and judges a body.
    pub(super) fn read(body: &'v Json<'_>) -> Result<Self, Refusal> {
        let fields = Fields::of_body(body)?;
        let items = fields.list(MESSAGES, MAXIMUM_MESSAGES)?;
        let mut messages = Vec::with_capacity(items.len());
        let mut categories = Vec::new();
        let mut steps = Vec::new();
        for (position, item) in items.iter().enumerate() {
            let item = Fields::of_item(MESSAGES, position, item)?;
            let read = read_message(&item, &mut categories)?;
            steps.clear();
            match read {
                (Some(message), _) => messages.push(message),
                // only what stands last was done for the question
                (None, done) => steps = done,
            }
        }
        if !matches!(messages.last(), Some(ChatMessage::User(..))) {
            let problem = "must hold a message of the user's with content, and no answer after it";
            return Err(fields.refuse(MESSAGES, problem));
        }
        if let Some(options) = fields.section("options")?
            && let Some(old) = options.section("agent_scratchpad")?
        {
            steps = old_steps(&old)?;
        }
        Ok(Self {
            messages,
            steps,
            categories,
            unavailable: unavailable(&fields)?,
            metadata: model_metadata(&fields)?,
        })
    }

    /// What was asked last.
    pub(super) fn question(&self) -> &'v str {
        match self.messages.last() {
            Some(ChatMessage::User(text, _)) => text,
            _ => "",
        }
    }
}

/// A message, or none where it says nothing; and its scratchpad.
fn read_message<'v>(
    item: &Fields<'v, '_>,
    categories: &mut Vec<&'v str>,
) -> Result<(Option<ChatMessage<'v>>, Vec<Value>), Refusal> {
    let Some(role) = item.word("role", ROLES)? else {
        return Err(item.refuse("role", "is missing; send user or assistant"));
    };
    let content = item.text("content", TEXT)?;
    let done = item.list(SCRATCHPAD, MAXIMUM_STEPS)?;
    if !item.is_null(SCRATCHPAD) && role != "assistant" {
        let detail = "agent_scratchpad can only be present when role is ASSISTANT";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, detail));
    }
    let inputs = context(item, categories)?;
    let done = done.iter().enumerate();
    let done: Result<Vec<Value>, Refusal> = done.map(|(at, done)| step(at, done)).collect();
    let done = done.map_err(|refusal| item.within(refusal))?;
    Ok(match (role, content) {
        ("user", Some(text)) => (Some(ChatMessage::User(text, inputs)), Vec::new()),
        ("assistant", Some(text)) => (Some(ChatMessage::Assistant(text, done)), Vec::new()),
        _ => (None, done),
    })
}

/// What a message brings beside its text, judged and as the template takes it.
fn context<'v>(
    item: &Fields<'v, '_>,
    categories: &mut Vec<&'v str>,
) -> Result<Map<String, Value>, Refusal> {
    let mut inputs = Map::new();
    let mut give = |name: &str, value: Value| {
        inputs.insert(name.to_owned(), value);
    };
    if let Some(context) = item.section("context")? {
        give(
            "context",
            json!({
                "type": context.required_text("type", WORD)?,
                "title": context.text("title", TEXT)?,
                "content": context.text("content", TEXT)?,
            }),
        );
    }
    if let Some(file) = item.section("current_file")? {
        give(
            "current_file",
            json!({
                "file_path": file.required_text("file_path", TEXT)?,
                "data": file.required_text("data", TEXT)?,
                "selected_code": file.flag("selected_code")?,
            }),
        );
    }
    let more = item.list(ADDITIONAL, MAXIMUM_CONTEXT)?.iter().enumerate();
    let more = more.map(|(position, more)| additional(position, more, categories));
    let more: Result<Vec<Value>, Refusal> = more.collect();
    let more = more.map_err(|refusal| item.within(refusal))?;
    if !more.is_empty() {
        inputs.insert(ADDITIONAL.to_owned(), more.into());
    }
    Ok(inputs)
}

/// One item of further context. A category of GitLab's own that needs a permission is noted.
fn additional<'v>(
    position: usize,
    item: &'v Json<'_>,
    categories: &mut Vec<&'v str>,
) -> Result<Value, Refusal> {
    let item = Fields::of_item(ADDITIONAL, position, item)?;
    let category = item.required_text("category", WORD)?;
    if CATEGORIES.contains(&category) && !categories.contains(&category) {
        categories.push(category);
    }
    Ok(json!({
        "category": category,
        "id": item.text("id", TEXT)?,
        "content": item.text("content", TEXT)?,
    }))
}

/// A step of a message's scratchpad.
fn step(position: usize, step: &Json<'_>) -> Result<Value, Refusal> {
    let step = Fields::of_item(SCRATCHPAD, position, step)?;
    let observation = step.text("observation", TEXT)?.unwrap_or_default();
    match step.section("action")? {
        Some(action) => action_step(&action, observation),
        None => Ok(json!({ "observation": observation })),
    }
}

/// The steps of older GitLabs.
fn old_steps(old: &Fields<'_, '_>) -> Result<Vec<Value>, Refusal> {
    let steps = old.list("steps", MAXIMUM_STEPS)?.iter().enumerate();
    let steps = steps.map(|(position, step)| {
        let step = Fields::of_item("steps", position, step)?;
        let observation = step.text("observation", TEXT)?.unwrap_or_default();
        action_step(&step, observation)
    });
    let steps: Result<_, Refusal> = steps.collect();
    steps.map_err(|refusal| old.within(refusal))
}

fn action_step(action: &Fields<'_, '_>, observation: &str) -> Result<Value, Refusal> {
    let word = |name: &str| -> Result<String, Refusal> {
        let text = action.text(name, TEXT)?.unwrap_or_default();
        Ok(text.replace("\\_", "_"))
    };
    Ok(json!({
        "thought": word("thought")?,
        "tool": word("tool")?,
        "tool_input": action.text("tool_input", TEXT)?.unwrap_or_default(),
        "observation": observation,
    }))
}

fn unavailable<'v>(fields: &Fields<'v, '_>) -> Result<Vec<&'v str>, Refusal> {
    if fields.is_null(UNAVAILABLE) {
        return Ok(vec![UNAVAILABLE_BY_DEFAULT]);
    }
    let names = fields.list(UNAVAILABLE, MAXIMUM_CONTEXT)?.iter();
    let names = names.map(|name| match name {
        Json::Text(name) => Ok(name.as_ref()),
        _ => Err(fields.refuse(UNAVAILABLE, "must be a list of strings")),
    });
    names.collect()
}

const MESSAGES: &str = "messages";
const SCRATCHPAD: &str = "agent_scratchpad";
const ADDITIONAL: &str = "additional_context";
const UNAVAILABLE: &str = "unavailable_resources";
const ROLES: &[&str] = &["user", "assistant"];

/// Categories that stand for a permission, `include_CATEGORY_context`. Others, such as the
/// `user_rule` of newer GitLabs, are context like any text (models-and-prompts 5.1).
const CATEGORIES: &[&str] = &[
    "file",
    "snippet",
    "merge_request",
    "issue",
    "dependency",
    "local_git",
    "terminal",
    "repository",
    "directory",
    "os_information",
    "agent_user_environment",
];

/// What the reference takes as unavailable where nothing is said.
const UNAVAILABLE_BY_DEFAULT: &str = "Merge Requests, Pipelines, Vulnerabilities";

/// GitLab sends the last fifty or so.
const MAXIMUM_MESSAGES: usize = 1000;

/// GitLab gives up after ten.
const MAXIMUM_STEPS: usize = 100;

/// Editors send a handful.
const MAXIMUM_CONTEXT: usize = 1000;

/// Characters of a word of GitLab's own.
const WORD: usize = 255;

/// Characters of a text; the body's own bound comes first.
const TEXT: usize = 32 * 1024 * 1024;
