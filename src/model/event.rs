//! What a model says, whatever server it lives on.

use super::ToolCall;

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Text for the user; whole characters.
    Text(String),
    /// What the model thinks aloud, kept apart from its answer.
    Reasoning(String),
    /// It wants a tool.
    ToolCall {
        /// Tells the calls of an answer apart, from 0.
        index: usize,
        /// Tells the calls of a conversation apart.
        id: String,
        /// Which tool.
        name: String,
    },
    /// A piece of the arguments of a call that was begun: JSON text. A call may have none.
    Arguments {
        /// The call's.
        index: usize,
        /// Whole characters.
        text: String,
    },
    /// Tokens, as the server counts them.
    Usage(Usage),
    /// Why it stopped.
    Finish(FinishReason),
}

/// Tokens of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the request.
    pub input_tokens: u64,
    /// Of the answer.
    pub output_tokens: u64,
}

/// Why a model stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FinishReason {
    /// It was done.
    Stop,
    /// It met its bound of tokens.
    Length,
    /// It wants a tool.
    ToolCalls,
    /// A filter ended it.
    ContentFilter,
    /// A guardrail of the operator's changed or ended it.
    Guardrail,
    /// The server says something else.
    Other,
    /// The server says nothing.
    #[default]
    Unknown,
}

impl FinishReason {
    /// Reads OpenAI's word.
    pub(super) fn from_openai(word: &str) -> Self {
        match word {
            "stop" | "eos" | "end_turn" | "stop_sequence" => Self::Stop,
            "length" | "max_tokens" | "model_length" => Self::Length,
            "tool_calls" | "function_call" | "tool_use" => Self::ToolCalls,
            "content_filter" => Self::ContentFilter,
            "guardrail_intervened" => Self::Guardrail,
            _ => Self::Other,
        }
    }

    /// The word in metrics (http-api 4.8) and in events of the chat (2.6).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Guardrail => "guardrail_intervened",
            Self::Other => "other",
            Self::Unknown => "unknown",
        }
    }
}

/// An answer to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Whole {
    /// All of its text.
    pub text: String,
    /// Tools that the model wants, in its order; arguments that it left out are `{}`.
    pub tool_calls: Vec<ToolCall>,
    /// Tokens, where the server counts them.
    pub usage: Option<Usage>,
    /// Why it ended.
    pub finish: FinishReason,
}
