//! What agents may have done, by GitLab or by the client, one file for each family of tools.
//!
//! A [`Definition`] is a tool: its name and arguments as models read them, the groups that GitLab
//! permits it by, and what it does. To add one, write it into its family's `TOOLS`; a new family is
//! a file and a word in `definition.rs`. [`SessionTools`] holds those that a session may use, judges
//! calls by their parameters and prepares what comes of them (`result.rs`): tools themselves read
//! arguments that are of the right kind, and give text. Tools ask GitLab as the session's user,
//! through the client ([`Workplace`]). They must not know conversations, checkpoints or how models
//! are asked.
//!
//! Tools of the client's MCP servers ([`McpTools`]) have no definition of ours and stand beside them.
//!
//! Limits: 200 KiB of a result go to the model, of more the first 100 KiB; 300 characters of an
//! answer that says no; of a list that comes in pages 10 of 100 elements, or 1 MiB; 50 files of a
//! call; 100 actions of a commit; of a job's log the last 100 KiB; 100 files that a client reads at
//! once; 256 MCP tools with 32 KiB of schema each.

mod api_path;
mod arguments;
mod blob_search;
mod chat_toolset;
mod code_review;
mod command_line;
mod command_output;
mod commands;
mod commit_actions;
mod commits;
mod definition;
mod diffs;
mod documentation;
mod endpoint;
mod error;
mod exclusions;
mod file_search;
mod files;
mod generic_api;
mod glob;
mod graphql_document;
mod identification;
mod issue_notes;
mod issues;
mod job_logs;
mod mcp;
mod merge_request_notes;
mod merge_request_search;
mod merge_requests;
mod notifications;
mod numbered_diff;
mod pages;
mod parameter;
mod path_guard;
mod pipelines;
mod project;
mod repository;
mod repository_file;
mod repository_files;
mod repository_place;
mod result;
mod review_context;
mod search;
mod session_approval;
mod session_context;
mod session_tools;
mod user;
mod wiki;
mod work_item_changes;
mod work_item_place;
mod work_items;
mod workplace;

pub use arguments::Arguments;
pub use chat_toolset::{CHAT_TOOLS, SEARCHES};
pub use definition::{Definition, definitions};
pub(in crate::agent) use endpoint::Endpoint;
pub use error::ToolError;
pub use mcp::McpTools;
pub use parameter::{Kind, Parameter};
pub use session_tools::SessionTools;
pub use workplace::{SessionFacts, Workplace};
