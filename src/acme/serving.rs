//! What handshakes get while a certificate is kept: the issued one, or the best there is.

use std::sync::Arc;

use super::{AcmeError, start::Surroundings};
use crate::{
    config::Domain,
    tls::{Certificate, temporary_certificate},
};

/// The served side of one certificate.
pub(super) struct Serving {
    domains: Vec<Domain>,
    around: Arc<Surroundings>,
}

impl Serving {
    pub(super) fn new(domains: &[Domain], around: &Arc<Surroundings>) -> Self {
        Self {
            domains: domains.to_vec(),
            around: Arc::clone(around),
        }
    }

    /// Serves an issued certificate for exactly our domains.
    pub(super) fn install(&self, certificate: Certificate) -> Result<(), AcmeError> {
        self.around.store.install(&self.domains, certificate)?;
        // What was served meanwhile for parts of our domains has done its work.
        for entry in self.around.store.entries() {
            let part = entry.domains() != self.domains
                && entry
                    .domains()
                    .iter()
                    .all(|domain| self.domains.contains(domain));
            if part {
                self.around.store.retire(entry.domains());
            }
        }
        Ok(())
    }

    /// Until the first certificate for exactly our domains: a stored one for those it has, and
    /// self-signed ones for the right names for the others.
    pub(super) fn meanwhile(&self, stored: Option<Certificate>) -> Result<(), AcmeError> {
        let (had, lacking): (Vec<_>, Vec<_>) = self
            .domains
            .iter()
            .cloned()
            .partition(|domain| stored.as_ref().is_some_and(|stored| covers(stored, domain)));
        if let (Some(stored), false) = (stored, had.is_empty()) {
            self.around.store.install(&had, stored)?;
        }
        if !lacking.is_empty() {
            let temporary = temporary_certificate(&lacking, &*self.around.clock)?;
            self.around.store.install(&lacking, temporary)?;
        }
        Ok(())
    }

    /// True if a certificate is for all our domains and no others.
    pub(super) fn is_ours(&self, certificate: &Certificate) -> bool {
        let names = certificate.dns_names().len() + certificate.addresses().len();
        names == self.domains.len()
            && self
                .domains
                .iter()
                .all(|domain| covers(certificate, domain))
    }
}

fn covers(certificate: &Certificate, domain: &Domain) -> bool {
    match domain {
        Domain::Name(name) => certificate.dns_names().iter().any(|has| has == name),
        Domain::Address(address) => certificate.addresses().contains(address),
    }
}
