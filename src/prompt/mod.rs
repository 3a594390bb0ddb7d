//! What is asked of a model: versioned templates by prompt id.
//!
//! Every prompt that GitLab calls stands under `config/prompts/ID/FOLDER/VERSION.yml` and is built
//! in; a folder of the operator's may replace single files or add new ones. A prompt is found by
//! its id, the folders of the model's family and a version constraint as Poetry writes them
//! (http-api 2.4); a family folder in which no version fits is passed over for the next one, and
//! `base` is always the last. Rendering turns named inputs into turns of a conversation.
//!
//! Two renders of the same inputs are the same bytes: the caches of model servers work on common
//! beginnings, so nothing random or dated stands in a template, instructions come first and what
//! changes comes last.
//!
//! This room must not know models, families, requests or permissions: the folders to search come
//! from outside, and the unit primitive of a prompt is only handed on. Templates run in a sandbox
//! without functions or methods and with few filters. What a template is given never reaches an
//! error or the log.
//!
//! Limits: an operator's folder of at most 4 096 files and eight levels, each file at most 1 MiB;
//! a render stops after about 64 MB or a million steps; versions of at most 255 bytes.

mod check;
mod constraint;
mod embedded;
mod error;
mod file;
mod folder;
#[expect(
    clippy::module_inception,
    reason = "a prompt is the noun of the room, and of its central file"
)]
mod prompt;
mod prompts;
mod quote;
mod template;
mod tokens;
mod version;

pub use check::check;
pub use error::{FindError, PromptError, RenderError};
pub use prompt::{Prompt, Role, Sampling, Turn};
pub use prompts::Prompts;
pub use tokens::{AROUND_MESSAGE, estimate_tokens, keep_end, keep_start};
