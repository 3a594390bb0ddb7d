//! A text in an answer, however a server writes it.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A text, borrowed where it holds no escapes: a stream has thousands. Lists of parts, as newer
/// servers write them, are joined; anything else is no text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Text<'a>(Cow<'a, str>);

impl<'a> Text<'a> {
    /// The text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The text as it was borrowed.
    pub(super) fn into_inner(self) -> Cow<'a, str> {
        self.0
    }

    /// The other one where this one is empty.
    pub(super) fn or(self, other: Self) -> Self {
        if self.0.is_empty() { other } else { self }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Cow::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let mut whole = String::new();
        while let Some(part) = parts.next_element::<Part<'de>>()? {
            whole.push_str(part.text.as_str());
        }
        Ok(Cow::Owned(whole))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cow::default())
    }
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Text<'a>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_however_they_are_written() {
        for (json, expected) in [
            (r#""a""#, "a"),
            (r#""\u00e9\n""#, "é\n"),
            (
                r#"[{"type":"text","text":"a"},{"type":"image"},{"text":"b"}]"#,
                "ab",
            ),
            ("null", ""),
            ("7", ""),
            ("-7", ""),
            ("0.5", ""),
            ("true", ""),
            (r#"{"text":{"a":[1]}}"#, ""),
        ] {
            let text: Text<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(text.as_str(), expected, "{json}");
        }
        let plain: Text<'_> = serde_json::from_str("\"plain\"").unwrap();
        assert!(matches!(plain.into_inner(), Cow::Borrowed("plain")));
    }
}
