//! The options that name a model to call.

use clap::Args;

use crate::inspect::ModelUnderTest;

/// As the official container's `troubleshoot` calls them (http-api 6).
#[derive(Args)]
pub(super) struct ModelArguments {
    /// Call a model of this family, such as mistral, mixtral, gpt, llama3, claude_3
    #[arg(long, value_name = "FAMILY")]
    model_family: Option<String>,
    /// Its server
    #[arg(long, value_name = "URL", default_value = "http://localhost:4000")]
    model_endpoint: String,
    /// What its server calls it, such as custom_openai/NAME
    #[arg(long, value_name = "PREFIX/NAME")]
    model_identifier: Option<String>,
    /// What its server asks for; printed nowhere
    #[arg(long, value_name = "KEY")]
    api_key: Option<String>,
}

impl ModelArguments {
    /// The model; none where no family is given.
    pub(super) fn read(self) -> Option<ModelUnderTest> {
        self.model_family.map(|family| ModelUnderTest {
            family,
            endpoint: self.model_endpoint,
            identifier: self.model_identifier,
            api_key: self.api_key,
        })
    }
}

impl std::fmt::Debug for ModelArguments {
    /// Without the API key.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ModelArguments")
            .field("model_family", &self.model_family)
            .field("model_identifier", &self.model_identifier)
            .finish_non_exhaustive()
    }
}
