//! A JSON text as a tree that borrows its strings from the body.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value. A body of code is mostly a few long strings, so they are taken from it and not copied
/// where they hold no escapes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// Any number.
    Number(serde_json::Number),
    /// A string.
    Text(Cow<'a, str>),
    /// A list.
    List(Vec<Json<'a>>),
    /// An object; of a key that stands there twice the last value counts.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// Why a text is no JSON that we take; says where, never what stands there.
#[derive(Debug, thiserror::Error)]
pub(super) enum JsonError {
    /// It breaks the grammar, or one of our bounds.
    #[error("is not JSON that is taken here: {0}")]
    Syntax(String),
    /// It is empty.
    #[error("is empty; send a JSON object")]
    Empty,
}

impl<'a> Json<'a> {
    /// Reads a body: one value, with at most [`MAXIMUM_DEPTH`] levels and [`MAXIMUM_VALUES`] values.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, JsonError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(JsonError::Empty);
        }
        let left = Cell::new(MAXIMUM_VALUES);
        let seed = Seed {
            depth: 0,
            left: &left,
        };
        let syntax = |error: serde_json::Error| JsonError::Syntax(error.to_string());
        // all at once is quicker than string by string
        let text = std::str::from_utf8(body).map_err(|error| {
            let lines = body.iter().take(error.valid_up_to());
            let line = lines.filter(|byte| **byte == b'\n').count() + 1;
            JsonError::Syntax(format!("no UTF-8 at line {line}"))
        })?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = seed.deserialize(&mut deserializer).map_err(syntax)?;
        deserializer.end().map_err(syntax)?;
        Ok(value)
    }

    /// The same in the form that other rooms take.
    pub(super) fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(value) => Value::Number(value.clone()),
            Self::Text(value) => Value::String(value.clone().into_owned()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(entries) => Value::Object(Self::to_map(entries)),
        }
    }

    /// The entries of an object in the form that other rooms take.
    pub(super) fn to_map(
        entries: &[(Cow<'a, str>, Self)],
    ) -> serde_json::Map<String, serde_json::Value> {
        let entries = entries.iter();
        entries
            .map(|(key, value)| (key.clone().into_owned(), value.to_value()))
            .collect()
    }
}

#[derive(Clone, Copy)]
struct Seed<'c> {
    depth: usize,
    left: &'c Cell<usize>,
}

impl Seed<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAXIMUM_DEPTH {
            return Err(E::custom(format_args!(
                "more than {MAXIMUM_DEPTH} levels deep"
            )));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1);
        let left =
            left.ok_or_else(|| E::custom(format_args!("more than {MAXIMUM_VALUES} values in it")))?;
        self.left.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json<'de>, E> {
        let number = serde_json::Number::from_f64(value);
        number
            .map(Json::Number)
            .ok_or_else(|| E::custom("a number that is too large"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let seed = self.deeper()?;
        let mut object = Vec::new();
        while let Some(key) = entries.next_key_seed(Name)? {
            object.push((key, entries.next_value_seed(seed)?));
        }
        Ok(Json::Object(object))
    }
}

/// A key, borrowed where it can be.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

/// What GitLab sends has five; deeper ones only cost stack.
const MAXIMUM_DEPTH: usize = 64;

/// A request of GitLab holds hundreds; a body full of `0,` would become forty times as large.
const MAXIMUM_VALUES: usize = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_without_escapes_are_borrowed() {
        let Json::Object(entries) = Json::read(br#"{"a": "plain", "b": "li\nne"}"#).unwrap() else {
            panic!("not an object");
        };
        let values: Vec<_> = entries.into_iter().map(|(_, value)| value).collect();
        assert!(matches!(values[0], Json::Text(Cow::Borrowed("plain"))));
        assert_eq!(values[1], Json::Text("li\nne".into()));
    }

    #[test]
    fn values_become_what_other_rooms_take() {
        let text = r#"{"a":[1,-2,3.5,null,true,"x"],"b":{"c":"d"}}"#;
        let value = Json::read(text.as_bytes()).unwrap().to_value();
        assert_eq!(value.to_string(), text);
    }

    #[test]
    fn refusals_say_where_and_never_what() {
        for (body, expected) in [
            (&b""[..], "is empty"),
            (b" \n", "is empty"),
            (b"{\"secret\": ", "EOF"),
            (b"{\"secret\": nope}", "column"),
            (b"{} {}", "trailing"),
            (b"\xff", "line 1"),
            (b"{\"a\": 1e999}", "line 1"),
            (b"{\"a\": \"\xc3\"}", "line 1"),
        ] {
            let error = Json::read(body).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(
                !error.contains("nope") && !error.contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn depth_and_number_of_values_are_bounded() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(Json::read(deep(MAXIMUM_DEPTH).as_bytes()).is_ok());
        let error = Json::read(deep(MAXIMUM_DEPTH + 1).as_bytes()).unwrap_err();
        assert!(error.to_string().contains("64 levels"), "{error}");
        let many = format!("[{}0]", "0,".repeat(MAXIMUM_VALUES));
        let error = Json::read(many.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("200000 values"), "{error}");
    }
}
