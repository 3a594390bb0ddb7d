//! An account at Google.

use std::sync::Arc;

use tokio::time::Instant;

use super::{
    CloudClients, CloudError,
    fetch::{fetch_json, malformed, read_file, read_named_file},
    kept::{Fetched, Kept},
    service_account::{SCOPE, read, token},
};
use crate::{
    config::Google,
    foundation::{Clock, Secret},
};

/// Project, location and tokens; tokens are asked for when the first call needs one.
#[derive(Debug)]
pub(in crate::model) struct GoogleAccount {
    settings: Google,
    clients: CloudClients,
    kept: Kept<Secret>,
    clock: Arc<dyn Clock>,
}

impl GoogleAccount {
    /// The account that the configuration speaks of.
    pub(in crate::model) fn new(
        settings: &Google,
        clients: CloudClients,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            settings: settings.clone(),
            clients,
            kept: Kept::new(Arc::clone(&clock)),
            clock,
        }
    }

    /// What the operator says of it.
    pub(in crate::model) fn settings(&self) -> &Google {
        &self.settings
    }

    /// A token that holds.
    pub(in crate::model) async fn token(&self) -> Result<Secret, CloudError> {
        self.kept.get(self.find()).await
    }

    /// Says that Google refused the token; true where another one is asked for.
    pub(in crate::model) fn forget(&self, authorized: Instant) -> bool {
        self.kept.forget(authorized)
    }

    /// Looks through the places in the order of Google's tools, the official container's own
    /// variable first.
    async fn find(&self) -> Result<Fetched<Secret>, CloudError> {
        let Google {
            service_account,
            credentials_file,
            login_file,
            ..
        } = &self.settings;
        let (clients, now) = (&self.clients, self.clock.now());
        if let Some(json) = service_account {
            return token(clients, SERVICE_ACCOUNT, json.expose(), now).await;
        }
        if let Some(file) = credentials_file {
            let text = read_named_file(file).await?;
            return token(clients, &file.display().to_string(), &text, now).await;
        }
        if let Some(file) = login_file
            && let Some(text) = read_file(file).await?
        {
            return token(clients, &file.display().to_string(), &text, now).await;
        }
        let asked = self.ask_machine().await;
        asked.map_err(|error| CloudError::NoGoogle {
            tried: error.to_string(),
        })
    }

    /// The metadata server of a virtual machine or a pod of Google's.
    async fn ask_machine(&self) -> Result<Fetched<Secret>, CloudError> {
        let host = self.settings.metadata_host.as_deref().unwrap_or(METADATA);
        let url = format!(
            "http://{host}/computeMetadata/v1/instance/service-accounts/default/token?scopes={SCOPE}"
        );
        let request = self.clients.machine()?.get(&url);
        let request = request.header("metadata-flavor", "Google");
        let now = self.clock.now();
        let answer = fetch_json(request, &url).await?;
        read(&answer, now).ok_or_else(|| malformed(&url))
    }
}

const SERVICE_ACCOUNT: &str = "AIGW_GOOGLE_CLOUD_PLATFORM__SERVICE_ACCOUNT_JSON_KEY";

/// The address behind metadata.google.internal, which needs no resolver.
const METADATA: &str = "169.254.169.254";
