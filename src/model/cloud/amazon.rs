//! An account at Amazon.

use std::{sync::Arc, time::SystemTime};

use tokio::time::Instant;

use super::{
    CloudClients, CloudError, container, instance,
    kept::{Fetched, Kept},
    profile::{self, Profile},
    web_identity::assume,
};
use crate::{
    config::{Amazon, AmazonKeys, WebIdentity},
    foundation::{Clock, Secret},
};

/// Region and keys; keys are looked for when the first call needs them.
#[derive(Debug)]
pub(in crate::model) struct AmazonAccount {
    settings: Amazon,
    region: String,
    clients: CloudClients,
    kept: Kept<AmazonKeys>,
    clock: Arc<dyn Clock>,
}

impl AmazonAccount {
    /// The account that the configuration speaks of.
    pub(in crate::model) fn new(
        settings: &Amazon,
        clients: CloudClients,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let region = settings.region.clone();
        let region = region.or_else(|| profile::region(&settings.credentials));
        Self {
            settings: settings.clone(),
            region: region.unwrap_or_else(|| REGION.to_owned()),
            clients,
            kept: Kept::new(Arc::clone(&clock)),
            clock,
        }
    }

    /// Where models are asked that name no region (models-and-prompts 1.8).
    pub(in crate::model) fn region(&self) -> &str {
        &self.region
    }

    /// What else the operator says of Bedrock.
    pub(in crate::model) fn settings(&self) -> &Amazon {
        &self.settings
    }

    /// A key of Bedrock's own, in the place of signatures.
    pub(in crate::model) fn bearer_token(&self) -> Option<&Secret> {
        self.settings.bearer_token.as_ref()
    }

    /// The present moment, for signatures.
    pub(in crate::model) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Keys that hold.
    pub(in crate::model) async fn keys(&self) -> Result<AmazonKeys, CloudError> {
        self.kept.get(self.find()).await
    }

    /// Says that Amazon refused the keys; true where the places are looked through again.
    pub(in crate::model) fn forget(&self, authorized: Instant) -> bool {
        self.kept.forget(authorized)
    }

    /// Looks through the places in the order of Amazon's tools.
    async fn find(&self) -> Result<Fetched<AmazonKeys>, CloudError> {
        let places = &self.settings.credentials;
        let lasting = |value| Fetched {
            value,
            expires: None,
        };
        if let Some(keys) = &places.keys {
            return Ok(lasting(keys.clone()));
        }
        match profile::find(places).await? {
            Some(Profile::Keys(keys)) => return Ok(lasting(keys)),
            Some(Profile::WebIdentity(identity)) => return self.assume(&identity).await,
            None => {}
        }
        if let Some(identity) = &places.web_identity {
            return self.assume(identity).await;
        }
        if let Some(place) = &places.container {
            return container::ask(&self.clients, place).await;
        }
        let Some(base) = &places.instance else {
            let tried = "AWS_EC2_METADATA_DISABLED is set".to_owned();
            return Err(CloudError::NoAmazon { tried });
        };
        let asked = instance::ask(&self.clients, base).await;
        asked.map_err(|error| CloudError::NoAmazon {
            tried: error.to_string(),
        })
    }

    async fn assume(&self, identity: &WebIdentity) -> Result<Fetched<AmazonKeys>, CloudError> {
        let url = match &self.settings.credentials.token_service {
            Some(url) => format!("{url}/"),
            None => format!("https://sts.{}.{}/", self.region, domain(&self.region)),
        };
        assume(&self.clients, &url, identity).await
    }
}

/// The domain of a region's services.
pub(in crate::model) fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    }
}

/// Where the reference asks (models-and-prompts 1.8).
const REGION: &str = "us-west-2";
