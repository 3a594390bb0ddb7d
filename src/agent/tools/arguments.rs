//! What a call says, judged by its tool's parameters before anybody reads it.

use std::fmt;

use serde_json::{Map, Value};

use super::parameter::{flag, number};

/// The arguments of a call.
#[derive(Clone, Copy)]
pub struct Arguments<'c>(&'c Map<String, Value>);

impl<'c> Arguments<'c> {
    pub(super) fn new(arguments: &'c Map<String, Value>) -> Self {
        Self(arguments)
    }

    /// A value as it was written.
    pub(super) fn value(self, name: &str) -> Option<&'c Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text; also an empty one.
    pub(super) fn text(self, name: &str) -> Option<&'c str> {
        self.value(name)?.as_str()
    }

    /// A text that says something, without space around it.
    pub(super) fn words(self, name: &str) -> Option<&'c str> {
        let text = self.text(name)?.trim();
        (!text.is_empty()).then_some(text)
    }

    /// A text that the tool's parameters require.
    pub(super) fn required_text(self, name: &str) -> &'c str {
        self.text(name).unwrap_or_default()
    }

    /// A whole number.
    pub(super) fn number(self, name: &str) -> Option<u64> {
        number(self.value(name)?)
    }

    /// True or false.
    pub(super) fn flag(self, name: &str) -> Option<bool> {
        flag(self.value(name)?)
    }

    /// A list of texts; empty where nothing is said.
    pub(super) fn texts(self, name: &str) -> Vec<&'c str> {
        match self.value(name) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// A list of objects; empty where nothing is said.
    pub(super) fn objects(self, name: &str) -> Vec<&'c Map<String, Value>> {
        let list = self.value(name).and_then(Value::as_array);
        let objects = list.into_iter().flatten().filter_map(Value::as_object);
        objects.collect()
    }

    /// What of these was said, under the same names: a body for GitLab.
    pub(super) fn body(self, names: &[&str]) -> Map<String, Value> {
        let said = names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.value(name)?.clone())));
        said.collect()
    }
}

impl fmt::Debug for Arguments<'_> {
    /// Names alone: what was said is the user's.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_tuple("Arguments")
            .field(&self.0.keys().collect::<Vec<_>>())
            .finish()
    }
}
