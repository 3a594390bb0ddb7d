//! A session as GitLab stores it between two turns, in LangGraph's layout.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use miniz_oxide::{deflate::compress_to_vec_zlib, inflate::decompress_to_vec_zlib_with_limit};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::SessionError;
use crate::agent::executor::ExecutorError;

/// One that was read (agent-platform 4.4, 4.5), whoever wrote it.
#[derive(Clone, PartialEq)]
pub(in crate::agent) struct StoredCheckpoint {
    /// Sorts by its time.
    pub(super) id: String,
    /// Counts from -1, the input of the first turn.
    pub(super) step: i64,
    /// The state, channel by channel.
    pub(super) values: Value,
}

impl StoredCheckpoint {
    /// Reads GraphQL's, whose parts are texts.
    pub(super) fn from_graphql(node: &Value) -> Result<Self, SessionError> {
        Self::read(node, "threadTs", "compressedCheckpoint")
    }

    /// Reads the REST API's.
    pub(super) fn from_rest(item: &Value) -> Result<Self, SessionError> {
        Self::read(item, "thread_ts", "compressed_checkpoint")
    }

    fn read(item: &Value, id: &str, compressed: &str) -> Result<Self, SessionError> {
        let packed = item.get(compressed).and_then(Value::as_str);
        let mut envelope = match packed {
            Some(packed) => unpack(packed)?,
            None => object(item.get("checkpoint"), "it has no checkpoint")?,
        };
        let id = item.get(id).and_then(Value::as_str);
        let id = id.or_else(|| envelope.get("id").and_then(Value::as_str));
        let id = id
            .ok_or(SessionError::Checkpoint("it has no id"))?
            .to_owned();
        let metadata = object(item.get("metadata"), "it has no metadata").unwrap_or_default();
        let step = metadata.get("step").and_then(Value::as_i64);
        let Some(values @ Value::Object(_)) = envelope.remove("channel_values") else {
            return Err(SessionError::Checkpoint("it has no channel_values"));
        };
        Ok(Self {
            id,
            step: step.unwrap_or_default(),
            values,
        })
    }
}

/// One to be written.
pub(super) struct NewCheckpoint<'c> {
    /// Sorts by its time.
    pub(super) id: &'c str,
    /// The one before; none for the first.
    pub(super) parent: Option<&'c str>,
    /// ISO 8601 with offset.
    pub(super) time: &'c str,
    /// Counts from -1.
    pub(super) step: i64,
    /// `input` or `loop`.
    pub(super) source: &'static str,
    /// The state, channel by channel.
    pub(super) values: &'c Map<String, Value>,
    /// The model that the request names, without its key; GitLab keeps it beside the checkpoint.
    pub(super) model: Option<&'c Value>,
}

impl NewCheckpoint<'_> {
    /// The body of the request that stores it; strategy `full`.
    pub(super) fn body(&self) -> Result<String, SessionError> {
        let version = self.step + FIRST_VERSION;
        let versions = self
            .values
            .keys()
            .map(|channel| (channel.as_str(), version));
        let envelope = Envelope {
            v: LAYOUT,
            ts: self.time,
            id: self.id,
            channel_values: self.values,
            channel_versions: versions.collect(),
            versions_seen: Map::new(),
        };
        let body = Body {
            thread_ts: self.id,
            parent_ts: self.parent,
            metadata: json!({"source": self.source, "step": self.step, "parents": {}}),
            compressed_checkpoint: pack(&envelope)?,
            model_metadata_json: self.model.map(Value::to_string),
        };
        serde_json::to_string(&body).map_err(|_| SessionError::Checkpoint("it is no JSON"))
    }
}

/// What GitLab is given.
#[derive(Serialize)]
struct Body<'c> {
    thread_ts: &'c str,
    parent_ts: Option<&'c str>,
    metadata: Value,
    compressed_checkpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_metadata_json: Option<String>,
}

/// LangGraph's own.
#[derive(Serialize)]
struct Envelope<'c> {
    v: u32,
    ts: &'c str,
    id: &'c str,
    channel_values: &'c Map<String, Value>,
    channel_versions: BTreeMap<&'c str, i64>,
    versions_seen: Map<String, Value>,
}

fn pack(value: &impl Serialize) -> Result<String, SessionError> {
    let json =
        serde_json::to_vec(value).map_err(|_| SessionError::Checkpoint("its state is no JSON"))?;
    if json.len() > UNPACKED_BYTES {
        // nobody could read it again
        return Err(ExecutorError::TooLarge.into());
    }
    Ok(BASE64.encode(&compress_to_vec_zlib(&json, LEVEL)))
}

fn unpack(text: &str) -> Result<Map<String, Value>, SessionError> {
    let bytes = BASE64
        .decode(text.as_bytes())
        .map_err(|_| SessionError::Checkpoint("it is no base64"))?;
    let json = decompress_to_vec_zlib_with_limit(&bytes, UNPACKED_BYTES)
        .map_err(|_| SessionError::Checkpoint("it is not zlib's, or beyond its bound"))?;
    serde_json::from_slice(&json).map_err(|_| SessionError::Checkpoint("it is no JSON object"))
}

/// An object, or the text of one.
fn object(value: Option<&Value>, absent: &'static str) -> Result<Map<String, Value>, SessionError> {
    match value {
        Some(Value::Object(object)) => Ok(object.clone()),
        Some(Value::String(text)) => {
            serde_json::from_str(text).map_err(|_| SessionError::Checkpoint("it is no JSON object"))
        }
        _ => Err(SessionError::Checkpoint(absent)),
    }
}

/// The version of LangGraph's layout.
const LAYOUT: u32 = 4;

/// Of the channels at step -1; they count up with the steps.
const FIRST_VERSION: i64 = 2;

/// zlib's fastest: a checkpoint goes over loopback or a company's network, and each turn writes some.
const LEVEL: u8 = 1;

/// Of a session's state, which bounds what a session holds in memory. A packed checkpoint fits into a
/// message of 4 MiB; text shrinks to a quarter, hostile text to a thousandth.
const UNPACKED_BYTES: usize = 32 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn body(values: &Value) -> Value {
        let new = NewCheckpoint {
            id: "1f0-b",
            parent: Some("1f0-a"),
            time: "2026-11-26T10:00:00+00:00",
            step: 3,
            source: "loop",
            values: values.as_object().unwrap(),
            model: None,
        };
        serde_json::from_str(&new.body().unwrap()).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let values = json!({"status": "Execution", "ui_chat_log": [{"content": "ü"}]});
        let body = body(&values);
        assert_eq!(
            body["metadata"],
            json!({"source": "loop", "step": 3, "parents": {}})
        );
        assert_eq!(body["parent_ts"], "1f0-a");
        let read = StoredCheckpoint::from_rest(&body).ok().unwrap();
        assert_eq!((read.id.as_str(), read.step), ("1f0-b", 3));
        assert_eq!(read.values, values);
        let envelope = unpack(body["compressed_checkpoint"].as_str().unwrap())
            .ok()
            .unwrap();
        assert_eq!(
            envelope["channel_versions"],
            json!({"status": 5, "ui_chat_log": 5})
        );
        assert_eq!(envelope["v"], 4);
    }

    #[test]
    fn a_state_that_could_not_be_read_again_is_not_written() {
        let zeros = "0".repeat(UNPACKED_BYTES);
        let error = pack(&json!({ "ui_chat_log": zeros })).unwrap_err();
        assert_eq!(error.status().code(), tonic::Code::ResourceExhausted);
    }

    #[test]
    fn graphql_gives_texts() {
        let checkpoint = json!({"channel_values": {"__start__": {"goal": "g"}}});
        let node = json!({
            "threadTs": "1f0-a", "metadata": r#"{"step": -1}"#, "checkpoint": checkpoint.to_string(),
        });
        let read = StoredCheckpoint::from_graphql(&node).ok().unwrap();
        assert_eq!((read.id.as_str(), read.step), ("1f0-a", -1));
        assert_eq!(read.values, json!({"__start__": {"goal": "g"}}));
    }

    #[test]
    fn what_does_not_decode_says_so() {
        let bomb = BASE64.encode(&compress_to_vec_zlib(&vec![b' '; UNPACKED_BYTES + 1], 9));
        for item in [
            json!({}),
            json!({"thread_ts": "1"}),
            json!({"thread_ts": "1", "checkpoint": "{"}),
            json!({"thread_ts": "1", "checkpoint": {}}),
            json!({"checkpoint": {"channel_values": {}}}),
            json!({"thread_ts": "1", "compressed_checkpoint": "*"}),
            json!({"thread_ts": "1", "compressed_checkpoint": "AAAA"}),
            json!({"thread_ts": "1", "compressed_checkpoint": bomb}),
        ] {
            let error = StoredCheckpoint::from_rest(&item).err().unwrap();
            assert!(matches!(error, SessionError::Checkpoint(_)));
        }
    }
}
