//! llama.cpp's own server with a model that always says the same: `tests/upstreams/llama_server.py`.

use super::{Folder, Standin, parts};

/// What it answers to a chat.
pub(crate) const CHAT: &str = "Hello from llama.cpp, always the same.";

/// How it goes on with code.
pub(crate) const CODE: &str = " left + right";

/// A running server; it ends with the value.
pub(crate) struct Llama {
    server: Standin,
    /// The model lies in it.
    _folder: Folder,
}

impl Llama {
    /// Starts one in clear, which asks for a key.
    #[track_caller]
    pub(crate) fn start(key: &str) -> Option<Self> {
        Self::with(key, &[])
    }

    /// Starts one that calls a tool for each of its user's messages, and then answers.
    #[track_caller]
    pub(crate) fn that_calls(tool: &str, key: &str) -> Option<Self> {
        Self::with(key, &["--calls", tool])
    }

    /// The same with these arguments, an object as JSON text.
    #[track_caller]
    pub(crate) fn that_calls_with(tool: &str, arguments: &str, key: &str) -> Option<Self> {
        Self::with(key, &["--calls", tool, "--arguments", arguments])
    }

    /// Starts one that gives vectors and nothing else.
    #[track_caller]
    pub(crate) fn of_embeddings(key: &str) -> Option<Self> {
        Self::with(key, &["--embeddings"])
    }

    /// Starts one that chats, with its routes below a folder.
    #[track_caller]
    pub(crate) fn below(prefix: &str, key: &str) -> Option<Self> {
        Self::with(key, &["--prefix", prefix])
    }

    #[track_caller]
    fn with(key: &str, more: &[&str]) -> Option<Self> {
        let mut command = parts::llama()?;
        let folder = Folder::new();
        command.arg(folder.path()).args(["--api-key", key]);
        command.args(more);
        Some(Self {
            server: Standin::of("llama", command),
            _folder: folder,
        })
    }

    /// Where it listens.
    pub(crate) fn root(&self) -> String {
        self.server.url()
    }

    /// What GitLab's administrator types in as endpoint.
    pub(crate) fn url(&self) -> String {
        format!("{}/v1", self.server.url())
    }
}
