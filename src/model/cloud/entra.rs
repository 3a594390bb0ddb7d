//! An application at Entra ID, whose tokens stand for a key of Azure's (models-and-prompts 1.9).

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use reqwest::Url;
use serde_json::Value;

use tokio::time::Instant;

use super::{
    CloudClients, CloudError,
    fetch::{json, malformed, post_form},
    kept::{Fetched, Kept},
};
use crate::{
    config::EntraCredentials,
    foundation::{Clock, Secret},
};

/// An application that gets tokens by its password, asked for when the first call needs one.
#[derive(Debug)]
pub(in crate::model) struct EntraAccount {
    credentials: EntraCredentials,
    clients: CloudClients,
    kept: Kept<Secret>,
    clock: Arc<dyn Clock>,
}

impl EntraAccount {
    /// The application that the configuration names.
    pub(in crate::model) fn new(
        credentials: &EntraCredentials,
        clients: CloudClients,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            credentials: credentials.clone(),
            clients,
            kept: Kept::new(Arc::clone(&clock)),
            clock,
        }
    }

    /// A token that holds.
    pub(in crate::model) async fn token(&self) -> Result<Secret, CloudError> {
        self.kept.get(self.ask()).await
    }

    /// Says that Azure refused the token; true where another one is asked for.
    pub(in crate::model) fn forget(&self, authorized: Instant) -> bool {
        self.kept.forget(authorized)
    }

    async fn ask(&self) -> Result<Fetched<Secret>, CloudError> {
        let EntraCredentials {
            authority,
            tenant,
            client,
            secret,
        } = &self.credentials;
        let authority = authority.as_deref().unwrap_or(PUBLIC);
        let mut url = Url::parse(authority).map_err(|error| {
            CloudError::unusable("AZURE_AUTHORITY_HOST", format!("is no URL: {error}"))
        })?;
        let path = url.path().trim_end_matches('/');
        url.set_path(&format!("{path}/{tenant}/oauth2/v2.0/token"));
        let secret = secret.expose();
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", secret),
            ("scope", SCOPE),
        ];
        let now = self.clock.now();
        let body = post_form(&self.clients, url.as_str(), &fields, &[secret]).await?;
        let answer = json(&body, url.as_str())?;
        read(&answer, now).ok_or_else(|| malformed(url.as_str()))
    }
}

/// Reads a token; some authorities write its seconds as text.
fn read(answer: &Value, now: SystemTime) -> Option<Fetched<Secret>> {
    let token = answer.get("access_token")?.as_str()?;
    let lasts = answer.get("expires_in");
    let text = lasts.and_then(|lasts| lasts.as_str()?.parse().ok());
    let seconds = lasts.and_then(Value::as_u64).or(text).unwrap_or(UNSAID);
    (!token.is_empty()).then(|| Fetched {
        value: Secret::new(token),
        expires: Some(now + Duration::from_secs(seconds.min(LONGEST_TOKEN))),
    })
}

const PUBLIC: &str = "https://login.microsoftonline.com";
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";

/// Seconds that a token holds whose end is not told: less than any that was seen.
const UNSAID: u64 = 300;

/// In seconds; they last an hour, or a day at most.
const LONGEST_TOKEN: u64 = 86_400;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_end_of_a_token_is_read_however_it_is_written() {
        let now = SystemTime::UNIX_EPOCH;
        for (expires_in, seconds) in [
            (json!(3599), 3599),
            (json!("3599"), 3599),
            (json!(null), UNSAID),
            (json!(u64::MAX), 86_400),
        ] {
            let answer = json!({"access_token": "t", "expires_in": expires_in});
            let expires = read(&answer, now).unwrap().expires.unwrap();
            assert_eq!(expires.duration_since(now).unwrap().as_secs(), seconds);
        }
        assert!(read(&json!({"access_token": "", "expires_in": 1}), now).is_none());
    }
}
