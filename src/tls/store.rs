//! The certificates that are served now.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use rustls::ServerConfig;

use super::{
    Certificate, ServerParameters, TlsError, UnknownNames,
    lookup::{Choice, Lookup},
};
use crate::{
    config::Domain,
    telemetry::{CertificateLabels, Metrics},
};

/// What is served: one pointer, swapped as a whole. Handshakes take what is there when their
/// ClientHello arrives; connections keep what they began with.
#[derive(Debug)]
pub struct CertificateStore {
    /// The configured domains; the first one's certificate answers clients that send no name.
    domains: Vec<Domain>,
    unknown_names: UnknownNames,
    parameters: ServerParameters,
    metrics: Arc<Metrics>,
    lookup: ArcSwap<Lookup>,
}

impl CertificateStore {
    /// An empty store for `domains` (which may be empty where the operator's pair decides).
    pub fn new(
        domains: Vec<Domain>,
        unknown_names: UnknownNames,
        parameters: ServerParameters,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            domains,
            unknown_names,
            parameters,
            metrics,
            lookup: ArcSwap::default(),
        }
    }

    /// Serves `certificate` for `domains` from now on, in place of what was served for exactly
    /// this set before.
    pub fn install(&self, domains: &[Domain], certificate: Certificate) -> Result<(), TlsError> {
        let config = self.parameters.for_clients(certificate.certified_key())?;
        let entry = Arc::new(Entry {
            domains: domains.to_vec(),
            certificate,
            config: Arc::new(config),
        });
        self.measure(&entry);
        self.lookup.rcu(|current| {
            let mut entries = current.entries().to_vec();
            match entries.iter_mut().find(|old| old.domains == entry.domains) {
                Some(old) => *old = Arc::clone(&entry),
                None => entries.push(Arc::clone(&entry)),
            }
            Lookup::new(entries, self.domains.first())
        });
        Ok(())
    }

    /// Forgets what was installed for exactly this set of domains.
    pub fn retire(&self, domains: &[Domain]) {
        self.lookup.rcu(|current| {
            let kept = current
                .entries()
                .iter()
                .filter(|entry| entry.domains != domains);
            Lookup::new(kept.cloned().collect(), self.domains.first())
        });
    }

    /// Everything that is served now.
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.lookup.load().entries().to_vec()
    }

    /// What a client gets that asks for `name` at the address `local`.
    pub(super) fn choose(&self, name: Option<&str>, local: IpAddr) -> Choice {
        self.lookup.load().choose(name, local, self.unknown_names)
    }

    fn measure(&self, entry: &Entry) {
        let labels = CertificateLabels { name: entry.name() };
        let (metrics, certificate) = (&self.metrics, &entry.certificate);
        for (family, moment) in [
            (&metrics.certificate_not_before, certificate.not_before()),
            (&metrics.certificate_not_after, certificate.not_after()),
        ] {
            let since = moment.duration_since(SystemTime::UNIX_EPOCH);
            let seconds = since.unwrap_or(Duration::ZERO).as_secs();
            family
                .get_or_create(&labels)
                .set(i64::try_from(seconds).unwrap_or(i64::MAX));
        }
    }
}

/// One served certificate.
#[derive(Debug)]
pub struct Entry {
    domains: Vec<Domain>,
    certificate: Certificate,
    config: Arc<ServerConfig>,
}

impl Entry {
    /// The configured names it is served for.
    pub fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What logs and metrics call it: its first configured name, else its first own name.
    pub fn name(&self) -> String {
        self.domains
            .first()
            .map(Domain::to_string)
            .or_else(|| self.certificate.dns_names().first().cloned())
            .or_else(|| self.certificate.addresses().first().map(IpAddr::to_string))
            .unwrap_or_else(|| "unnamed".to_owned())
    }

    /// The configuration for handshakes; built once, at installation.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::TlsVersion, foundation::SystemClock, tls::temporary_certificate};

    fn store(domains: &[Domain], unknown: UnknownNames) -> CertificateStore {
        let parameters = ServerParameters::new(TlsVersion::V12).expect("the provider works");
        CertificateStore::new(domains.to_vec(), unknown, parameters, Arc::default())
    }

    fn name(text: &str) -> Domain {
        Domain::Name(text.to_owned())
    }

    fn chosen(store: &CertificateStore, name: Option<&str>, local: &str) -> String {
        match store.choose(name, local.parse().expect("an address")) {
            Choice::Serve(entry) => entry.name(),
            Choice::UnknownName => "unknown".to_owned(),
            Choice::Empty => "empty".to_owned(),
        }
    }

    #[test]
    fn names_addresses_and_the_first_domain_are_found() {
        let address = Domain::Address("192.0.2.7".parse().expect("an address"));
        let domains = [name("a.example"), name("b.example"), address.clone()];
        let store = store(&domains, UnknownNames::Refused);
        assert_eq!(chosen(&store, Some("a.example"), "127.0.0.1"), "empty");

        let make = |domains: &[Domain]| temporary_certificate(domains, &SystemClock);
        let (names, addresses) = (&domains[..2], std::slice::from_ref(&address));
        store
            .install(addresses, make(addresses).expect("rcgen works"))
            .expect("it serves");
        store
            .install(names, make(names).expect("rcgen works"))
            .expect("it serves");

        assert_eq!(chosen(&store, Some("B.Example."), "127.0.0.1"), "a.example");
        assert_eq!(chosen(&store, Some("c.example"), "127.0.0.1"), "unknown");
        assert_eq!(chosen(&store, None, "192.0.2.7"), "192.0.2.7");
        assert_eq!(chosen(&store, None, "::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(chosen(&store, None, "127.0.0.1"), "a.example");

        store
            .install(names, make(names).expect("rcgen works"))
            .expect("it serves");
        assert_eq!(store.entries().len(), 2, "replaced, not added");
    }

    #[test]
    fn wildcards_of_a_file_are_honoured_for_one_label() {
        let store = store(&[], UnknownNames::Refused);
        let wildcard = temporary_certificate(&[name("*.example.com")], &SystemClock);
        let wildcard = wildcard.expect("rcgen works");
        store.install(&[], wildcard).expect("it serves");
        let local = "127.0.0.1";
        assert_eq!(
            chosen(&store, Some("a.example.com"), local),
            "*.example.com"
        );
        assert_eq!(chosen(&store, Some("a.b.example.com"), local), "unknown");
        assert_eq!(chosen(&store, Some("example.com"), local), "unknown");
    }
}
