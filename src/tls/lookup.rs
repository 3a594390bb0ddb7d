//! Which certificate answers a name or an address: pure tables, rebuilt at each change.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use super::store::Entry;
use crate::config::Domain;

/// What a client gets that asks for a name nobody configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownNames {
    /// The alert `unrecognized_name`: the certificate would be wrong for it anyway.
    Refused,
    /// The first certificate: the operator gave one pair for this port, whatever it is called.
    ServedTheFirst,
}

/// The outcome of a look-up.
#[derive(Clone, Debug)]
pub(super) enum Choice {
    /// Serve this one.
    Serve(Arc<Entry>),
    /// Nothing is installed for this name.
    UnknownName,
    /// Nothing is installed at all.
    Empty,
}

/// All entries with the tables that find them.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    entries: Vec<Arc<Entry>>,
    first: Option<Arc<Entry>>,
    names: HashMap<String, Arc<Entry>>,
    /// By the part after `*.`.
    wildcards: HashMap<String, Arc<Entry>>,
    addresses: HashMap<IpAddr, Arc<Entry>>,
}

impl Lookup {
    /// Tables for `entries`. `first_domain` decides which of them answers without a name.
    pub(super) fn new(entries: Vec<Arc<Entry>>, first_domain: Option<&Domain>) -> Self {
        let first = entries
            .iter()
            .find(|entry| first_domain.is_some_and(|first| entry.domains().contains(first)))
            .or_else(|| entries.first())
            .cloned();
        let mut lookup = Self {
            first,
            ..Self::default()
        };
        for entry in &entries {
            lookup.add_configured(entry);
        }
        for entry in &entries {
            lookup.add_certified(entry);
        }
        lookup.entries = entries;
        lookup
    }

    /// The entries in the order in which they were installed.
    pub(super) fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// The certificate for a client that asked for `name` at `local`.
    pub(super) fn choose(
        &self,
        name: Option<&str>,
        local: IpAddr,
        unknown: UnknownNames,
    ) -> Choice {
        let Some(first) = &self.first else {
            return Choice::Empty;
        };
        let found = match name {
            Some(name) => self.by_name(name),
            None => self.addresses.get(&local.to_canonical()).or(Some(first)),
        };
        match (found, unknown) {
            (Some(entry), _) => Choice::Serve(Arc::clone(entry)),
            (None, UnknownNames::ServedTheFirst) => Choice::Serve(Arc::clone(first)),
            (None, UnknownNames::Refused) => Choice::UnknownName,
        }
    }

    fn by_name(&self, name: &str) -> Option<&Arc<Entry>> {
        let name = canonical(name);
        self.names.get(&name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.wildcards.get(parent)
        })
    }

    fn add_configured(&mut self, entry: &Arc<Entry>) {
        for domain in entry.domains() {
            match domain {
                Domain::Name(name) => {
                    self.names.insert(canonical(name), Arc::clone(entry));
                }
                Domain::Address(address) => {
                    self.addresses
                        .insert(address.to_canonical(), Arc::clone(entry));
                }
            }
        }
    }

    /// Names that only the certificate knows; what is configured wins.
    fn add_certified(&mut self, entry: &Arc<Entry>) {
        let certificate = entry.certificate();
        for name in certificate.dns_names() {
            let table = match name.strip_prefix("*.") {
                Some(parent) => self.wildcards.entry(parent.to_owned()),
                None => self.names.entry(canonical(name)),
            };
            table.or_insert_with(|| Arc::clone(entry));
        }
        for address in certificate.addresses() {
            self.addresses
                .entry(address.to_canonical())
                .or_insert_with(|| Arc::clone(entry));
        }
    }
}

/// Names as they are compared: lower case, without the final dot that some clients send.
fn canonical(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}
