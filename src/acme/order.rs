//! One attempt to obtain a certificate.

use std::sync::Arc;

use instant_acme::{Account, Identifier, NewOrder, Order, OrderStatus};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls_pki_types::{CertificateSigningRequestDer, pem::PemObject};

use super::{
    AcmeError,
    pace::{Pace, with_fresh_nonces},
    proof,
    state::{CertificateFolder, PendingOrder},
};
use crate::{
    config::{ChallengeKind, Domain},
    foundation::Clock,
    tls::{Certificate, ChallengeResponder},
};

/// What an attempt needs.
pub(super) struct Attempt<'a> {
    pub(super) account: &'a Account,
    pub(super) domains: &'a [Domain],
    pub(super) folder: &'a CertificateFolder,
    pub(super) clock: &'a dyn Clock,
    /// Those that can answer, the preferred first.
    pub(super) responders: Vec<Arc<dyn ChallengeResponder>>,
}

/// What an attempt brought.
pub(super) struct Issued {
    pub(super) certificate: Certificate,
    /// The challenge that was used, if one was needed.
    pub(super) challenge: Option<ChallengeKind>,
}

impl Attempt<'_> {
    /// Follows up an order that was on its way when the process died, else makes new ones.
    pub(super) async fn run(mut self) -> Result<Issued, AcmeError> {
        if let Some(pending) = self.folder.pending_order()? {
            match self.resume(&pending).await {
                Ok(certificate) => {
                    return Ok(Issued {
                        certificate,
                        challenge: None,
                    });
                }
                Err(error) if error.account_is_gone() => {
                    self.folder.drop_order()?;
                    return Err(error);
                }
                Err(error) => {
                    tracing::info!(%error, "the order under way cannot be used; making a new one");
                    self.folder.drop_order()?;
                }
            }
        }
        let mut failure = None;
        for _ in 0..ORDERS_PER_ATTEMPT.min(self.responders.len()) {
            match self.order().await {
                Ok(issued) => return Ok(issued),
                Err(error @ (AcmeError::Unproved { .. } | AcmeError::NoCommonChallenge { .. })) => {
                    tracing::warn!(%error, "trying the next kind of challenge");
                    failure = Some(error);
                    // A failed authorization ends its order, so the next kind needs a new one.
                    self.responders.rotate_left(1);
                }
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or(AcmeError::NoResponder))
    }

    async fn order(&self) -> Result<Issued, AcmeError> {
        let identifiers: Vec<_> = self.domains.iter().map(identifier).collect();
        let wanted = NewOrder::new(&identifiers);
        let mut order = with_fresh_nonces!(self.account.new_order(&wanted).await)
            .map_err(AcmeError::at("new order"))?;
        tracing::info!(name = self.name(), "ordered a certificate");
        let challenge = match order.state().status {
            OrderStatus::Pending => proof::prove(&mut order, &self.responders, self.clock).await?,
            _ => None,
        };
        let (key, request) = self.signing_request()?;
        let pending = PendingOrder {
            url: order.url().to_owned(),
            key_pem: key.serialize_pem(),
            request_pem: request,
        };
        self.folder.keep_order(&pending)?;
        let certificate = self.complete(order, &pending).await?;
        Ok(Issued {
            certificate,
            challenge,
        })
    }

    async fn resume(&self, pending: &PendingOrder) -> Result<Certificate, AcmeError> {
        let found = with_fresh_nonces!(self.account.order(pending.url.clone()).await);
        let mut order = found.map_err(AcmeError::at("order"))?;
        match order.state().status {
            OrderStatus::Ready | OrderStatus::Processing | OrderStatus::Valid => {
                tracing::info!(name = self.name(), "following up the order under way");
                self.complete(order, pending).await
            }
            OrderStatus::Pending | OrderStatus::Invalid => Err(AcmeError::Unusable {
                step: "order",
                reason: "it is not far enough to be followed up".to_owned(),
            }),
        }
    }

    /// From a proved order to a stored certificate.
    async fn complete(
        &self,
        mut order: Order,
        pending: &PendingOrder,
    ) -> Result<Certificate, AcmeError> {
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
                    return Err(AcmeError::Unusable {
                        step: "finalize",
                        reason: "the order became invalid".to_owned(),
                    });
                }
                _ => pace.wait(None).await?,
            }
            with_fresh_nonces!(order.refresh().await.map(|_| ()))
                .map_err(AcmeError::at("order"))?;
        }
        let chain = with_fresh_nonces!(order.certificate().await)
            .map_err(AcmeError::at("certificate"))?
            .ok_or_else(|| AcmeError::WrongCertificate("the order has none".to_owned()))?;
        let certificate = self.folder.store(&chain, &pending.key_pem)?;
        self.folder.drop_order()?;
        Ok(certificate)
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

/// A failed validation costs one of five an hour at Let's Encrypt; three leave two in reserve.
const ORDERS_PER_ATTEMPT: usize = 3;
