//! Proving that names are ours: challenges chosen, shown, checked and taken back.

use std::sync::Arc;

use instant_acme::{
    AuthorizationHandle, AuthorizationStatus, ChallengeStatus, ChallengeType, Order, OrderStatus,
};

use super::{
    AcmeError,
    error::{challenge_word, explanation},
    pace::{Pace, with_fresh_nonces},
};
use crate::{
    config::ChallengeKind,
    foundation::Clock,
    tls::{ChallengeResponder, PendingChallenge},
};

/// Who can answer challenges, the preferred kind first.
pub(super) type Responders = [Arc<dyn ChallengeResponder>];

/// Challenges that are shown now; taken back when dropped, however the attempt ends.
struct Shown<'a>(Vec<(&'a dyn ChallengeResponder, PendingChallenge)>);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        for (responder, challenge) in &self.0 {
            responder.withdraw(challenge);
        }
    }
}

/// Brings a pending order to the point where it can be finalized. Returns the kind of the
/// challenge that was used, if any was needed.
pub(super) async fn prove(
    order: &mut Order,
    responders: &Responders,
    clock: &dyn Clock,
) -> Result<Option<ChallengeKind>, AcmeError> {
    with_fresh_nonces!(fetch_authorizations(order).await)
        .map_err(AcmeError::at("authorization"))?;
    let mut shown = Shown(Vec::new());
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let authorization = authorization.map_err(AcmeError::at("authorization"))?;
        match authorization.status {
            AuthorizationStatus::Pending => {}
            AuthorizationStatus::Valid => continue,
            _ => return Err(refused(&authorization)),
        }
        show(authorization, responders, &mut shown).await?;
    }
    let used = shown.0.first().map(|(responder, _)| responder.kind());
    wait_until_ready(order, clock).await?;
    Ok(used)
}

/// Asks for the state of every authorization that is not known yet. The library forgets one whose
/// call failed, so a repetition begins anew; what is known is not asked for again.
async fn fetch_authorizations(order: &mut Order) -> Result<(), instant_acme::Error> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        authorization?;
    }
    Ok(())
}

/// Shows the first challenge that the server offers and we can answer, and says so.
async fn show<'a>(
    authorization: AuthorizationHandle<'_>,
    responders: &'a Responders,
    shown: &mut Shown<'a>,
) -> Result<(), AcmeError> {
    let offered: Vec<_> = authorization
        .challenges
        .iter()
        .map(|challenge| challenge.r#type.clone())
        .collect();
    let common = responders
        .iter()
        .find(|responder| offered.contains(&wire(responder.kind())));
    let identifier = authorization.identifier().to_string();
    let Some(responder) = common else {
        let answerable: Vec<_> = responders
            .iter()
            .map(|responder| challenge_word(responder.kind()))
            .collect();
        return Err(AcmeError::NoCommonChallenge {
            identifier,
            offered: offered.iter().map(word).collect::<Vec<_>>().join(", "),
            answerable: answerable.join(", "),
        });
    };
    let mut authorization = authorization;
    let Some(mut challenge) = authorization.challenge(wire(responder.kind())) else {
        return Ok(());
    };
    let authorized = challenge.key_authorization();
    let mut digest = [0_u8; 32];
    for (to, from) in digest.iter_mut().zip(authorized.digest().as_ref()) {
        *to = *from;
    }
    let pending = PendingChallenge {
        identifier,
        token: challenge.token.clone(),
        key_authorization: authorized.as_str().to_owned(),
        digest,
    };
    responder.present(&pending)?;
    shown.0.push((&**responder, pending));
    with_fresh_nonces!(challenge.set_ready().await).map_err(AcmeError::at("challenge"))
}

async fn wait_until_ready(order: &mut Order, clock: &dyn Clock) -> Result<(), AcmeError> {
    let mut pace = Pace::new(clock, "validation");
    loop {
        pace.wait(None).await?;
        let refreshed = with_fresh_nonces!(order.refresh().await.map(|state| state.status));
        match refreshed.map_err(AcmeError::at("order"))? {
            OrderStatus::Pending => {}
            OrderStatus::Invalid => return Err(why_invalid(order).await),
            OrderStatus::Ready | OrderStatus::Processing | OrderStatus::Valid => return Ok(()),
        }
    }
}

/// Looks for the authorization that failed.
async fn why_invalid(order: &mut Order) -> AcmeError {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if with_fresh_nonces!(authorization.refresh().await.map(|_| ())).is_err() {
            continue;
        }
        if authorization.status == AuthorizationStatus::Invalid {
            return refused(&authorization);
        }
    }
    let problem = order.state().error.as_ref().map(explanation);
    AcmeError::Unproved {
        identifier: "the order".to_owned(),
        challenge: "any",
        detail: problem.unwrap_or_else(|| "the server does not say why".to_owned()),
    }
}

fn refused(authorization: &AuthorizationHandle<'_>) -> AcmeError {
    let failed = authorization
        .challenges
        .iter()
        .find(|challenge| challenge.status == ChallengeStatus::Invalid);
    let challenge = match failed.map(|challenge| &challenge.r#type) {
        Some(ChallengeType::Http01) => challenge_word(ChallengeKind::Http01),
        Some(ChallengeType::TlsAlpn01) => challenge_word(ChallengeKind::TlsAlpn01),
        _ => "unknown",
    };
    let detail = failed
        .and_then(|challenge| challenge.error.as_ref())
        .map(explanation);
    AcmeError::Unproved {
        identifier: authorization.identifier().to_string(),
        challenge,
        detail: detail.unwrap_or_else(|| "the server does not say why".to_owned()),
    }
}

fn wire(kind: ChallengeKind) -> ChallengeType {
    match kind {
        ChallengeKind::Http01 => ChallengeType::Http01,
        ChallengeKind::TlsAlpn01 => ChallengeType::TlsAlpn01,
    }
}

fn word(kind: &ChallengeType) -> String {
    match kind {
        ChallengeType::Http01 => "http-01".to_owned(),
        ChallengeType::TlsAlpn01 => "tls-alpn-01".to_owned(),
        ChallengeType::Dns01 => "dns-01".to_owned(),
        // A word from outside, shortened; kinds we do not know are no error.
        ChallengeType::Unknown(kind) => kind.chars().take(40).collect(),
        _ => "another kind".to_owned(),
    }
}
