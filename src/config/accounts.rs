//! What is known of the operator's accounts at vendors of models, as their own variables say it
//! (models-and-prompts 1.2).

use crate::foundation::Secret;

/// Accounts by their vendors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// `ANTHROPIC_*`
    pub anthropic: Account,
    /// `OPENAI_*`
    pub openai: Account,
    /// `MISTRAL_*`
    pub mistral: Account,
    /// `CODESTRAL_*`
    pub codestral: Account,
    /// `AZURE_*`
    pub azure: AzureAccount,
}

/// An account that a key opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The URL that is asked where a request names none.
    pub base: Option<String>,
    /// The key for requests that bring none.
    pub key: Option<Secret>,
}

/// An account at Azure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AzureAccount {
    /// The URL and the key.
    pub account: Account,
    /// The version of the API where a URL names none.
    pub api_version: Option<String>,
    /// Who we are, where there is no key.
    pub entra: Option<EntraCredentials>,
}

/// An application that is registered with Entra ID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntraCredentials {
    /// The URL of the authority; absent: the public cloud's.
    pub authority: Option<String>,
    /// The directory.
    pub tenant: String,
    /// The application.
    pub client: String,
    /// Its password.
    pub secret: Secret,
}
