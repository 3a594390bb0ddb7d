//! One attempt to obtain a certificate from one ACME server.

use std::sync::Arc;

use instant_acme::{Account, CertificateIdentifier, Identifier, NewOrder, Order, OrderStatus};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls_pki_types::{CertificateSigningRequestDer, pem::PemObject};

use super::{
    AcmeError,
    pace::{Pace, with_fresh_nonces},
    proof,
    renewal_info::seconds,
    state::{CertificateFolder, Identity, PendingOrder, Provenance, Stored},
};
use crate::{
    config::{ChallengeKind, Domain},
    foundation::Clock,
    tls::ChallengeResponder,
};

/// What an attempt at one server needs.
pub(super) struct Attempt<'a> {
    pub(super) account: &'a Account,
    /// The directory of the server.
    pub(super) directory: &'a str,
    pub(super) identity: Identity,
    pub(super) domains: &'a [Domain],
    pub(super) folder: &'a CertificateFolder,
    pub(super) clock: &'a dyn Clock,
    /// Those that can answer, the preferred first.
    pub(super) responders: Vec<Arc<dyn ChallengeResponder>>,
    /// What the new certificate takes the place of, where the server is to know.
    pub(super) replaces: Option<CertificateIdentifier<'static>>,
    /// How many proofs may fail.
    pub(super) proofs: usize,
}

/// What an attempt brought.
pub(super) struct Issued {
    pub(super) stored: Stored,
    /// The challenge that was used, if one was needed.
    pub(super) challenge: Option<ChallengeKind>,
}

/// Why an attempt brought nothing.
pub(super) struct Failure {
    pub(super) error: AcmeError,
    /// How many proofs failed; each counts against the server's limits.
    pub(super) failed_proofs: usize,
}

impl From<AcmeError> for Failure {
    fn from(error: AcmeError) -> Self {
        let failed_proofs = usize::from(error.is_failed_proof());
        Self {
            error,
            failed_proofs,
        }
    }
}

impl Attempt<'_> {
    /// Follows up an order that was on its way when the process died, else makes new ones, one for
    /// each kind of challenge until one works.
    pub(super) async fn run(mut self) -> Result<Issued, Failure> {
        if let Some(issued) = self.follow_up().await? {
            return Ok(issued);
        }
        let mut failed_proofs = 0;
        let mut failure = AcmeError::NoResponder;
        for _ in 0..self.proofs.min(self.responders.len()) {
            match self.order().await {
                Ok(issued) => return Ok(issued),
                Err(error @ (AcmeError::Unproved { .. } | AcmeError::NoCommonChallenge { .. })) => {
                    tracing::warn!(%error, "this kind of challenge does not work");
                    // A failed authorization ends its order, so the next kind needs a new one.
                    self.folder.drop_order(self.directory)?;
                    self.responders.rotate_left(1);
                    failed_proofs += usize::from(error.is_failed_proof());
                    failure = error;
                }
                Err(error) => {
                    return Err(Failure {
                        error,
                        failed_proofs,
                    });
                }
            }
        }
        Err(Failure {
            error: failure,
            failed_proofs,
        })
    }

    /// The certificate of the order under way, if there is one that is still good.
    async fn follow_up(&self) -> Result<Option<Issued>, AcmeError> {
        let Some(pending) = self.folder.pending_order(self.directory) else {
            return Ok(None);
        };
        if pending.identity == self.identity {
            match self.resume(&pending).await {
                Ok(issued) => return Ok(Some(issued)),
                Err(error) if error.is_passing() => return Err(error),
                Err(error) => {
                    self.folder.drop_order(self.directory)?;
                    if error.account_is_gone() || error.is_failed_proof() {
                        return Err(error);
                    }
                    tracing::info!(%error, "the order under way cannot be used; making a new one");
                }
            }
        } else {
            self.folder.drop_order(self.directory)?;
        }
        Ok(None)
    }

    /// Makes an order and sees it through. It is written down as soon as the server has it, so
    /// that a kill costs no second one.
    async fn order(&self) -> Result<Issued, AcmeError> {
        let (key, request) = self.signing_request()?;
        // A certificate that could not be kept must not be ordered.
        self.folder.probe()?;
        let order = self.new_order().await?;
        let pending = PendingOrder {
            url: order.url().to_owned(),
            identity: self.identity.clone(),
            key_pem: key.serialize_pem(),
            request_pem: request,
        };
        self.folder.keep_order(self.directory, &pending)?;
        tracing::info!(
            name = self.name(),
            directory = self.directory,
            "ordered a certificate"
        );
        self.see_through(order, &pending).await
    }

    async fn new_order(&self) -> Result<Order, AcmeError> {
        let identifiers: Vec<_> = self.domains.iter().map(identifier).collect();
        if let Some(replaces) = &self.replaces {
            let wanted = self.wanted(&identifiers).replaces(replaces.clone());
            let made = with_fresh_nonces!(self.account.new_order(&wanted).await);
            // The library refuses to say it to a server without renewal information.
            if !matches!(made, Err(instant_acme::Error::Unsupported(_))) {
                match made.map_err(AcmeError::at("new order")) {
                    Err(error) if error.may_be_about_replacing() => {
                        tracing::info!(%error, "ordering without saying what is replaced");
                    }
                    outcome => return outcome,
                }
            }
        }
        let wanted = self.wanted(&identifiers);
        with_fresh_nonces!(self.account.new_order(&wanted).await)
            .map_err(AcmeError::at("new order"))
    }

    fn wanted<'a>(&'a self, identifiers: &'a [Identifier]) -> NewOrder<'a> {
        let wanted = NewOrder::new(identifiers);
        match &self.identity.profile {
            Some(profile) => wanted.profile(profile),
            None => wanted,
        }
    }

    async fn resume(&self, pending: &PendingOrder) -> Result<Issued, AcmeError> {
        let found = with_fresh_nonces!(self.account.order(pending.url.clone()).await);
        let mut order = found.map_err(AcmeError::at("order"))?;
        if order.state().status == OrderStatus::Invalid {
            return Err(AcmeError::WrongCertificate(
                "the order under way became invalid".to_owned(),
            ));
        }
        tracing::info!(name = self.name(), "following up the order under way");
        self.see_through(order, pending).await
    }

    /// From an order to a stored certificate.
    async fn see_through(
        &self,
        mut order: Order,
        pending: &PendingOrder,
    ) -> Result<Issued, AcmeError> {
        let challenge = match order.state().status {
            OrderStatus::Pending => proof::prove(&mut order, &self.responders, self.clock).await?,
            _ => None,
        };
        let chain = self.complete(order, pending).await?;
        let provenance = Provenance {
            directory: self.directory.to_owned(),
            profile: self.identity.profile.clone(),
            obtained_at: seconds(self.clock.now()),
        };
        let stored = self.folder.store(&chain, &pending.key_pem, provenance)?;
        self.folder.drop_order(self.directory)?;
        Ok(Issued { stored, challenge })
    }

    /// From a proved order to the chain in PEM.
    async fn complete(
        &self,
        mut order: Order,
        pending: &PendingOrder,
    ) -> Result<String, AcmeError> {
        let request = CertificateSigningRequestDer::from_pem_slice(pending.request_pem.as_bytes())
            .map_err(|error| AcmeError::WrongCertificate(error.to_string()))?;
        if order.state().status == OrderStatus::Ready {
            with_fresh_nonces!(order.finalize_csr(&request).await)
                .map_err(AcmeError::at("finalize"))?;
        }
        let mut pace = Pace::new(self.clock, "issuance");
        loop {
            match order.state().status {
                OrderStatus::Valid => break,
                OrderStatus::Invalid => {
                    return Err(AcmeError::WrongCertificate(
                        "the order became invalid after it was proved".to_owned(),
                    ));
                }
                _ => pace.wait(None).await?,
            }
            with_fresh_nonces!(order.refresh().await.map(|_| ()))
                .map_err(AcmeError::at("order"))?;
        }
        with_fresh_nonces!(order.certificate().await)
            .map_err(AcmeError::at("certificate"))?
            .ok_or_else(|| AcmeError::WrongCertificate("the order has none".to_owned()))
    }

    /// A fresh P-256 key and its signing request in PEM.
    fn signing_request(&self) -> Result<(KeyPair, String), AcmeError> {
        let failed = |error: rcgen::Error| AcmeError::WrongCertificate(error.to_string());
        let key = KeyPair::generate().map_err(failed)?;
        let names: Vec<_> = self.domains.iter().map(ToString::to_string).collect();
        let mut parameters = CertificateParams::new(names).map_err(failed)?;
        parameters.distinguished_name = DistinguishedName::new();
        let request = parameters.serialize_request(&key).map_err(failed)?;
        let request = request.pem().map_err(failed)?;
        Ok((key, request))
    }

    fn name(&self) -> String {
        self.domains
            .first()
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

fn identifier(domain: &Domain) -> Identifier {
    match domain {
        Domain::Name(name) => Identifier::Dns(name.clone()),
        Domain::Address(address) => Identifier::Ip(*address),
    }
}
