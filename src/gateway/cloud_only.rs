//! Routes that lead to somebody's cloud and are refused here: `/v1/proxy/*` (http-api 2.12) and
//! `/v1/amazon_q/*` (2.13). Nothing is called.
//!
//! 403 for both, once a token is there. The reference would tell a proxy that is switched off 402,
//! but Rails reads 402 as spent credits; and it refuses every token of a self-managed instance with
//! 403 in the end. 404 would send administrators looking for a wrong URL, and a 5xx would open
//! Rails' circuit breaker for features that work.

use super::refusal::Refusal;

/// What a client of a proxy is told.
pub(super) fn proxy() -> Refusal {
    Refusal::forbidden(PROXY)
}

/// What GitLab is told where Amazon Q is switched on.
pub(super) fn amazon_q() -> Refusal {
    Refusal::forbidden(AMAZON_Q)
}

/// Begins as the reference's own sentence.
const PROXY: &str = "Proxy endpoints are not enabled for this instance: nothing is passed on to the \
                     cloud of OpenAI, Anthropic or Google here. Choose a self-hosted model for the \
                     feature in GitLab (Admin > GitLab Duo > Configure models), or give the agent the \
                     address of a model server";

/// Begins as the reference's own sentence.
const AMAZON_Q: &str = "Unauthorized to perform action: Amazon Q is not served here. Choose a \
                        self-hosted model in GitLab (Admin > GitLab Duo > Configure models), or use \
                        GitLab's own cloud for Amazon Q";
