//! What the room is given.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use time::{
    OffsetDateTime, format_description::StaticFormatDescription, macros::format_description,
};

use super::measures::GatewayMeasures;
use crate::{
    access::Access, config::Pages, documentation::DocumentationIndex, foundation::Clock,
    model::Models, prompt::Prompts,
};

/// How the gateway behaves.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// Whether prompts and answers are logged for everybody, not only where GitLab asks for it.
    pub log_contents: bool,
    /// Whether requests may name models of the customer's own.
    pub custom_models: bool,
    /// How long a model may be silent where a prompt does not say.
    pub model_timeout: Duration,
    /// Where it describes itself.
    pub pages: Pages,
    /// Replaces the bound on answers of prompts under `chat/`.
    pub chat_max_tokens: Option<u32>,
}

/// The rooms below, in one hand.
pub(super) struct Services {
    pub(super) access: Access,
    pub(super) prompts: Arc<Prompts>,
    pub(super) models: Models,
    pub(super) documentation: DocumentationIndex,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: GatewayMeasures,
    pub(super) settings: GatewaySettings,
}

impl fmt::Debug for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Services");
        shown
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Services {
    /// Seconds since 1970.
    pub(super) fn epoch_seconds(&self) -> u64 {
        let now = self.clock.now().duration_since(UNIX_EPOCH);
        now.unwrap_or_default().as_secs()
    }

    /// Today as prompts are told it, such as `November 23, 2026` (http-api 2.4).
    pub(super) fn date(&self) -> String {
        self.formatted_date(DATE)
    }

    /// Today as the chat is told it, such as `Monday, November, 23, 2026` (http-api 2.6).
    pub(super) fn long_date(&self) -> String {
        self.formatted_date(LONG_DATE)
    }

    fn formatted_date(&self, format: StaticFormatDescription) -> String {
        let now = OffsetDateTime::from(self.clock.now());
        now.format(format).unwrap_or_default()
    }
}

const LONG_DATE: StaticFormatDescription =
    format_description!("[weekday repr:long], [month repr:long], [day], [year]");

const DATE: StaticFormatDescription = format_description!("[month repr:long] [day], [year]");
