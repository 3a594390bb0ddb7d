//! What a tool is given: the schema that models read, and the judgement of what they wrote.

use serde_json::{Map, Value, json};

use super::ToolError;

/// One argument of a tool.
#[derive(Debug)]
pub struct Parameter {
    /// As models write it.
    pub name: &'static str,
    /// What it is for, for models.
    pub description: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Whether a call is none without it.
    pub is_required: bool,
}

/// What an argument may be.
#[derive(Debug)]
pub enum Kind {
    /// A text.
    Text,
    /// A whole number from zero on; models also write it as a text.
    Number,
    /// True or false; models also write it as a text.
    Flag,
    /// A list of texts; one text is a list of itself.
    Texts,
    /// A list of numbers.
    Numbers,
    /// A project or group: its number or its full path.
    Place,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An object that the tool reads itself.
    Object,
    /// A list of objects with this schema.
    Objects(fn() -> Value),
}

/// An argument that a call has to have.
pub(super) const fn required(
    name: &'static str,
    kind: Kind,
    description: &'static str,
) -> Parameter {
    Parameter {
        name,
        description,
        kind,
        is_required: true,
    }
}

/// An argument that a call may leave out.
pub(super) const fn optional(
    name: &'static str,
    kind: Kind,
    description: &'static str,
) -> Parameter {
    Parameter {
        name,
        description,
        kind,
        is_required: false,
    }
}

/// The JSON schema of these arguments.
pub(super) fn schema(parameters: &[Parameter]) -> Value {
    let properties = parameters
        .iter()
        .map(|it| (it.name.to_owned(), it.schema()))
        .collect::<Map<_, _>>();
    let required = parameters.iter().filter(|it| it.is_required);
    let required: Vec<_> = required.map(|it| it.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Judges a call. Arguments that the tool does not know do no harm: models add what they know of
/// other tools. Null counts as not said.
pub(super) fn check(
    parameters: &[Parameter],
    arguments: &Map<String, Value>,
) -> Result<(), ToolError> {
    for parameter in parameters {
        match arguments.get(parameter.name) {
            None | Some(Value::Null) if parameter.is_required => {
                return Err(ToolError::Argument(format!(
                    "{} is missing",
                    parameter.name
                )));
            }
            None | Some(Value::Null) => {}
            Some(value) if parameter.kind.takes(value) => {}
            Some(_) => {
                return Err(ToolError::Argument(format!(
                    "{} must be {}",
                    parameter.name,
                    parameter.kind.words()
                )));
            }
        }
    }
    Ok(())
}

impl Parameter {
    fn schema(&self) -> Value {
        let mut schema = self.kind.schema();
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".to_owned(), self.description.into());
        }
        schema
    }
}

impl Kind {
    fn schema(&self) -> Value {
        match self {
            Self::Text => json!({"type": "string"}),
            Self::Number => json!({"type": "integer", "minimum": 0}),
            Self::Flag => json!({"type": "boolean"}),
            Self::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Self::Numbers => json!({"type": "array", "items": {"type": "integer"}}),
            Self::Place => json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
            Self::Word(words) => json!({"type": "string", "enum": words}),
            Self::Object => json!({"type": "object"}),
            Self::Objects(schema) => json!({"type": "array", "items": schema()}),
        }
    }

    fn takes(&self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => number(value).is_some(),
            Self::Flag => flag(value).is_some(),
            Self::Texts => value.is_string() || is_list_of(value, Value::is_string),
            Self::Numbers => is_list_of(value, |value| number(value).is_some()),
            Self::Place => value.is_string() || value.is_u64(),
            Self::Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Object => value.is_object(),
            Self::Objects(_) => is_list_of(value, Value::is_object),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Number => "a whole number".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Numbers => "a list of whole numbers".to_owned(),
            Self::Place => "a number or a full path".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Object => "an object".to_owned(),
            Self::Objects(_) => "a list of objects".to_owned(),
        }
    }
}

fn is_list_of(value: &Value, is_one: impl Fn(&Value) -> bool) -> bool {
    value.as_array().is_some_and(|list| list.iter().all(is_one))
}

/// A whole number, or a text that is one.
pub(super) fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// True or false, or a text that says so.
pub(super) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_judged_by_the_schema_that_models_read() {
        let parameters = [
            required("id", Kind::Number, "A number."),
            optional("all", Kind::Flag, "Whether."),
            optional("labels", Kind::Texts, "Words."),
            optional("state", Kind::Word(&["opened", "closed"]), "Which."),
        ];
        assert_eq!(
            schema(&parameters[..1]),
            json!({
                "type": "object",
                "properties": {
                    "id": {"type": "integer", "minimum": 0, "description": "A number."},
                },
                "required": ["id"],
                "additionalProperties": false,
            })
        );
        for (arguments, fault) in [
            (json!({"id": 7}), None),
            (
                json!({"id": "7", "all": "True", "labels": "a", "more": 1}),
                None,
            ),
            (json!({"id": 0, "all": null, "state": "closed"}), None),
            (json!({}), Some("id is missing")),
            (json!({"id": null}), Some("id is missing")),
            (json!({"id": -1}), Some("id must be a whole number")),
            (
                json!({"id": 1, "all": "perhaps"}),
                Some("all must be true or false"),
            ),
            (
                json!({"id": 1, "labels": [1]}),
                Some("labels must be a list of texts"),
            ),
            (
                json!({"id": 1, "state": "x"}),
                Some("state must be one of opened, closed"),
            ),
        ] {
            let judged = check(&parameters, arguments.as_object().unwrap());
            let found = match judged {
                Err(ToolError::Argument(text)) => Some(text),
                _ => None,
            };
            assert_eq!(found.as_deref(), fault, "{arguments}");
        }
    }
}
