//! The model room as a library: what a model server is sent, what becomes of what it says, and
//! which of several servers is asked.

mod amazon_keys;
mod answers;
mod anthropic;
mod azure;
mod bedrock;
mod failures;
mod google;
mod servers;
mod targets;
mod tools;
mod vendors;
mod wire;

use std::{sync::Arc, time::Duration};

use duogate::{
    config::{LoadOptions, load},
    foundation::{ShutdownTrigger, SystemRandomness},
    model::{Answer, Budget, Message, Metadata, ModelError, ModelRequest, Models, Target, Whole},
    telemetry::{ExpositionFormat, Metrics, expose},
};
use serde_json::{Value, json};

use crate::support::model_server::ModelServer;

/// A key of a model server; it must stand in no log and no error.
const KEY: &str = "sk-key-that-nobody-may-see";

/// Models with what counts them.
pub(crate) struct Room {
    pub(crate) models: Models,
    metrics: Arc<Metrics>,
    _running: ShutdownTrigger,
}

impl Room {
    /// Of a public server with these variables.
    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        let domains = ("DUOGATE_DOMAINS", "edge.test");
        Self::of(&[&[domains], variables].concat())
    }

    fn of(variables: &[(&str, &str)]) -> Self {
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let options = LoadOptions {
            environment: environment.collect(),
            ..LoadOptions::default()
        };
        let config = load(&options).unwrap().config;
        let metrics = Arc::new(Metrics::new());
        let (running, shutdown) = ShutdownTrigger::new();
        let models = Models::new(&config, Arc::new(SystemRandomness), &metrics, shutdown);
        Self {
            models: models.unwrap(),
            metrics,
            _running: running,
        }
    }

    pub(crate) fn target(&self, metadata: &Value) -> Result<Target, String> {
        let metadata = Metadata::from_json(metadata).map_err(|error| error.to_string())?;
        let target = self.models.target(metadata.as_ref());
        target.map_err(|error| error.to_string())
    }

    async fn ask(
        &self,
        metadata: &Value,
        request: ModelRequest,
        budget: Budget,
    ) -> Result<Answer, ModelError> {
        let target = self.target(metadata).unwrap();
        self.models.ask(&target, request, budget).await
    }

    /// Asks and waits for all of it.
    async fn whole(&self, metadata: &Value, stream: bool) -> Result<Whole, ModelError> {
        let answer = self.ask(metadata, request(stream), budget()).await?;
        answer.collect().await
    }

    /// The sum of the samples that begin so.
    fn metric(&self, beginning: &str) -> f64 {
        let text = expose(&self.metrics, ExpositionFormat::Text);
        let lines = text.lines().filter(|line| line.starts_with(beginning));
        lines
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }
}

/// What Rails sends for a server.
pub(crate) fn metadata(server: &ModelServer) -> Value {
    json!({
        "provider": "openai", "name": "mistral", "endpoint": server.url(), "api_key": KEY,
        "identifier": "custom_openai/mistral-x",
    })
}

fn request(stream: bool) -> ModelRequest {
    ModelRequest {
        messages: vec![
            Message::System("be brief".to_owned()),
            Message::User("say \"hi\"".to_owned()),
        ],
        max_tokens: Some(64),
        stream,
        ..ModelRequest::default()
    }
}

fn budget() -> Budget {
    Budget {
        first_byte: Duration::from_secs(5),
        total: None,
        idle: Duration::from_secs(5),
    }
}
