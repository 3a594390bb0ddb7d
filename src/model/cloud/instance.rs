//! Keys from the metadata server of a virtual machine of Amazon's (EC2), version 2.

use std::time::SystemTime;

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    CloudClients, CloudError,
    fetch::{fetch, fetch_json, malformed},
    kept::Fetched,
};
use crate::{config::AmazonKeys, foundation::Secret};

/// Asks the server at `base` for the keys of the machine's role. Version 1, which needs no token
/// and so answers whoever can make us ask, is not spoken.
pub(super) async fn ask(
    clients: &CloudClients,
    base: &str,
) -> Result<Fetched<AmazonKeys>, CloudError> {
    let client = clients.machine()?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
    let url = format!("{base}/latest/api/token");
    let request = client.put(&url).header(LIFETIME, LIFETIME_SECONDS);
    let token = text(fetch(request, &url).await?);
    let url = format!("{base}/latest/meta-data/iam/security-credentials/");
    let request = client.get(&url).header(TOKEN, &token);
    let roles = text(fetch(request, &url).await?);
    // a machine has one role, or none
    let role = roles.lines().next().unwrap_or_default();
    let url = format!("{url}{role}");
    let answer = fetch_json(client.get(&url).header(TOKEN, &token), &url).await?;
    keys(&answer).ok_or_else(|| malformed(&url))
}

/// Reads keys as servers of machines and containers write them.
pub(super) fn keys(answer: &Value) -> Option<Fetched<AmazonKeys>> {
    let text = |name: &str| answer.get(name)?.as_str().filter(|text| !text.is_empty());
    Some(Fetched {
        value: AmazonKeys {
            access_key_id: text("AccessKeyId")?.to_owned(),
            secret_access_key: Secret::new(text("SecretAccessKey")?),
            session_token: text("Token").map(Secret::new),
        },
        expires: text("Expiration").and_then(moment),
    })
}

/// `2014-10-24T23:00:23Z`
pub(super) fn moment(text: &str) -> Option<SystemTime> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(moment.into())
}

const LIFETIME: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";

/// For the two questions that follow at once.
const LIFETIME_SECONDS: &str = "60";
