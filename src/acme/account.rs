//! The account at the ACME server: made once, kept, and made again only if the server lost it.

use std::path::{Path, PathBuf};

use instant_acme::{Account, AccountCredentials, ExternalAccountKey, NewAccount};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{AcmeError, client::AcmeHttp, pace::with_fresh_nonces, state};
use crate::config::ExternalAccount;

/// Opens the account when it is first needed and hands out clones.
pub(super) struct AccountDesk {
    http: AcmeHttp,
    directory: String,
    contact: Vec<String>,
    external: Option<ExternalAccount>,
    path: PathBuf,
    // Held while the account is opened, so that two keepers do not make two.
    account: Mutex<Option<Account>>,
}

impl AccountDesk {
    pub(super) fn new(
        http: AcmeHttp,
        directory: String,
        contact: &[String],
        external: Option<ExternalAccount>,
        state_folder: &Path,
    ) -> Self {
        let folder = state_folder
            .join("accounts")
            .join(state::folder_name(&directory));
        let contact = contact
            .iter()
            .map(|address| format!("mailto:{address}"))
            .collect();
        let path = folder.join("account.json");
        Self {
            http,
            directory,
            contact,
            external,
            path,
            account: Mutex::new(None),
        }
    }

    /// The directory of the server.
    pub(super) fn directory(&self) -> &str {
        &self.directory
    }

    /// The wire to the server.
    pub(super) fn http(&self) -> &AcmeHttp {
        &self.http
    }

    /// Where the server gives renewal information; none if it does not (RFC 9773 3).
    pub(super) async fn renewal_information(&self) -> Result<Option<String>, AcmeError> {
        let body = self.http.get(&self.directory).await;
        let body = body.map_err(AcmeError::at("directory"))?;
        let directory: RenewalPointer =
            serde_json::from_slice(&body).map_err(|error| AcmeError::Unusable {
                step: "directory",
                reason: error.to_string(),
            })?;
        Ok(directory.renewal_info)
    }

    /// What the last answer said about when to come again.
    pub(super) fn take_retry_after(&self) -> Option<std::time::Duration> {
        self.http.take_retry_after()
    }

    /// The account, from memory, from the state folder, or made now.
    pub(super) async fn account(&self) -> Result<Account, AcmeError> {
        let mut held = self.account.lock().await;
        if let Some(account) = &*held {
            return Ok(account.clone());
        }
        let account = match state::read_text(&self.path)? {
            Some(text) => self.restore(&text).await?,
            None => self.create().await?,
        };
        *held = Some(account.clone());
        Ok(account)
    }

    /// The server does not know our account any more: the next call makes a new one.
    pub(super) async fn forget(&self) -> Result<(), AcmeError> {
        *self.account.lock().await = None;
        tracing::warn!("the ACME server forgot our account; a new one will be made");
        state::remove(&self.path)
    }

    async fn restore(&self, text: &str) -> Result<Account, AcmeError> {
        let parse = || {
            serde_json::from_str::<AccountCredentials>(text).map_err(|error| AcmeError::Damaged {
                path: self.path.clone(),
                reason: error.to_string(),
            })
        };
        let credentials = parse()?;
        let builder = Account::builder_with_http(Box::new(self.http.clone()));
        builder
            .from_credentials(credentials)
            .await
            .map_err(AcmeError::at("account"))
    }

    async fn create(&self) -> Result<Account, AcmeError> {
        let contact: Vec<&str> = self.contact.iter().map(String::as_str).collect();
        let wanted = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let external = self.external.as_ref();
        let external =
            external.map(|account| ExternalAccountKey::new(account.kid.clone(), &account.hmac_key));
        let made = with_fresh_nonces!({
            let builder = Account::builder_with_http(Box::new(self.http.clone()));
            let directory = self.directory.clone();
            builder.create(&wanted, directory, external.as_ref()).await
        });
        let (account, credentials) = made.map_err(AcmeError::at("new account"))?;
        let text = serde_json::to_string(&credentials).map_err(|error| AcmeError::Damaged {
            path: self.path.clone(),
            reason: error.to_string(),
        })?;
        state::write(&self.path, text.as_bytes())?;
        tracing::info!(
            directory = self.directory,
            "made an account at the ACME server"
        );
        Ok(account)
    }
}

/// The part of a directory that the library reads and keeps to itself.
#[derive(Deserialize)]
struct RenewalPointer {
    #[serde(rename = "renewalInfo")]
    renewal_info: Option<String>,
}
