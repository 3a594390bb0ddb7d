//! `google.protobuf.Struct`, which flows and tools travel as, and JSON.

use prost_types::{ListValue, Struct, Value as Protobuf, value::Kind};
use serde_json::{Map, Number, Value};

/// A struct as JSON. prost bounds how deep one is nested.
pub fn to_json(fields: Struct) -> Map<String, Value> {
    let fields = fields.fields.into_iter();
    fields.map(|(name, value)| (name, json(value))).collect()
}

/// A JSON object as a struct.
pub fn from_json(object: Map<String, Value>) -> Struct {
    let fields = object.into_iter();
    Struct {
        fields: fields
            .map(|(name, value)| (name, protobuf(value)))
            .collect(),
    }
}

fn json(value: Protobuf) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => flag.into(),
        Some(Kind::NumberValue(number)) => whole(number),
        Some(Kind::StringValue(text)) => text.into(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(json).collect(),
        Some(Kind::StructValue(fields)) => Value::Object(to_json(fields)),
    }
}

/// All numbers of a struct are doubles; those that were whole are whole again.
fn whole(number: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was looked at before"
    )]
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

fn protobuf(value: Value) -> Protobuf {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(values) => Kind::ListValue(ListValue {
            values: values.into_iter().map(protobuf).collect(),
        }),
        Value::Object(object) => Kind::StructValue(from_json(object)),
    };
    Protobuf { kind: Some(kind) }
}

/// Doubles hold every whole number up to 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_goes_in_comes_out() {
        let object = json!({
            "a": null, "b": [true, 1, -2.5, "x", {"c": {}}], "d": 9_007_199_254_740_992_i64,
        });
        let Value::Object(object) = object else {
            panic!("it is an object")
        };
        let back = to_json(from_json(object.clone()));
        assert_eq!(Value::Object(back), Value::Object(object));
        let nothing = Protobuf { kind: None };
        assert_eq!(json(nothing), Value::Null);
        let odd = Protobuf {
            kind: Some(Kind::NumberValue(f64::NAN)),
        };
        assert_eq!(json(odd), Value::Null);
    }
}
