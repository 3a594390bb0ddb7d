//! Any model server in one vocabulary.
//!
//! A request of GitLab names a model by [`Metadata`]; [`Models::target`] makes a [`Target`] of it:
//! whose wire, which address, which family. [`Models::ask`] sends a [`ModelRequest`] there and
//! gives an [`Answer`], a stream of [`Event`]s, once the first of them is there, so that a failure
//! still gets a status. Dropping the future or the answer cancels the call.
//!
//! What differs between servers stands behind one seam, `provider.rs`: the URL of a call, its body,
//! the headers that say who asks (which may wait for a token), and how a whole answer, a stream and
//! a refusal are read. A provider's encoder and decoder are pure; the framing of a stream is its own
//! choice, and most take `sse_pieces.rs`. A decoder fills a `Told` with events. To add a provider:
//! its files, a wire and its prefix in `identifier.rs`, a line in `providers.rs`. Attempts, times,
//! places at servers, thoughts in the text and counts are the same for all (`call.rs`,
//! `exchange.rs`, `stream.rs`, `answer.rs`). Who we are towards Amazon and Google stands in `cloud`.
//! The echo of local mode needs no provider.
//!
//! This room must not know prompts, routes or permissions. Keys of model servers and what is said
//! to models stand in no log and no error; of a model server's own words only the log gets a few.
//!
//! Limits: 16 MiB of an answer and 1 MiB of one of its events, 64 KiB of a refusal; three attempts,
//! none after the first byte and none beyond the caller's time.

mod answer;
mod anthropic;
mod anthropic_decode;
mod anthropic_encode;
mod azure;
mod azure_url;
mod bedrock;
mod bedrock_model;
mod call;
mod check;
mod claude;
mod cloud;
mod converse_decode;
mod converse_encode;
#[cfg(any(test, fuzzing))]
mod cutting;
mod definitions;
mod echo;
mod embedding;
mod embedding_wire;
mod endpoint;
mod error;
mod event;
mod exchange;
mod family;
mod fim;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gemini;
mod gemini_decode;
mod gemini_encode;
mod gemini_schema;
mod home;
mod identifier;
mod json_string;
mod measures;
mod metadata;
mod models;
mod openai;
mod openai_calls;
mod openai_decode;
mod openai_encode;
mod openai_text;
mod places;
mod provider;
mod providers;
mod reasoning;
mod redaction;
mod refusal;
mod request;
mod responses_decode;
mod responses_encode;
mod series;
mod sse_pieces;
mod stream;
mod target;
mod told;
mod tool;
mod vendor;
mod vertex;

pub use answer::Answer;
pub use check::check;
pub use definitions::Definitions;
pub use embedding::{EmbeddingRequest, Embeddings};
pub use error::{ModelError, SetupError};
pub use event::{Event, FinishReason, Usage, Whole};
pub use family::Family;
pub use metadata::{Metadata, MetadataError};
pub use models::Models;
pub use request::{Budget, Message, ModelRequest, Purpose, ToolCall, ToolResult};
pub use target::{Target, TargetError};
pub use tool::Tool;

pub use crate::foundation::Secret;
