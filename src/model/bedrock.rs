//! Amazon Bedrock: every model through Converse (models-and-prompts 1.8).

use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::{
    ModelError, ModelRequest, Target,
    bedrock_model::{BedrockModel, is_region},
    cloud::{AmazonAccount, CloudError, Signable, domain, sign},
    converse_decode::{ConverseStream, decode, is_about_keys, refusal},
    converse_encode,
    endpoint::{below, typed},
    error::ErrorKind,
    exchange::Outgoing,
    identifier::Identifier,
    openai::bearer,
    provider::{Authorizing, Provider, Refused, RefusedCall, STALE, StreamDecoder},
    refusal::{DecodeError, Refusal},
    target::place_of,
    told::Told,
};

/// Models of one account.
#[derive(Debug)]
pub(super) struct Bedrock {
    account: AmazonAccount,
    /// Whether the log was told that a request brought a key.
    has_told: AtomicBool,
}

impl Bedrock {
    /// Of the operator's account.
    pub(super) fn new(account: AmazonAccount) -> Self {
        Self {
            account,
            has_told: AtomicBool::new(false),
        }
    }

    /// Where a model is: its own word, else the operator's.
    fn region<'a>(&'a self, model: &BedrockModel<'a>) -> &'a str {
        model.region.unwrap_or_else(|| self.account.region())
    }

    async fn add_signature(
        &self,
        outgoing: &Outgoing<'_>,
        headers: &mut HeaderMap,
    ) -> Result<(), ModelError> {
        let keys = self.account.keys().await;
        let keys = keys.map_err(|error| no_credentials(outgoing.url, &error))?;
        let model = BedrockModel::read(&outgoing.target.identifier.model);
        let content_type = headers.get(header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let signable = Signable {
            url: outgoing.url,
            content_type: content_type.unwrap_or_default(),
            body: &outgoing.body,
            region: self.region(&model),
            service: "bedrock",
            now: self.account.now(),
        };
        let signature = sign(&signable, &keys).ok_or_else(|| {
            let error = CloudError::unusable(
                "the key for Amazon Bedrock",
                "holds characters that no key has; enter it again",
            );
            no_credentials(outgoing.url, &error)
        })?;
        headers.extend(signature);
        Ok(())
    }
}

impl Provider for Bedrock {
    /// What was typed means nothing: GitLab's administrators have to type something
    /// (models-and-prompts 1.2).
    fn endpoint(&self, _: Option<Url>, identifier: &Identifier) -> Result<Url, String> {
        let model = BedrockModel::read(&identifier.model);
        let region = self.region(&model);
        match &self.account.settings().runtime_endpoint {
            Some(url) => typed(url),
            None if is_region(region) => typed(&format!(
                "https://bedrock-runtime.{region}.{}",
                domain(region)
            )),
            None => Err(format!(
                "{region} is no region of Amazon's; set AWS_REGION_NAME"
            )),
        }
    }

    fn is_operators(&self) -> bool {
        self.account.settings().runtime_endpoint.is_some()
    }

    fn url(&self, target: &Target, endpoint: &Url, stream: bool) -> Url {
        let model = BedrockModel::read(&target.identifier.model);
        let id = utf8_percent_encode(model.id, SEGMENT);
        let route = if stream {
            "converse-stream"
        } else {
            "converse"
        };
        let mut url = below(endpoint, &format!("/model/{id}/{route}"));
        // nothing of it would be signed
        url.set_query(None);
        url
    }

    fn body(&self, target: &Target, request: &ModelRequest, refused: &Refused) -> Vec<u8> {
        let guardrail = self.account.settings().guardrail.as_ref();
        converse_encode::body(target, request, refused, guardrail)
    }

    fn authorize<'a>(
        &'a self,
        outgoing: &'a Outgoing<'a>,
        headers: &'a mut HeaderMap,
    ) -> Authorizing<'a> {
        let own = outgoing.target.api_key.as_ref();
        if own.is_some() && !self.has_told.swap(true, Ordering::Relaxed) {
            tracing::info!(
                "the API key that GitLab has for this model is used as a key of Bedrock; leave it \
                 empty there to use the credentials of this server"
            );
        }
        if let Some(token) = own.or(self.account.bearer_token()) {
            bearer(headers, token.expose());
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(self.add_signature(outgoing, headers))
    }

    fn whole(&self, json: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        decode(json, told)
    }

    fn stream(&self) -> Box<dyn StreamDecoder> {
        Box::new(ConverseStream::new())
    }

    fn refusal(&self, call: &RefusedCall<'_>, body: &[u8]) -> Refusal {
        let mut refusal = refusal(call.headers, body);
        let is_signed = !call.has_own_key && self.account.bearer_token().is_none();
        if is_signed && is_about_keys(&refusal) && self.account.forget(call.authorized) {
            refusal.parameter = Some(STALE);
        }
        refusal
    }
}

/// A call that cannot be made, since we cannot say who asks.
pub(super) fn no_credentials(url: &Url, error: &CloudError) -> ModelError {
    let kind = ErrorKind::Credentials(NO_CREDENTIALS);
    ModelError::new(kind, place_of(url), error.to_string())
}

/// The places that were looked at are the operator's business.
const NO_CREDENTIALS: &str =
    "this server has no credentials for the model; its log says where it looked";

/// What a name in a path is written with, as Amazon signs it.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
