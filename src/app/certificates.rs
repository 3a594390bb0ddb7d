//! Where each port's certificate comes from.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{ServeError, base::Base, connections::Transport, keeping::Keeping};
use crate::{
    acme::{self, AcmeStatus, RenewalWish},
    admin::{Readiness, RenewalAnswer},
    config::{ChallengeKind, Domain, DropInTls, TlsSource},
    tls::{
        CertificateOrigin, CertificateStore, ChallengeCertificates, ChallengeResponder, Entry,
        FilePair, FileSource, Handshaker, InternalSource, ServerParameters, TlsError, UnknownNames,
    },
};

/// The certificate stores of all ports, and what fills them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Certificates {
    main: Option<Port>,
    gateway: Option<Port>,
    agent_platform: Option<Port>,
    acme: Option<Arc<AcmeStatus>>,
    internal_root: Option<PathBuf>,
}

#[derive(Clone)]
struct Port {
    store: Arc<CertificateStore>,
    handshaker: Arc<Handshaker>,
    /// What fills the store; it ends with the last port that has it.
    keeping: Arc<Keeping>,
}

impl Certificates {
    /// Fills every store that a listener needs and keeps them filled.
    pub(super) fn start(base: &Base) -> Result<Self, ServeError> {
        let mut certificates = Self::drop_ins(base, None)?;
        certificates.start_main(base)?;
        Ok(certificates)
    }

    /// Ports whose part of the configuration did not change go on as they are, keepers and all.
    /// The others are made anew from what the state folder and the files hold.
    pub(super) async fn renewed(&self, base: &Base) -> Result<Self, ServeError> {
        let mut certificates = Self::drop_ins(base, Some(self))?;
        let wanted = Keeping::wanted_by_main(&base.config);
        match &self.main {
            Some(port)
                if wanted
                    .as_ref()
                    .is_some_and(|wanted| port.keeping.is(wanted)) =>
            {
                certificates.main = Some(port.clone());
                certificates.acme.clone_from(&self.acme);
                certificates.internal_root.clone_from(&self.internal_root);
            }
            Some(port) => {
                // Two keepers must not work on one state folder.
                port.keeping.end().await;
                certificates.start_main(base)?;
            }
            None => certificates.start_main(base)?,
        }
        Ok(certificates)
    }

    /// Ends what fills the stores; what is in them is served on.
    pub(super) async fn end_keeping(&self) {
        let ports = [&self.main, &self.gateway, &self.agent_platform];
        for port in ports.into_iter().flatten() {
            port.keeping.end().await;
        }
    }

    /// Forgets the metrics of certificates that are served no more.
    pub(super) fn replace(&self, old: &Self, base: &Base) {
        let names: Vec<String> = self.entries().iter().map(|entry| entry.name()).collect();
        for entry in old.entries() {
            let name = entry.name();
            if !names.contains(&name) {
                base.metrics.forget_certificate(&name);
            }
        }
    }

    fn drop_ins(base: &Base, old: Option<&Self>) -> Result<Self, ServeError> {
        let tls = &base.config.tls;
        let (gateway, agent) = (tls.gateway.as_ref(), tls.agent_platform.as_ref());
        let old_gateway = old.and_then(|old| old.gateway.as_ref());
        let old_agent = old.and_then(|old| old.agent_platform.as_ref());
        Ok(Self {
            main: None,
            gateway: drop_in(base, gateway, FilePair::gateway, old_gateway)?,
            agent_platform: drop_in(base, agent, FilePair::agent_platform, old_agent)?,
            acme: None,
            internal_root: None,
        })
    }

    fn start_main(&mut self, base: &Base) -> Result<(), ServeError> {
        let config = &base.config;
        let Some(wanted) = Keeping::wanted_by_main(config) else {
            return Ok(());
        };
        let parameters = ServerParameters::new(config.tls.min_version)?;
        let domains = config.domains.clone();
        let unknown = match config.tls.source {
            TlsSource::Files => UnknownNames::ServedTheFirst,
            TlsSource::Acme | TlsSource::Internal => UnknownNames::Refused,
        };
        let challenges = Arc::new(ChallengeCertificates::new(
            parameters.clone(),
            base.services.clock.clone(),
        ));
        let store = Arc::new(CertificateStore::new(
            domains.clone(),
            unknown,
            parameters,
            Arc::clone(&base.metrics),
        ));
        let keeping = Keeping::new(wanted, &base.shutdown);
        match config.tls.source {
            TlsSource::Files => {
                let files = config.tls.files.clone().ok_or(TlsError::NoCertificate)?;
                follow_files(base, FilePair::main(files), domains, &store, &keeping)?;
            }
            TlsSource::Internal => {
                let clock = Arc::clone(&base.services.clock);
                let source =
                    InternalSource::open(&config.tls.state, domains, Arc::clone(&store), clock)?;
                self.internal_root = Some(source.root_path());
                source.keep(keeping.tasks(), keeping.signal());
            }
            TlsSource::Acme => {
                self.acme = Some(start_acme(base, &store, &challenges, &keeping)?);
            }
        }
        self.main = Some(port(base, store, Some(challenges), keeping));
        Ok(())
    }

    /// The TLS port for everything.
    pub(super) fn https(&self) -> Transport {
        self.main.as_ref().map_or(Transport::Clear, |port| {
            Transport::Tls(port.handshaker.clone())
        })
    }

    /// Port 5052: clear, or TLS only where the official variables say so.
    pub(super) fn gateway(&self) -> Transport {
        let port = self.gateway.as_ref();
        port.map_or(Transport::Clear, |port| {
            Transport::Tls(port.handshaker.clone())
        })
    }

    /// Port 50052: whenever there is a certificate, the first byte decides.
    pub(super) fn agent_platform(&self) -> Transport {
        let port = self.agent_platform.as_ref().or(self.main.as_ref());
        port.map_or(Transport::Clear, |port| {
            Transport::Either(port.handshaker.clone())
        })
    }

    /// The root that clients of the internal authority have to trust.
    pub(super) fn internal_root(&self) -> Option<&Path> {
        self.internal_root.as_deref()
    }

    /// Every certificate served now.
    pub(super) fn entries(&self) -> Vec<Arc<Entry>> {
        let ports = [&self.main, &self.gateway, &self.agent_platform];
        ports
            .into_iter()
            .flatten()
            .flat_map(|port| port.store.entries())
            .collect()
    }

    /// Not ready while a name has only its temporary certificate. Health checks of a load
    /// balancer must use liveness, or validation never arrives.
    pub(super) fn readiness(&self) -> Option<Readiness> {
        let entries = self.entries();
        if self.main.is_none() && entries.is_empty() {
            return None;
        }
        let waiting: Vec<String> = entries
            .iter()
            .filter(|entry| entry.certificate().origin() == CertificateOrigin::Temporary)
            .map(|entry| entry.name())
            .collect();
        let detail = if waiting.is_empty() {
            "every name has its certificate".to_owned()
        } else {
            format!("no certificate yet for {}", waiting.join(", "))
        };
        Some(Readiness {
            part: "certificates",
            ready: waiting.is_empty(),
            detail,
        })
    }

    /// Renews a certificate now, where the source is one that renews.
    pub(super) fn renew(&self, name: &str, now: SystemTime) -> RenewalAnswer {
        let refused = |detail: String| RenewalAnswer {
            granted: false,
            detail,
            known: None,
        };
        let granted = |detail: &str| RenewalAnswer {
            granted: true,
            detail: format!("{name}: {detail}"),
            known: None,
        };
        let Some(acme) = &self.acme else {
            return refused(
                "no certificate here comes from an ACME server (tls.source is not acme): files are \
                 read again when they change, and internal certificates are renewed by themselves"
                    .to_owned(),
            );
        };
        match acme.renew(name, now) {
            RenewalWish::Granted => granted("an attempt begins now"),
            RenewalWish::UnderWay => granted("an attempt is under way"),
            RenewalWish::AskedToWait(until) => refused(format!(
                "{name}: the ACME server asked us to wait until {until}; try again then"
            )),
            RenewalWish::Unknown(known) => RenewalAnswer {
                granted: false,
                detail: format!(
                    "no certificate is called {name:?}; there are: {}",
                    known.join(", ")
                ),
                known: Some(known),
            },
        }
    }

    /// What `/certs` shows: acme's own report where it is the source, else what is served.
    pub(super) fn report(&self, now: SystemTime) -> serde_json::Value {
        if let Some(acme) = &self.acme {
            return acme.report(now);
        }
        let entries = self.entries();
        let shown: Vec<_> = entries.iter().map(|entry| describe(entry, now)).collect();
        serde_json::json!({ "certificates": shown })
    }
}

fn port(
    base: &Base,
    store: Arc<CertificateStore>,
    challenges: Option<Arc<ChallengeCertificates>>,
    keeping: Keeping,
) -> Port {
    let handshaker = Handshaker::new(
        Arc::clone(&store),
        challenges,
        base.config.limits.tls_handshake,
        Arc::clone(&base.metrics),
    );
    Port {
        store,
        handshaker: Arc::new(handshaker),
        keeping: Arc::new(keeping),
    }
}

/// A port of the official container with a pair of its own.
fn drop_in(
    base: &Base,
    tls: Option<&DropInTls>,
    pair: fn(crate::config::TlsFiles) -> FilePair,
    old: Option<&Port>,
) -> Result<Option<Port>, ServeError> {
    let Some(tls) = tls else { return Ok(None) };
    let wanted = Keeping::wanted_by_drop_in(&base.config, tls);
    if let Some(old) = old.filter(|old| old.keeping.is(&wanted)) {
        return Ok(Some(old.clone()));
    }
    let parameters = ServerParameters::new(base.config.tls.min_version)?;
    let store = Arc::new(CertificateStore::new(
        Vec::new(),
        UnknownNames::ServedTheFirst,
        parameters,
        Arc::clone(&base.metrics),
    ));
    let keeping = Keeping::new(wanted, &base.shutdown);
    follow_files(base, pair(tls.files.clone()), Vec::new(), &store, &keeping)?;
    Ok(Some(port(base, store, None, keeping)))
}

fn follow_files(
    base: &Base,
    pair: FilePair,
    domains: Vec<Domain>,
    store: &Arc<CertificateStore>,
    keeping: &Keeping,
) -> Result<(), TlsError> {
    let clock = Arc::clone(&base.services.clock);
    let source = FileSource::open(
        pair,
        domains,
        Arc::clone(store),
        Arc::clone(&base.metrics),
        clock,
    )?;
    source.watch(keeping.tasks(), keeping.signal());
    Ok(())
}

/// Those who can answer, as far as their port is open, in the order of the configuration.
fn start_acme(
    base: &Base,
    store: &Arc<CertificateStore>,
    challenges: &Arc<ChallengeCertificates>,
    keeping: &Keeping,
) -> Result<Arc<AcmeStatus>, ServeError> {
    let config = &base.config;
    let responder = |kind: &ChallengeKind| -> Option<Arc<dyn ChallengeResponder>> {
        match kind {
            ChallengeKind::TlsAlpn01 => config.listen.https.map(|_| Arc::clone(challenges) as _),
            ChallengeKind::Http01 => config.listen.http.map(|_| Arc::clone(&base.tokens) as _),
        }
    };
    let around = acme::Surroundings {
        store: Arc::clone(store),
        responders: config
            .tls
            .acme
            .challenges
            .iter()
            .filter_map(responder)
            .collect(),
        clock: Arc::clone(&base.services.clock),
        randomness: Arc::clone(&base.services.randomness),
        metrics: Arc::clone(&base.metrics),
        tasks: keeping.tasks().clone(),
        shutdown: keeping.signal(),
    };
    Ok(acme::start(config, around)?)
}

fn describe(entry: &Entry, now: SystemTime) -> serde_json::Value {
    let certificate = entry.certificate();
    let left = certificate
        .not_after()
        .duration_since(now)
        .unwrap_or_default();
    let domains: Vec<_> = entry.domains().iter().map(ToString::to_string).collect();
    serde_json::json!({
        "name": entry.name(),
        "domains": domains,
        "state": if left.is_zero() { "expired" } else { "valid" },
        "issuer": certificate.issuer(),
        "serial": certificate.serial(),
        "not_before": timestamp(certificate.not_before()),
        "not_after": timestamp(certificate.not_after()),
        "days_left": left.as_secs() / 86_400,
    })
}

fn timestamp(time: SystemTime) -> Option<String> {
    let format = time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::from(time).format(&format).ok()
}
