//! Variables of vendors of models, as their own tools read them: a key for requests that bring
//! none, a URL for those that name none.

use super::{
    accounts::{Account, Accounts, AzureAccount, EntraCredentials},
    official::Reader,
};

impl Reader<'_> {
    /// Accounts at vendors.
    pub(super) fn accounts(&mut self) -> Accounts {
        Accounts {
            anthropic: self.account("ANTHROPIC", &["API_BASE", "BASE_URL"]),
            openai: self.account("OPENAI", &["API_BASE", "BASE_URL"]),
            mistral: self.account("MISTRAL", &["API_BASE"]),
            codestral: self.account("CODESTRAL", &["API_BASE"]),
            azure: AzureAccount {
                account: self.account("AZURE", &["API_BASE"]),
                api_version: self.first(&["AZURE_API_VERSION"]),
                entra: self.entra(),
            },
        }
    }

    fn account(&mut self, vendor: &str, bases: &[&str]) -> Account {
        let mut bases = bases.iter().map(|name| format!("{vendor}_{name}"));
        Account {
            base: bases.find_map(|name| self.url(&name)),
            key: self.secret(&format!("{vendor}_API_KEY")),
        }
    }

    fn entra(&mut self) -> Option<EntraCredentials> {
        let missing = ENTRA.into_iter().filter(|name| self.value(name).is_none());
        let missing: Vec<&str> = missing.collect();
        if !missing.is_empty() {
            if missing.len() < ENTRA.len() {
                let missing = missing.join(" and ");
                let notice = format!(
                    "models on Azure are not asked as an application: {missing} is missing"
                );
                self.official.notices.push(notice);
            }
            return None;
        }
        let [tenant, client, secret] = ENTRA;
        Some(EntraCredentials {
            authority: self.url("AZURE_AUTHORITY_HOST"),
            tenant: self.first(&[tenant])?,
            client: self.first(&[client])?,
            secret: self.secret(secret)?,
        })
    }
}

/// Together they name an application.
const ENTRA: [&str; 3] = ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"];
