//! Something that a model may have done.

use serde_json::{Value, value::RawValue};

/// A tool as models are told of it. A conversation carries some dozens, and a call of its model all of
/// them: so what is long is written once, and requests share it.
#[derive(Clone, Debug)]
pub struct Tool {
    /// By which it is called: letters, digits, `_` and `-`, at most 64.
    pub name: String,
    /// When it is of use, for the model.
    pub description: String,
    parameters: Value,
    schema: Box<RawValue>,
}

impl Tool {
    /// A tool with the JSON schema of its arguments, which is an object's.
    pub fn new(name: String, description: String, parameters: Value) -> Self {
        Self {
            schema: RawValue::from_string(parameters.to_string()).unwrap_or_default(),
            name,
            description,
            parameters,
        }
    }

    /// The schema of its arguments.
    pub fn parameters(&self) -> &Value {
        &self.parameters
    }

    /// The same as JSON text.
    pub fn schema(&self) -> &RawValue {
        &self.schema
    }
}

impl PartialEq for Tool {
    fn eq(&self, other: &Self) -> bool {
        // the text says nothing else
        (&self.name, &self.description, &self.parameters)
            == (&other.name, &other.description, &other.parameters)
    }
}
