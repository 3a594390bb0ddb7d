//! What is known of the operator's accounts at Amazon and Google, as their own variables say it.

use std::{fmt, path::PathBuf};

use crate::foundation::Secret;

/// Models of Amazon Bedrock (models-and-prompts 1.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Amazon {
    /// Where models are asked that name no region.
    pub region: Option<String>,
    /// A URL in the place of the region's own.
    pub runtime_endpoint: Option<String>,
    /// A key of Bedrock, in the place of signatures.
    pub bearer_token: Option<Secret>,
    /// What every call is filtered by.
    pub guardrail: Option<Guardrail>,
    /// Where signatures get their keys from.
    pub credentials: AmazonCredentials,
}

/// A filter of Bedrock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guardrail {
    /// Its name or ARN.
    pub identifier: String,
    /// Its version.
    pub version: Option<String>,
    /// Whether answers tell what it did: `enabled`, `disabled` or `enabled_full`.
    pub trace: Option<String>,
}

/// Places that hold keys, in the order in which they are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AmazonCredentials {
    /// The variables themselves.
    pub keys: Option<AmazonKeys>,
    /// The name of a profile; absent: `default`, which need not exist.
    pub profile: Option<String>,
    /// The file of profiles with keys.
    pub credentials_file: Option<PathBuf>,
    /// The file of profiles with everything else.
    pub config_file: Option<PathBuf>,
    /// A role that a token in a file stands for, as Kubernetes gives it.
    pub web_identity: Option<WebIdentity>,
    /// Who gives keys for such a token; absent: the region's own.
    pub token_service: Option<String>,
    /// A server beside the container that gives keys.
    pub container: Option<ContainerCredentials>,
    /// The server of the virtual machine that gives keys; absent where it is not to be asked.
    pub instance: Option<String>,
}

/// Keys of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmazonKeys {
    /// Which key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret,
    /// Where it holds for a while.
    pub session_token: Option<Secret>,
}

/// A role, and a token that stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebIdentity {
    /// Its ARN.
    pub role: String,
    /// The file with the token, which is written anew every hour or so.
    pub token_file: PathBuf,
    /// What the session is called in the account's log.
    pub session: Option<String>,
}

/// A server beside the container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerCredentials {
    /// The whole URL.
    pub url: String,
    /// What it is shown.
    pub authorization: Option<ContainerToken>,
}

/// What a server beside the container is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerToken {
    /// This.
    Text(Secret),
    /// What stands in a file, which is written anew at times.
    File(PathBuf),
}

/// Models of Google: Vertex AI and Gemini (models-and-prompts 1.10).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Google {
    /// The project whose models they are.
    pub project: Option<String>,
    /// Where they are asked; absent: `global`.
    pub location: Option<String>,
    /// A URL in the place of the location's own.
    pub vertex_endpoint: Option<String>,
    /// The key for Gemini where a request brings none.
    pub gemini_key: Option<Secret>,
    /// A key of a service account, as JSON.
    pub service_account: Option<Secret>,
    /// The file with credentials, where one is named.
    pub credentials_file: Option<PathBuf>,
    /// The file where a login by hand leaves credentials; need not exist.
    pub login_file: Option<PathBuf>,
    /// The server of the virtual machine that gives tokens: `host` or `host:port`.
    pub metadata_host: Option<String>,
}

impl fmt::Debug for Google {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Google")
            .field("project", &self.project)
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}
