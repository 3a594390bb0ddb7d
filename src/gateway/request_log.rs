//! What the log says of a request beside the access line: who asked on GitLab's side, and for
//! what (http-api 4.5). Administrators find it by the correlation id.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, StatusCode, header};

use super::{
    call::Call, code_file::CodeFile, feature_flags::feature_flags, gateway::Visit, refusal::Refusal,
};
use crate::{foundation::beginning, prompt::Turn};

/// Facts that are collected on the way.
#[derive(Debug, Default)]
pub(super) struct RequestLog {
    /// Who issued the token.
    pub(super) token_issuer: Option<String>,
    /// How long the token's check took.
    pub(super) authentication: Duration,
    /// Why there is no caller.
    pub(super) authentication_error: Option<String>,
}

impl RequestLog {
    /// Writes the line of a request that got its answer's head. Probes leave none.
    pub(super) fn write(&self, visit: &Visit, status: StatusCode, refusal: Option<&str>) {
        let headers = &visit.head.headers;
        if !headers.contains_key(header::AUTHORIZATION) {
            return;
        }
        let (context, now) = (&visit.context, visit.services.clock.now());
        let text = |name: &str| logged(headers, name);
        tracing::info!(
            target: "duogate::api",
            correlation_id = context.id.as_str(),
            status_code = status.as_u16(),
            client_ip = %context.client,
            user_agent = text("user-agent"),
            duration_request = since_sent(headers, now),
            auth_duration_s = self.authentication.as_secs_f64(),
            auth_error_details = self.authentication_error.as_deref(),
            http_exception_details = refusal,
            token_issuer = self.token_issuer.as_deref(),
            gitlab_realm = text("x-gitlab-realm"),
            gitlab_instance_id = text("x-gitlab-instance-id"),
            gitlab_global_user_id = text("x-gitlab-global-user-id"),
            gitlab_host_name = text("x-gitlab-host-name"),
            gitlab_version = text("x-gitlab-version"),
            gitlab_language_server_version = text("x-gitlab-language-server-version"),
            gitlab_saas_duo_pro_namespace_ids = text("x-gitlab-saas-duo-pro-namespace-ids"),
            gitlab_root_namespace_id = text("x-gitlab-root-namespace-id"),
            gitlab_organization_id = text("x-gitlab-organization-id"),
            gitlab_feature_enabled_by_namespace_ids =
                text("x-gitlab-feature-enabled-by-namespace-ids"),
            gitlab_feature_enablement_type = text("x-gitlab-feature-enablement-type"),
            is_gitlab_team_member = text("x-gitlab-is-team-member"),
            enabled_feature_flags = flags(headers),
            "api request"
        );
    }
}

impl Call {
    /// Writes a prompt, where GitLab's administrator asked for it.
    pub(super) fn log_turns(&self, turns: &[Turn]) {
        if !self.is_verbose() {
            return;
        }
        for turn in turns {
            self.log_content("prompt", &turn.text);
        }
    }

    /// Writes an answer, where GitLab's administrator asked for it.
    pub(super) fn log_text(&self, text: &str) {
        if self.is_verbose() {
            self.log_content("answer", text);
        }
    }

    /// Counts the language of a file.
    pub(super) fn count_language(&self, file: &CodeFile<'_>) {
        self.services.metrics.language(file);
    }

    fn log_content(&self, kind: &'static str, text: &str) {
        let shown = beginning(text, LONGEST_CONTENT);
        tracing::info!(
            target: "duogate::content",
            correlation_id = self.context.id.as_str(),
            kind,
            text = shown,
            cut = shown.len() < text.len(),
            "content"
        );
    }
}

impl Refusal {
    /// As the log names it: status and detail.
    pub(super) fn for_log(&self) -> String {
        format!("{}: {}", self.status().as_u16(), self.log())
    }
}

/// A header's value, if it says something in visible characters.
fn logged<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let value = headers.get(name)?.to_str().ok()?;
    value
        .get(..value.len().min(LONGEST_VALUE))
        .filter(|value| !value.is_empty())
}

fn flags(headers: &HeaderMap) -> Option<String> {
    let names = feature_flags(headers);
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return None;
    }
    Some(beginning(&names.join(","), LONGEST_VALUE).to_owned())
}

/// Seconds since Rails sent the request; -1 where it does not say (http-api 4.5).
fn since_sent(headers: &HeaderMap, now: SystemTime) -> f64 {
    let sent = logged(headers, "x-gitlab-rails-send-start");
    let sent = sent
        .and_then(|sent| sent.parse::<f64>().ok())
        .filter(|sent| sent.is_finite());
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    sent.map_or(-1.0, |sent| now.as_secs_f64() - sent)
}

/// Characters of a header's value that are logged: identifiers are shorter.
const LONGEST_VALUE: usize = 256;

/// Bytes of one prompt or answer that are logged. 65 536 lines may wait for a slow reader, and
/// whoever switched this on should not lose the process by it.
const LONGEST_CONTENT: usize = 16 * 1024;
