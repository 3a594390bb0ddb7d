//! JSON schemas of tools' arguments as Gemini takes them: a part of OpenAPI's, in which an unknown
//! word is an error.

use serde_json::{Map, Value, json};

/// The same schema without what Gemini does not know; none for arguments without members.
pub(super) fn parameters(schema: &Value) -> Option<Value> {
    let has_members = schema.get("properties").and_then(Value::as_object);
    has_members.filter(|members| !members.is_empty())?;
    Some(reduced(schema, 0))
}

fn reduced(schema: &Value, depth: usize) -> Value {
    let Some(given) = schema.as_object().filter(|_| depth < DEEPEST) else {
        // anything at all
        return json!({"type": "string"});
    };
    let mut kept = Map::new();
    for (name, value) in given {
        let value = match name.as_str() {
            "type" => {
                kind(value, &mut kept);
                continue;
            }
            "properties" => each(value, depth),
            "items" => reduced(value, depth + 1),
            "anyOf" | "oneOf" => {
                alternatives(value, depth, &mut kept);
                continue;
            }
            "const" => {
                kept.insert("enum".to_owned(), words(std::slice::from_ref(value)));
                continue;
            }
            "enum" => words(value.as_array().map(Vec::as_slice).unwrap_or_default()),
            known if KNOWN.contains(&known) => value.clone(),
            _ => continue,
        };
        kept.insert(name.clone(), value);
    }
    if !kept.contains_key("type") && !kept.contains_key("anyOf") {
        let kind = if kept.contains_key("properties") {
            "object"
        } else {
            "string"
        };
        kept.insert("type".to_owned(), json!(kind));
    }
    Value::Object(kept)
}

/// One type, or one of several; `null` is a mark of its own.
fn kind(value: &Value, kept: &mut Map<String, Value>) {
    let several = value.as_array().map(Vec::as_slice);
    let several = several.unwrap_or(std::slice::from_ref(value));
    let (nulls, kinds): (Vec<&Value>, Vec<&Value>) = several
        .iter()
        .partition(|kind| kind.as_str() == Some("null"));
    if !nulls.is_empty() {
        kept.insert("nullable".to_owned(), json!(true));
    }
    if let Some(kind) = kinds.first() {
        kept.insert("type".to_owned(), (*kind).clone());
    }
}

fn each(value: &Value, depth: usize) -> Value {
    let members = value.as_object().into_iter().flatten();
    let members = members.map(|(name, member)| (name.clone(), reduced(member, depth + 1)));
    Value::Object(members.collect())
}

fn alternatives(value: &Value, depth: usize, kept: &mut Map<String, Value>) {
    let several = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let is_null = |one: &&Value| one.get("type").and_then(Value::as_str) == Some("null");
    if several.iter().any(|one| is_null(&one)) {
        kept.insert("nullable".to_owned(), json!(true));
    }
    let others = several.iter().filter(|one| !is_null(one));
    let others: Vec<Value> = others.map(|one| reduced(one, depth + 1)).collect();
    if let [Value::Object(one)] = others.as_slice() {
        kept.extend(one.clone());
    } else if !others.is_empty() {
        kept.insert("anyOf".to_owned(), Value::Array(others));
    }
}

/// Choices are words there.
fn words(values: &[Value]) -> Value {
    let words = values.iter().filter(|value| !value.is_null());
    let words = words.map(|value| match value {
        Value::String(word) => word.clone(),
        other => other.to_string(),
    });
    words.collect::<Vec<_>>().into()
}

const KNOWN: [&str; 12] = [
    "format",
    "title",
    "description",
    "nullable",
    "maxItems",
    "minItems",
    "required",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
];

/// Deeper than any tool's; a schema may come from a server of somebody else's.
const DEEPEST: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_there_is_left_out_or_said_otherwise() {
        let schema = json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "path": {"type": "string", "description": "A file", "examples": ["a"]},
                "line": {"type": ["integer", "null"], "exclusiveMinimum": 0},
                "mode": {"anyOf": [{"enum": ["a", "b"], "type": "string"}, {"type": "null"}], "default": null},
                "one": {"const": 7},
                "many": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "integer"}]}},
                "free": true,
            },
            "required": ["path"],
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "path": {"type": "string", "description": "A file"},
                "line": {"nullable": true, "type": "integer"},
                "mode": {"nullable": true, "enum": ["a", "b"], "type": "string"},
                "one": {"enum": ["7"], "type": "string"},
                "many": {"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}},
                "free": {"type": "string"},
            },
            "required": ["path"],
        });
        assert_eq!(parameters(&schema), Some(expected));
        assert_eq!(
            parameters(&json!({"type": "object", "properties": {}})),
            None
        );
        assert_eq!(parameters(&json!(null)), None);
    }

    #[test]
    fn a_schema_without_end_has_one() {
        let mut schema = json!({"type": "string"});
        for _ in 0..100 {
            schema = json!({"type": "object", "properties": {"a": schema}});
        }
        let text = parameters(&schema).unwrap().to_string();
        assert!(text.matches("properties").count() < 40);
    }
}
