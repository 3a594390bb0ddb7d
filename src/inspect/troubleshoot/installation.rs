//! The steps in their order.

use std::path::PathBuf;

use super::{Endpoint, Line, LineKind, agent_platform, client::Client, model, outside};
use crate::{
    config::Config,
    inspect::{CallerToken, ModelUnderTest},
    upstream::{TrustRoots, UpstreamError},
};

/// What is looked at.
#[derive(Debug)]
pub struct Installation<'a> {
    /// As the gateway on this host would read it.
    pub config: &'a Config,
    /// Where the gateway is asked.
    pub gateway: Endpoint,
    /// Where the Agent Platform is asked.
    pub agent_platform: Endpoint,
    /// The model that is called; none: no call.
    pub model: Option<ModelUnderTest>,
    /// For a gateway that asks for tokens.
    pub token: Option<CallerToken>,
    /// Whose certificates are believed beside the public ones, in PEM.
    pub ca_files: Vec<PathBuf>,
}

/// Looks at everything and tells each line as it is known. Gives whether all is well; fails only
/// where it cannot ask.
pub async fn troubleshoot(
    installation: &Installation<'_>,
    mut tell: impl FnMut(&Line),
) -> Result<bool, UpstreamError> {
    let config = installation.config;
    let roots = TrustRoots::load(&installation.ca_files)?;
    let client = Client::new(&roots, &config.upstream.proxies)?;
    let mut is_well = true;
    let mut take = |line: Line| {
        is_well &= line.kind != LineKind::Bad;
        tell(&line);
        line.kind
    };
    for line in settings(config) {
        take(line);
    }
    let gateway = take(model::gateway(&client, &installation.gateway).await);
    for instance in &config.gitlab {
        take(outside::gitlab(&client, &instance.url).await);
    }
    take(outside::portal(&client, config.customers_portal.as_deref()).await);
    take(agent_platform::look(&installation.agent_platform, &roots).await);
    if let Some(under_test) = &installation.model {
        take(outside::provider(&client, under_test).await);
        if gateway == LineKind::Good {
            let headers = installation.token.as_ref().map(CallerToken::headers);
            take(model::model(&client, &installation.gateway, under_test, headers).await);
        } else {
            take(Line::note(
                "The model is not called: the gateway does not answer",
            ));
        }
    }
    Ok(is_well)
}

/// Step 1. What the official script reads from variables may also stand in our file.
fn settings(config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    if !config.models.custom_enabled {
        lines.push(Line::bad(
            "AIGW_CUSTOM_MODELS__ENABLED must be set to true",
            "set it, or models.custom_enabled, which is true where nobody says otherwise",
        ));
    }
    for instance in &config.gitlab {
        lines.push(Line::note(format!(
            "AIGW_GITLAB_URL is set to {}",
            instance.url
        )));
    }
    match (config.gitlab.is_empty(), config.auth.required) {
        (true, true) => lines.push(Line::bad(
            "Either AIGW_GITLAB_URL (preferred) or AIGW_AUTH__BYPASS_EXTERNAL must be set",
            "set AIGW_GITLAB_URL, or gitlab, to the URL of your GitLab: without it no token can be \
             judged",
        )),
        (_, false) => lines.push(
            Line::note(
                "Requests need no token (AIGW_AUTH__BYPASS_EXTERNAL, or auth.required: false)",
            )
            .with_remedy("good for a trial alone: whoever reaches the port uses your models"),
        ),
        (false, true) => {}
    }
    if lines.iter().all(|line| line.kind != LineKind::Bad) {
        lines.push(Line::good("Env variables are set correctly"));
    }
    lines
}
