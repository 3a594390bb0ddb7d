//! The seam behind which every kind of model server looks the same.

use std::{fmt::Debug, pin::Pin};

use http::HeaderMap;
use reqwest::Url;
use tokio::time::Instant;

use super::{
    ModelError, ModelRequest, Target,
    exchange::Outgoing,
    identifier::Identifier,
    refusal::{DecodeError, Refusal},
    told::Told,
};

/// A kind of model server: how it is asked, and how what it says is read. Everything but
/// [`Provider::authorize`] is pure; what else a call needs (attempts, times, places, counts) is
/// the room's and the same for all.
pub(super) trait Provider: Debug + Send + Sync {
    /// The endpoint that is asked: what was typed, or what this provider knows better or adds where
    /// nothing was typed. The error says what to do.
    fn endpoint(&self, typed: Option<Url>, identifier: &Identifier) -> Result<Url, String> {
        let _ = identifier;
        typed.ok_or_else(|| {
            let missing = "is missing; write the URL of the model server, such as \
                           http://vllm.example.com:8000/v1";
            missing.to_owned()
        })
    }

    /// Whether the operator named the endpoint, so that it needs no permission.
    fn is_operators(&self) -> bool {
        false
    }

    /// The URL of a call at an endpoint of the target: its own, or the one of a server that stands for
    /// it. Whatever spelling of an endpoint people type leads to the route; a query is kept.
    fn url(&self, target: &Target, endpoint: &Url, stream: bool) -> Url;

    /// The body of a call, without what the server was found to refuse.
    fn body(&self, target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8>;

    /// Adds the headers that say who asks, and others that the wire wants, to those that are there:
    /// the operator's, which count more. Sees URL and body as they will be sent, for signatures; may
    /// wait for a token, within the time of the call. Values that are secret are marked sensitive, so
    /// that they are taken out of the server's words.
    fn authorize<'a>(
        &'a self,
        outgoing: &'a Outgoing<'a>,
        headers: &'a mut HeaderMap,
    ) -> Authorizing<'a>;

    /// Reads a whole answer.
    fn whole(&self, json: &[u8], told: &mut Told) -> Result<(), DecodeError>;

    /// Reads the answer of one call piece by piece.
    fn stream(&self) -> Box<dyn StreamDecoder>;

    /// Reads the body of an answer whose status is none of success.
    fn refusal(&self, call: &RefusedCall<'_>, body: &[u8]) -> Refusal {
        let _ = call;
        Refusal::read(body)
    }
}

/// A call that a server refused.
pub(super) struct RefusedCall<'a> {
    /// The head of the refusal.
    pub(super) headers: &'a HeaderMap,
    /// When it had its credentials. Whatever was fetched later is none that it used.
    pub(super) authorized: Instant,
    /// Whether the request brought a key of its own, for which the operator's credentials cannot be
    /// blamed.
    pub(super) has_own_key: bool,
}

/// The time that headers take.
pub(super) type Authorizing<'a> = Pin<Box<dyn Future<Output = Result<(), ModelError>> + Send + 'a>>;

/// Reads a stream, however its bytes are cut; the framing is its own. One for each answer.
pub(super) trait StreamDecoder: Debug + Send {
    /// Takes bytes and tells what they say, as far as it is whole. What was told before an error
    /// holds.
    fn push(&mut self, bytes: &[u8], told: &mut Told) -> Result<(), DecodeError>;

    /// Tells what the end of the stream makes whole.
    fn finish(&mut self, told: &mut Told) -> Result<(), DecodeError>;
}

/// Noted as refused where credentials were no longer good, and others are used the next time.
pub(super) const STALE: &str = "credentials";

/// Parameters that a server was found not to take, and is not sent again (models-and-prompts 1.9).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refused(Vec<&'static str>);

impl Refused {
    /// Notes a parameter; false where it was known, so that asking again would change nothing.
    pub(super) fn note(&mut self, parameter: &'static str) -> bool {
        let is_new = !self.has(parameter);
        if is_new {
            self.0.push(parameter);
        }
        is_new
    }

    /// Whether a parameter was noted.
    pub(super) fn has(&self, parameter: &str) -> bool {
        self.0.contains(&parameter)
    }
}
