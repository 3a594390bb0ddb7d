//! Steps 3, 4 and 6: GitLab, the customers' portal, the model server.

use std::time::Duration;

use http::StatusCode;

use super::{
    Line,
    client::{Client, Question},
};
use crate::inspect::ModelUnderTest;

/// Step 3. An instance whose public pages ask for a login is reachable all the same.
pub(super) async fn gitlab(client: &Client, url: &str) -> Line {
    let page = format!("{}/api/v4/projects", url.trim_end_matches('/'));
    let question = Question {
        url: &page,
        outside: true,
        limit: LIMIT,
    };
    match client.get(&question).await {
        Ok(reply) => match reply.status {
            StatusCode::OK => Line::good("GitLab API is accessible"),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Line::good(format!(
                "GitLab API is accessible (it asks for a login: {})",
                reply.status.as_u16()
            )),
            status => Line::bad(
                format!("Failed to connect to GitLab API: {}", status.as_u16()),
                format!("is {url} GitLab's own URL, with the path it is installed under?"),
            ),
        },
        Err(error) => Line::bad(
            format!("Failed to connect to GitLab: {error}"),
            format!(
                "does {url} resolve and answer from this host, and is its authority known here \
                 (REQUESTS_CA_BUNDLE)? Without it no token can be judged"
            ),
        ),
    }
}

/// Step 4. Only tokens of GitLab's cloud licences need it, so it is told and passed over.
pub(super) async fn portal(client: &Client, url: Option<&str>) -> Line {
    let Some(url) = url else {
        return Line::note("Customer Portal is switched off, as for an offline GitLab");
    };
    let page = format!(
        "{}/.well-known/openid-configuration",
        url.trim_end_matches('/')
    );
    let question = Question {
        url: &page,
        outside: true,
        limit: LIMIT,
    };
    let problem = match client.get(&question).await {
        Ok(reply) if reply.status == StatusCode::OK => {
            return Line::good("Customer Portal is reachable");
        }
        Ok(reply) => format!("it answers {}", reply.status.as_u16()),
        Err(error) => error,
    };
    Line::note(format!(
        "Customer Portal is not reachable at {url}: {problem}"
    ))
    .with_remedy(
        "tokens that it issued cannot be judged; let this host reach it, or, where GitLab is \
         offline, set AIGW_CUSTOMER_PORTAL_URL to an empty value",
    )
}

/// Step 6: whether the model server answers at all; any answer of HTTP will do.
pub(super) async fn provider(client: &Client, model: &ModelUnderTest) -> Line {
    let name = model.provider();
    let question = Question {
        url: &model.endpoint,
        outside: false,
        limit: LIMIT,
    };
    if CLOUDS.contains(&name) {
        return Line::note(format!(
            "Provider {name}: its address follows from the region, not from --model-endpoint; the \
             call of the model below tells whether it answers"
        ));
    }
    match client.get(&question).await {
        Ok(_) => Line::good(format!("Provider {name} is accessible")),
        Err(error) => Line::bad(
            format!("Provider {name} is not accessible: {error}"),
            "is the model server running, and is --model-endpoint its URL as seen from this host? \
             In a container localhost is the container itself",
        ),
    }
}

/// Whose endpoint GitLab's documentation makes up (models-and-prompts 1.2).
const CLOUDS: [&str; 2] = ["bedrock", "vertex_ai"];

/// http-api 6
const LIMIT: Duration = Duration::from_secs(10);
