//! The prompt of an agent, filled in with what is known of the session.

use serde_json::{Map, Value, json};

use super::{
    AgentDefinition, ContextItem, FlowError, HumanMessage, Namespace, Project, State,
    command::Command,
};
use crate::{
    model::Family,
    prompt::{Prompt, Prompts, Role},
};

/// What an agent is told of where it works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The address of the GitLab.
    pub gitlab_url: Option<String>,
    /// Its version.
    pub gitlab_version: Option<String>,
    /// Who is asking.
    pub user: Option<String>,
}

/// The prompt `chat/agent` for one turn.
pub(super) struct AgentPrompt<'a> {
    pub(super) prompt: &'a Prompt,
    /// The frame: one text, since many model servers take one system message alone.
    pub(super) system: String,
    /// What does not change within the turn.
    inputs: Map<String, Value>,
}

impl<'a> AgentPrompt<'a> {
    /// Finds it for a family of models.
    pub(super) fn find(
        prompts: &'a Prompts,
        family: &Family,
        agent: &AgentDefinition,
        surroundings: &Surroundings,
        date: String,
        state: &State,
    ) -> Result<Self, FlowError> {
        let folders: Vec<&str> = family.folders.iter().map(String::as_str).collect();
        let prompt = prompts.find(PROMPT, &folders, None)?;
        let mut inputs = Map::new();
        let mut give = |name: &str, value: Value| inputs.insert(name.to_owned(), value);
        give("current_date", date.into());
        give("gitlab_url", surroundings.gitlab_url.clone().into());
        give("gitlab_version", surroundings.gitlab_version.clone().into());
        give("user", surroundings.user.clone().into());
        give("denied_tools", state.denied_tools.clone().into());
        give_project(&mut inputs, state.project.as_ref());
        give_namespace(&mut inputs, state.namespace.as_ref());
        inputs.insert("message".to_owned(), Value::Null);
        Ok(Self {
            system: system(prompt, agent, &inputs)?,
            prompt,
            inputs,
        })
    }

    /// What a user said, with what belongs to it. A command is spelled out; words alone need no
    /// template, and most messages of a long conversation are such.
    pub(super) fn user(&self, message: &HumanMessage) -> Result<String, FlowError> {
        let text = message.content.text();
        let context = message.context();
        let (command, words) = match Command::read(&text) {
            Command::Task(command, words) => (Value::from(command), words),
            _ if context.is_empty() => {
                return Ok(text.into_owned());
            }
            _ => (Value::Null, text.as_ref()),
        };
        let mut inputs = self.inputs.clone();
        inputs.insert("message".to_owned(), words.into());
        inputs.insert("command".to_owned(), command);
        let context = context.into_iter().map(item).collect();
        inputs.insert("additional_context".to_owned(), Value::Array(context));
        let turns = self.prompt.render_as(Role::User, &inputs)?;
        let texts: Vec<&str> = turns.iter().map(|turn| turn.text.as_str()).collect();
        Ok(texts.join("\n\n"))
    }
}

/// An agent's own instructions stand in the place of the prompt's first.
fn system(
    prompt: &Prompt,
    agent: &AgentDefinition,
    inputs: &Map<String, Value>,
) -> Result<String, FlowError> {
    let turns = prompt.render_as(Role::System, inputs)?;
    let mut texts: Vec<&str> = turns.iter().map(|turn| turn.text.as_str()).collect();
    if let (Some(own), Some(first)) = (&agent.instructions, texts.first_mut()) {
        *first = own;
    }
    texts.retain(|text| !text.trim().is_empty());
    Ok(texts.join("\n\n"))
}

/// An item for a template; metadata as JSON text, or nothing.
fn item(item: ContextItem) -> Value {
    let metadata = item.metadata.filter(|metadata| !metadata.is_empty());
    let metadata = metadata.map(|metadata| Value::Object(metadata).to_string());
    json!({
        "category": item.category,
        "id": item.id,
        "content": item.content,
        "metadata": metadata,
    })
}

fn give_project(inputs: &mut Map<String, Value>, project: Option<&Project>) {
    let Some(project) = project else {
        return;
    };
    for (name, value) in [
        ("project_id", project.id.clone()),
        ("project_name", project.name.clone().into()),
        ("project_description", project.description.clone().into()),
        ("project_clone_url", project.http_url_to_repo.clone().into()),
        ("project_url", project.web_url.clone().into()),
        ("default_branch", project.default_branch.clone().into()),
    ] {
        inputs.insert(name.to_owned(), value);
    }
}

fn give_namespace(inputs: &mut Map<String, Value>, namespace: Option<&Namespace>) {
    let Some(namespace) = namespace else {
        return;
    };
    for (name, value) in [
        ("namespace_name", namespace.name.clone().into()),
        (
            "namespace_description",
            namespace.description.clone().into(),
        ),
        ("namespace_url", namespace.web_url.clone().into()),
    ] {
        inputs.insert(name.to_owned(), value);
    }
}

/// The prompt of every chat (agent-platform 8.3).
const PROMPT: &str = "chat/agent";
