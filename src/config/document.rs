//! A YAML text as a tree that keeps for every node its line and its own spelling.
//!
//! serde-saphyr stops at the first value of a wrong type and turns `007` into 7 before anybody
//! can ask. So nothing is asked of it but the tree; what the values mean is judged later.

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, Spanned};

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// The line where it begins, from 1.
    pub(super) line: u64,
    /// What it holds.
    pub(super) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing, `null` or `~`.
    Null,
    /// One value as it is spelled, without quotes.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A section; a key that stands there twice is here twice.
    Section(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// The line of the key.
    pub(super) line: u64,
    /// The value.
    pub(super) node: Node,
}

/// Why a text is no tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Where, if the parser knows.
    pub(super) line: Option<u64>,
    /// What the parser says.
    pub(super) message: String,
}

impl Node {
    /// Reads a text.
    pub(super) fn read(text: &str) -> Result<Self, SyntaxError> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: MAXIMUM_DEPTH },
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
            with_snippet: false,
        };
        let raw: Spanned<Raw> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| SyntaxError {
                line: error.location().map(|location| location.line()),
                message: error.without_snippet().to_string(),
            })?;
        Ok(Self::build(raw, text))
    }

    fn build(raw: Spanned<Raw>, text: &str) -> Self {
        let line = raw.referenced.line();
        let content = match raw.value {
            Raw::Null => Content::Null,
            Raw::Text(value) => Content::Scalar(value),
            Raw::Typed(value) => Content::Scalar(
                spelling(raw.defined.span(), text)
                    .map_or(value, |spelling| spelling.trim().to_owned()),
            ),
            Raw::List(items) => Content::List(
                items
                    .into_iter()
                    .map(|item| Self::build(item, text))
                    .collect(),
            ),
            Raw::Section(entries) => Content::Section(
                entries
                    .into_iter()
                    .map(|(key, value)| Entry {
                        line: key.referenced.line(),
                        key: key.value,
                        node: Self::build(value, text),
                    })
                    .collect(),
            ),
        };
        Self { line, content }
    }
}

/// The source text of a value; none where the parser gives no bytes.
fn spelling(span: serde_saphyr::Span, text: &str) -> Option<&str> {
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    let spelling = text.get(start..start.checked_add(length)?)?;
    let trimmed = spelling.trim();
    (!trimmed.is_empty()).then_some(trimmed)
}

/// What the parser makes of a node before its spelling is restored.
enum Raw {
    Null,
    Text(String),
    /// A number or a truth value, printed: the fallback where its spelling is unknown.
    Typed(String),
    List(Vec<Spanned<Raw>>),
    Section(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a value, a list or a section")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Typed(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Section(entries))
    }
}

/// The deepest key lies three levels down; a file nested deeper than this is not meant for us.
const MAXIMUM_DEPTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(line: u64, text: &str) -> Node {
        Node {
            line,
            content: Content::Scalar(text.to_owned()),
        }
    }

    fn entries(text: &str) -> Vec<Entry> {
        match Node::read(text).expect("the text is YAML").content {
            Content::Section(entries) => entries,
            other => panic!("a section is expected, not {other:?}"),
        }
    }

    #[test]
    fn values_keep_their_spelling_and_line() {
        let text =
            "# a comment\na: 007\nb: on\nc: 1.20 # why\nd: 'x y'\ne:\n  - 1_000\n  - ~\n  - 0x1F\n";
        let entries = entries(text);
        let nodes: Vec<_> = entries.iter().map(|entry| entry.node.clone()).collect();
        assert_eq!(nodes[0], scalar(2, "007"));
        assert_eq!(nodes[1], scalar(3, "on"));
        assert_eq!(nodes[2], scalar(4, "1.20"));
        assert_eq!(nodes[3], scalar(5, "x y"));
        assert_eq!(entries[4].line, 6);
        let Content::List(items) = &nodes[4].content else {
            panic!("a list is expected");
        };
        assert_eq!(items[0], scalar(7, "1_000"));
        assert_eq!(items[1].content, Content::Null);
        assert_eq!(items[2], scalar(9, "0x1F"));
    }

    #[test]
    fn aliases_keep_the_spelling_of_what_they_name() {
        let entries = entries("a: &x 010\nä: é\nb: *x\n");
        assert_eq!(entries[2].node, scalar(3, "010"));
        assert_eq!(entries[1].key, "ä");
    }

    #[test]
    fn a_key_that_stands_twice_is_there_twice() {
        let entries = entries("a: 1\nb: {c: 1, c: 2}\na: 3\n");
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[2].line, 3);
    }

    #[test]
    fn nothing_is_null() {
        assert_eq!(Node::read("").map(|node| node.content), Ok(Content::Null));
        assert_eq!(
            Node::read("# only a comment\n").map(|node| node.content),
            Ok(Content::Null)
        );
    }

    #[test]
    fn what_is_no_yaml_is_told_with_its_line() {
        let error = Node::read("a: 1\nb: [1, 2\nc: 3\n").expect_err("the list is never closed");
        assert!(error.line.is_some_and(|line| line >= 2), "{error:?}");
        let deep = format!("a: {}1{}", "[".repeat(40), "]".repeat(40));
        assert!(Node::read(&deep).is_err());
        assert!(Node::read("a: 1\n---\nb: 2\n").is_err());
        assert!(Node::read("a: \t- b\n\tc: d").is_err());
    }
}
