//! A prompt and what it becomes with the inputs of a call.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use minijinja::{
    Environment,
    value::{Serde, Value},
};
use serde::Deserialize;
use serde_json::Map;

use super::{RenderError, template::cause};

/// One version of one prompt in one folder.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// What people call it; part of some answers (http-api 2.3: `engine` agent).
    pub name: String,
    /// What a caller has to be allowed to.
    pub unit_primitive: String,
    /// How the model is to choose its words.
    pub sampling: Sampling,
    /// How long the model may take for the whole answer; none: whatever the caller allows.
    pub timeout: Option<Duration>,
    pub(super) id: String,
    pub(super) messages: Vec<(Role, String)>,
    pub(super) variables: BTreeSet<String>,
    pub(super) required: BTreeSet<String>,
    pub(super) environment: Arc<Environment<'static>>,
}

/// Parameters of a call; what is not given is the family's default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// From 0 to 2.
    pub temperature: Option<f64>,
    /// From 0 to 1.
    pub top_p: Option<f64>,
    /// How many of the likeliest tokens are considered.
    pub top_k: Option<u32>,
    /// The longest answer, in tokens.
    pub max_tokens: Option<u32>,
    /// Texts that end the answer, the most telling first: model servers take only four.
    pub stop: Vec<String>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The frame of the conversation.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

/// One message of a conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
}

impl std::fmt::Debug for Turn {
    /// Without the text: what people ask of a model belongs to no log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Turn")
            .field("role", &self.role)
            .field("bytes", &self.text.len())
            .finish()
    }
}

impl Prompt {
    /// Writes the prompt out. Inputs that no template uses are ignored, `null` prints nothing, and
    /// a system message that comes out blank is left out.
    pub fn render(
        &self,
        inputs: &Map<String, serde_json::Value>,
    ) -> Result<Vec<Turn>, RenderError> {
        self.render_those(inputs, |_| true)
    }

    /// The same for what one side says, where a conversation is made of it turn by turn.
    pub fn render_as(
        &self,
        role: Role,
        inputs: &Map<String, serde_json::Value>,
    ) -> Result<Vec<Turn>, RenderError> {
        self.render_those(inputs, |speaker| speaker == role)
    }

    fn render_those(
        &self,
        inputs: &Map<String, serde_json::Value>,
        speaks: impl Fn(Role) -> bool,
    ) -> Result<Vec<Turn>, RenderError> {
        let missing: Vec<String> = self
            .required
            .iter()
            .filter(|name| !inputs.contains_key(*name))
            .cloned()
            .collect();
        if !missing.is_empty() {
            return Err(RenderError::Missing {
                prompt: self.id.clone(),
                missing,
            });
        }
        let used = |name: &'_ String| {
            let value = inputs.get(name)?;
            Some((name.clone(), Value::from(Serde(value))))
        };
        let context = Value::from_pairs(self.variables.iter().filter_map(used));
        let mut turns = Vec::with_capacity(self.messages.len());
        for (role, template) in self.messages.iter().filter(|(role, _)| speaks(*role)) {
            let text = self.write(template, &context)?;
            if *role != Role::System || !text.trim().is_empty() {
                turns.push(Turn { role: *role, text });
            }
        }
        Ok(turns)
    }

    /// The names of the inputs without which it cannot be rendered, sorted.
    pub fn required(&self) -> impl Iterator<Item = &str> {
        self.required.iter().map(String::as_str)
    }

    /// The names of all inputs it uses, sorted.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(String::as_str)
    }

    fn write(&self, template: &str, context: &Value) -> Result<String, RenderError> {
        let rendered = self
            .environment
            .get_template(template)
            .and_then(|template| template.render(context.clone()));
        // the detail of an error may hold a value
        rendered.map_err(|error| {
            let cause = cause(&error);
            RenderError::Failed {
                prompt: self.id.clone(),
                reason: cause.kind().to_string(),
                template: cause.name().unwrap_or(template).to_owned(),
                line: cause.line().unwrap_or(1),
            }
        })
    }
}
