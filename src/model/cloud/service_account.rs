//! Google's files of credentials, and what its token service gives for them.

use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::Value;

use super::{
    CloudClients, CloudError,
    fetch::{json, malformed, post_form},
    kept::Fetched,
};
use crate::foundation::{RsaKey, Secret};

/// What a file holds; the fields of its kind.
#[derive(Deserialize)]
struct File {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    client_email: String,
    #[serde(default)]
    private_key: String,
    #[serde(default)]
    private_key_id: String,
    #[serde(default)]
    token_uri: Option<String>,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    client_secret: String,
    #[serde(default)]
    refresh_token: String,
}

/// A token for what a file or a variable holds; `place` is what errors call it.
pub(super) async fn token(
    clients: &CloudClients,
    place: &str,
    text: &str,
    now: SystemTime,
) -> Result<Fetched<Secret>, CloudError> {
    // what serde says may repeat a part of the key
    let file: File = serde_json::from_str(text).map_err(|_| {
        CloudError::unusable(place, "is no JSON of Google's; download the key again")
    })?;
    let url = file.token_uri.as_deref().unwrap_or(TOKEN_SERVICE);
    let body = match file.kind.as_str() {
        "service_account" => {
            let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
            let assertion = assertion(&file, place, url, now)?;
            let fields = [("grant_type", grant), ("assertion", &assertion)];
            post_form(clients, url, &fields, &[&assertion]).await?
        }
        "authorized_user" => {
            let (secret, refresh) = (file.client_secret.as_str(), file.refresh_token.as_str());
            let fields = [
                ("grant_type", "refresh_token"),
                ("client_id", &file.client_id),
                ("client_secret", secret),
                ("refresh_token", refresh),
            ];
            post_form(clients, url, &fields, &[secret, refresh]).await?
        }
        _ => {
            let problem = "is of a type that is not read here; use a key of a service account";
            return Err(CloudError::unusable(place, problem));
        }
    };
    let answer = json(&body, url)?;
    read(&answer, now).ok_or_else(|| malformed(url))
}

/// Reads the answer of a token service or of a metadata server.
pub(super) fn read(answer: &Value, now: SystemTime) -> Option<Fetched<Secret>> {
    let seconds = answer.get("expires_in")?.as_u64()?;
    Some(Fetched {
        value: Secret::new(answer.get("access_token")?.as_str()?),
        expires: now.checked_add(Duration::from_secs(seconds)),
    })
}

/// Says by its key who asks (RFC 7523).
fn assertion(file: &File, place: &str, url: &str, now: SystemTime) -> Result<String, CloudError> {
    let key = RsaKey::from_pem(&file.private_key)
        .map_err(|error| CloudError::unusable(place, format!("private_key: {error}")))?;
    let since = now.duration_since(SystemTime::UNIX_EPOCH);
    let issued = since.unwrap_or_default().as_secs();
    let header = serde_json::json!({"alg": "RS256", "typ": "JWT", "kid": file.private_key_id});
    let claims = serde_json::json!({
        "iss": file.client_email,
        "scope": SCOPE,
        "aud": url,
        "iat": issued,
        "exp": issued + LIFETIME_SECONDS,
    });
    let token = key.sign_token(header.to_string().as_bytes(), claims.to_string().as_bytes());
    token.ok_or_else(|| CloudError::unusable(place, "private_key: cannot sign"))
}

/// What models need.
pub(super) const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Where a file names none.
const TOKEN_SERVICE: &str = "https://oauth2.googleapis.com/token";

/// The longest that Google takes.
const LIFETIME_SECONDS: u64 = 3600;
