//! Places at model servers that the operator configures: which of several gets a call, how many a
//! server gets at a time, and when it is left alone.

use std::sync::Arc;

use reqwest::Url;
use tokio::time::Instant;

use super::{
    ModelError, SetupError, endpoint::typed, error::ErrorKind, openai::base, target::place_of,
};
use crate::{
    config::{ModelEndpoint, mask_userinfo},
    telemetry::{EndpointLabels, Metrics},
    upstream::{Balancer, NoPlace, Permit},
};

/// Servers that stand for an endpoint of GitLab's.
#[derive(Debug)]
pub(super) struct Servers {
    /// In one spelling of the several that lead to the same.
    endpoint: Url,
    /// Theirs, as they were typed; never empty.
    endpoints: Vec<Url>,
    balancer: Balancer,
    metrics: Arc<Metrics>,
}

/// A place at one of them, for one answer.
#[derive(Debug)]
pub(super) struct Place {
    servers: Arc<Servers>,
    endpoint: Url,
    permit: Permit,
}

impl Servers {
    /// Reads the configuration.
    pub(super) fn of(
        endpoint: &ModelEndpoint,
        metrics: &Arc<Metrics>,
    ) -> Result<Arc<Self>, SetupError> {
        let read = |url: &String| {
            typed(url).map_err(|problem| SetupError::Endpoint {
                url: mask_userinfo(url),
                problem,
            })
        };
        let own = read(&endpoint.endpoint)?;
        let mut endpoints = endpoint
            .urls
            .iter()
            .map(read)
            .collect::<Result<Vec<_>, _>>()?;
        if endpoints.is_empty() {
            endpoints.push(own.clone());
        }
        let concurrency = endpoint.concurrency.unwrap_or(usize::MAX);
        Ok(Arc::new(Self {
            endpoint: base(&own, false),
            balancer: Balancer::new(endpoints.len(), concurrency),
            endpoints,
            metrics: Arc::clone(metrics),
        }))
    }

    /// `host:port` of each.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.endpoints.iter().map(place_of)
    }

    /// Whether these stand for an endpoint.
    pub(super) fn stand_for(&self, endpoint: &Url) -> bool {
        self.endpoint == base(endpoint, false)
    }

    /// A place at the server with the fewest calls.
    pub(super) fn choose(
        self: &Arc<Self>,
        tried: &[usize],
        now: Instant,
    ) -> Result<Place, ModelError> {
        let permit = self.balancer.choose(tried, now).map_err(|none| {
            let (kind, seconds) = match none {
                NoPlace::Busy => (ErrorKind::Busy, 1),
                NoPlace::Open(wait) => (ErrorKind::Resting, wait.as_secs() + 1),
            };
            let place = place_of(&self.endpoint);
            let mut error = ModelError::new(kind, place, "models.endpoints");
            error.retry_after = u32::try_from(seconds).ok();
            error
        })?;
        let endpoint = self.endpoints.get(permit.index());
        Ok(Place {
            servers: Arc::clone(self),
            endpoint: endpoint.unwrap_or(&self.endpoint).clone(),
            permit,
        })
    }

    /// Whether another than `tried` may be asked.
    pub(super) fn has_others(&self, tried: &[usize], now: Instant) -> bool {
        self.balancer.has_others(tried, now)
    }
}

/// Nothing is said any more of servers that a reload took away.
impl Drop for Servers {
    fn drop(&mut self) {
        for endpoint in self.names() {
            let gauge = &self.metrics.model_endpoint_open;
            gauge.get_or_create(&EndpointLabels { endpoint }).set(0);
        }
    }
}

impl Place {
    /// Which of the servers.
    pub(super) fn index(&self) -> usize {
        self.permit.index()
    }

    /// Its endpoint, as it was typed.
    pub(super) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// The server answers.
    pub(super) fn succeeded(&mut self) {
        if self.permit.succeed() {
            let endpoint = self.show(0);
            tracing::info!(endpoint, "a model server answers again");
        }
    }

    /// The call failed, and perhaps the server with it.
    pub(super) fn judge(&mut self, error: &ModelError) {
        if !error.is_trouble() {
            return self.succeeded();
        }
        if let Some(rest) = self.permit.fail(Instant::now()) {
            let endpoint = self.show(1);
            let error = error.log();
            tracing::warn!(
                endpoint,
                error,
                "a model server keeps failing and is left alone for {rest:?}"
            );
        }
    }

    /// Shows whether the server is left alone; gives its name for the log.
    fn show(&self, open: i64) -> String {
        let endpoint = place_of(&self.endpoint);
        let labels = EndpointLabels {
            endpoint: endpoint.clone(),
        };
        let gauge = &self.servers.metrics.model_endpoint_open;
        gauge.get_or_create(&labels).set(open);
        endpoint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Metrics;

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        let endpoint = ModelEndpoint {
            endpoint: "http://edda:secret@vllm.example.com/v1".to_owned(),
            urls: Vec::new(),
            concurrency: None,
        };
        let error = Servers::of(&endpoint, &Arc::new(Metrics::new()));
        let text = error.err().map(|error| error.to_string());
        let expected = "models.endpoints: http://********@vllm.example.com/v1 must not hold a user \
                        or password; use the API key";
        assert_eq!(text.as_deref(), Some(expected));
    }
}
