//! JSON as Python writes it, with spaces and in ASCII: the events of the v4 route and of the chat have
//! it, and Ruby's strings of bytes are searched safely (models-and-prompts 5.5).

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Serializer, Value, ser::Formatter};

/// One line of ASCII with `", "` and `": "` between its parts.
pub(super) fn spaced_json(value: &Value) -> String {
    let mut bytes = Vec::with_capacity(128);
    let mut serializer = Serializer::with_formatter(&mut bytes, Spaced);
    value
        .serialize(&mut serializer)
        .expect("a tree of values is written to memory");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        separate(writer, first)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        separate(writer, first)
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|character: char| !character.is_ascii()) {
            let (ascii, foreign) = rest.split_at(at);
            writer.write_all(ascii.as_bytes())?;
            let end = foreign.find(|character: char| character.is_ascii());
            let (foreign, after) = foreign.split_at(end.unwrap_or(foreign.len()));
            for unit in foreign.encode_utf16() {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = after;
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

fn separate<W: ?Sized + Write>(writer: &mut W, first: bool) -> io::Result<()> {
    if first {
        Ok(())
    } else {
        writer.write_all(b", ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spaces_stand_where_python_puts_them() {
        let value = json!({"a": [1, 2], "b": {"c": "d, e: f"}, "g": null, "h": [], "i": {}});
        assert_eq!(
            spaced_json(&value),
            r#"{"a": [1, 2], "b": {"c": "d, e: f"}, "g": null, "h": [], "i": {}}"#
        );
        let value = json!({"é": "a\u{7f}é🙂\n\u{2028}ü"});
        assert_eq!(
            spaced_json(&value),
            "{\"\\u00e9\": \"a\u{7f}\\u00e9\\ud83d\\ude42\\n\\u2028\\u00fc\"}"
        );
    }
}
