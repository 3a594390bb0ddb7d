//! Which wire a model is spoken to by: the part of its identifier before the first slash.

use super::{azure::AzureApi, vertex::Publisher};

/// What an identifier means (models-and-prompts 1.6, 10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identifier {
    /// The wire.
    pub(super) wire: Wire,
    /// What the server calls the model.
    pub(super) model: String,
    /// Whether OpenAI's own rules for its newest models apply.
    pub(super) is_openai: bool,
    /// Whether the address has to lead below `/v1`, whatever was typed.
    pub(super) is_ollama: bool,
}

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    /// `POST .../chat/completions`
    Chat,
    /// `POST .../completions`
    Text,
    /// As `Chat`, at OpenAI
    OpenAi,
    /// As `Chat`, at Mistral
    Mistral,
    /// As `Chat`, at the part of Mistral that is for code
    Codestral,
    /// `POST .../fim/completions`, where that part fills in the middle
    Fim,
    /// `POST .../v1/messages`, as Anthropic answers it
    Messages,
    /// `POST .../model/ID/converse`
    Bedrock,
    /// `POST .../models/ID:generateContent`
    Gemini,
    /// The same, or another, in a project of Vertex AI.
    Vertex(Publisher),
    /// Azure, in one of its ways
    Azure(AzureApi),
    /// Not at all: what was asked comes back.
    Echo,
}

impl Identifier {
    /// Reads an identifier. Empty: the family's name. A left part that names no wire belongs to
    /// the model, as in `Qwen/Qwen2.5-Coder`. The error is a prefix that is not spoken here.
    pub(super) fn read(text: &str, family: &str) -> Result<Self, &'static str> {
        let of = |wire: Wire, model: &str| Self {
            wire,
            model: model.to_owned(),
            is_openai: matches!(
                wire,
                Wire::OpenAi | Wire::Azure(AzureApi::Chat | AzureApi::Text)
            ),
            is_ollama: false,
        };
        let chat = |model: &str| of(Wire::Chat, model);
        if text.is_empty() {
            return Ok(chat(family));
        }
        let Some((prefix, model)) = text.split_once('/') else {
            return Ok(chat(text));
        };
        if let Some(prefix) = NOT_SPOKEN.iter().find(|known| **known == prefix) {
            return Err(prefix);
        }
        if model.is_empty() {
            return Ok(chat(text));
        }
        Ok(match prefix {
            "text-completion-openai" | "text-completion-custom_openai" => of(Wire::Text, model),
            "text-completion-codestral" => of(Wire::Fim, model),
            "openai" => of(Wire::OpenAi, model),
            "mistral" => of(Wire::Mistral, model),
            "codestral" => of(Wire::Codestral, model),
            "anthropic" => of(Wire::Messages, model),
            "azure" => of(Wire::Azure(AzureApi::of_deployment(model)), model),
            "azure_ai" => of(Wire::Azure(AzureApi::of_model(model)), model),
            "azure_text" => of(Wire::Azure(AzureApi::Text), model),
            "ollama" | "ollama_chat" => Self {
                is_ollama: true,
                ..chat(model)
            },
            "bedrock" | "bedrock_converse" => Self {
                wire: Wire::Bedrock,
                ..chat(model)
            },
            "gemini" => Self {
                wire: Wire::Gemini,
                ..chat(model)
            },
            "vertex_ai" => Self {
                wire: Wire::Vertex(Publisher::of(model)),
                ..chat(model)
            },
            _ if SPOKEN.contains(&prefix) => chat(model),
            _ => chat(text),
        })
    }
}

/// Prefixes that only say whose server it is.
const SPOKEN: [&str; 17] = [
    "custom_openai",
    "openai_like",
    "hosted_vllm",
    "vllm",
    "litellm_proxy",
    "lm_studio",
    "llamafile",
    "nvidia_nim",
    "together_ai",
    "deepseek",
    "xai",
    "github",
    "groq",
    "openrouter",
    "databricks",
    "huggingface",
    "fireworks_ai",
];

/// Prefixes whose servers speak otherwise. None of them is the first part of a model's name on
/// Hugging Face that a server of OpenAI's kind would be asked for.
const NOT_SPOKEN: [&str; 4] = ["bedrock_mantle", "watsonx", "sagemaker", "gitlab"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_mean_what_administrators_mean() {
        for (text, wire, model) in [
            ("", Wire::Chat, "mistral"),
            ("my-model", Wire::Chat, "my-model"),
            ("custom_openai/m", Wire::Chat, "m"),
            ("openai/gpt-4o", Wire::OpenAi, "gpt-4o"),
            ("mistral/mistral-large", Wire::Mistral, "mistral-large"),
            (
                "codestral/codestral-latest",
                Wire::Codestral,
                "codestral-latest",
            ),
            ("text-completion-codestral/c", Wire::Fim, "c"),
            ("azure/my-dep", Wire::Azure(AzureApi::Chat), "my-dep"),
            (
                "azure/gpt-5-codex",
                Wire::Azure(AzureApi::Responses),
                "gpt-5-codex",
            ),
            (
                "azure_ai/gpt-5-mini",
                Wire::Azure(AzureApi::Chat),
                "gpt-5-mini",
            ),
            (
                "azure_ai/claude-opus-4-1",
                Wire::Azure(AzureApi::Messages),
                "claude-opus-4-1",
            ),
            (
                "azure_ai/mistral-large",
                Wire::Azure(AzureApi::Inference),
                "mistral-large",
            ),
            ("azure_text/d", Wire::Azure(AzureApi::Text), "d"),
            (
                "hosted_vllm/mistralai/Mistral-7B",
                Wire::Chat,
                "mistralai/Mistral-7B",
            ),
            ("Qwen/Qwen2.5-Coder", Wire::Chat, "Qwen/Qwen2.5-Coder"),
            ("mistralai/Mistral-7B", Wire::Chat, "mistralai/Mistral-7B"),
            ("ollama/llama3", Wire::Chat, "llama3"),
            ("custom_openai/", Wire::Chat, "custom_openai/"),
            (
                "anthropic/claude-sonnet-4-5",
                Wire::Messages,
                "claude-sonnet-4-5",
            ),
            ("text-completion-openai/coder", Wire::Text, "coder"),
            ("bedrock/converse/m", Wire::Bedrock, "converse/m"),
            ("gemini/gemini-2.5-pro", Wire::Gemini, "gemini-2.5-pro"),
            (
                "vertex_ai/gemini-2.5-pro",
                Wire::Vertex(Publisher::Google),
                "gemini-2.5-pro",
            ),
            (
                "vertex_ai/claude-sonnet-4-5@20250929",
                Wire::Vertex(Publisher::Anthropic),
                "claude-sonnet-4-5@20250929",
            ),
            (
                "vertex_ai/mistral-medium-2505",
                Wire::Vertex(Publisher::Mistral),
                "mistral-medium-2505",
            ),
        ] {
            let identifier = Identifier::read(text, "mistral").unwrap();
            assert_eq!(
                (identifier.wire, identifier.model.as_str()),
                (wire, model),
                "{text}"
            );
        }
        for prefix in NOT_SPOKEN {
            assert_eq!(Identifier::read(&format!("{prefix}/m"), "gpt"), Err(prefix));
        }
    }
}
