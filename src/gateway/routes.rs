//! Which paths exist, on one page (http-api 1).

use http::Method;

use crate::config::Pages;

/// A path, how it is asked, and what answers.
#[derive(Debug)]
pub(super) struct Route {
    /// The path; a name in braces at the end stands for the rest, slashes included. Also the name
    /// in metrics.
    pub(super) template: &'static str,
    /// The method; GET paths answer HEAD too.
    pub(super) method: Method,
    /// Whether it answers without a token (http-api 3.1).
    pub(super) open: bool,
    /// What answers.
    pub(super) endpoint: Endpoint,
}

/// What answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `monitoring.rs`
    Health,
    /// `monitoring.rs`
    Readiness,
    /// `code_completions.rs`
    CodeCompletions,
    /// `code_generations.rs`
    CodeGenerations,
    /// `code_suggestions.rs`, streaming bare text.
    CodeSuggestionsText,
    /// `code_suggestions.rs`, streaming server-sent events.
    CodeSuggestionsEvents,
    /// `chat_agent.rs`
    ChatAgent,
    /// `legacy_chat.rs`
    LegacyChat,
    /// `prompts.rs`, answering text.
    PromptText,
    /// `prompts.rs`, answering objects.
    PromptObjects,
    /// `cloud_only.rs`
    CloudProxy,
    /// `cloud_only.rs`
    AmazonQ,
    /// `code_embeddings.rs`
    CodeEmbeddings,
    /// `documentation_search.rs`
    DocumentationSearch,
    /// `user_access_token.rs`
    UserAccessToken,
    /// The catalogue of the model room.
    ModelDefinitions,
    /// `api_document.rs`
    ApiDocument,
    /// `api_document.rs`
    ApiPage,
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<'p> {
    /// A route, and what stands in the place of the name in braces.
    Route(&'static Route, &'p str),
    /// A route, if the slash at the end were not there.
    WithSlash(&'p str),
    /// Nothing.
    Nothing,
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.template == other.template
    }
}

impl Eq for Route {}

impl Route {
    /// The methods for `Allow`.
    pub(super) fn allow(&self) -> &'static str {
        if self.method == Method::GET {
            "GET, HEAD"
        } else {
            "POST"
        }
    }

    /// Whether a method is answered.
    pub(super) fn takes(&self, method: &Method) -> bool {
        *method == self.method || (self.method == Method::GET && *method == Method::HEAD)
    }

    fn matches<'p>(&self, path: &'p str) -> Option<&'p str> {
        match self.template.split_once('{') {
            Some((prefix, _)) => path.strip_prefix(prefix).filter(|rest| !rest.is_empty()),
            None => (path == self.template).then_some(""),
        }
    }
}

/// Looks a decoded path up; pages stand where the configuration says.
pub(super) fn find<'p>(path: &'p str, pages: &Pages) -> Found<'p> {
    let page = |page: &Option<String>| page.as_deref() == Some(path);
    if page(&pages.openapi) {
        return Found::Route(&DOCUMENT, "");
    }
    if page(&pages.docs) || page(&pages.redoc) {
        return Found::Route(&PAGE, "");
    }
    let exact = |path| {
        ROUTES
            .iter()
            .find_map(|route| route.matches(path).map(|rest| (route, rest)))
    };
    if let Some((route, rest)) = exact(path)
        && !rest.ends_with('/')
    {
        return Found::Route(route, rest);
    }
    match path.strip_suffix('/') {
        Some(shorter) if exact(shorter).is_some() => Found::WithSlash(shorter),
        _ => Found::Nothing,
    }
}

/// Whether a path answers without a token although nothing is there (http-api 2.17).
pub(super) fn is_open_without_route(path: &str) -> bool {
    path == "/metrics"
}

const fn open(template: &'static str, endpoint: Endpoint) -> Route {
    Route {
        template,
        method: Method::GET,
        open: true,
        endpoint,
    }
}

const fn get(template: &'static str, endpoint: Endpoint) -> Route {
    Route {
        template,
        method: Method::GET,
        open: false,
        endpoint,
    }
}

const fn post(template: &'static str, endpoint: Endpoint) -> Route {
    Route {
        template,
        method: Method::POST,
        open: false,
        endpoint,
    }
}

/// Every path but those of pages.
pub(super) static ROUTES: &[Route] = &[
    open("/monitoring/healthz", Endpoint::Health),
    open("/monitoring/ready", Endpoint::Readiness),
    open("/v1/models/definitions", Endpoint::ModelDefinitions),
    post("/v2/code/completions", Endpoint::CodeCompletions),
    post("/v2/completions", Endpoint::CodeCompletions),
    post("/v2/code/generations", Endpoint::CodeGenerations),
    post("/v3/code/completions", Endpoint::CodeSuggestionsText),
    post("/v4/code/suggestions", Endpoint::CodeSuggestionsEvents),
    post("/v2/chat/agent", Endpoint::ChatAgent),
    post("/v1/chat/{chat_invokable}", Endpoint::LegacyChat),
    post("/v1/prompts/{prompt_id}", Endpoint::PromptText),
    post("/v2/prompts/{prompt_id}", Endpoint::PromptObjects),
    post("/v1/embeddings/code_embeddings", Endpoint::CodeEmbeddings),
    post(
        "/v1/embeddings/code_embeddings/index",
        Endpoint::CodeEmbeddings,
    ),
    post(
        "/v1/embeddings/code_embeddings/search",
        Endpoint::CodeEmbeddings,
    ),
    post("/v1/search/gitlab-docs", Endpoint::DocumentationSearch),
    post("/v1/code/user_access_token", Endpoint::UserAccessToken),
    post("/v1/proxy/openai{path}", Endpoint::CloudProxy),
    post("/v1/proxy/anthropic/{path}", Endpoint::CloudProxy),
    post("/v1/proxy/vertex-ai/{path}", Endpoint::CloudProxy),
    post("/v1/amazon_q/oauth/application", Endpoint::AmazonQ),
    post("/v1/amazon_q/oauth/application/delete", Endpoint::AmazonQ),
    post("/v1/amazon_q/oauth/application/verify", Endpoint::AmazonQ),
    post("/v1/amazon_q/events", Endpoint::AmazonQ),
];

/// Named in metrics by their usual paths.
static DOCUMENT: Route = get("/openapi.json", Endpoint::ApiDocument);
static PAGE: Route = get("/docs", Endpoint::ApiPage);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_their_routes() {
        let pages = Pages {
            openapi: Some("/api.json".to_owned()),
            ..Pages::default()
        };
        let template = |path| match find(path, &pages) {
            Found::Route(route, rest) => format!("{} {rest}", route.template),
            Found::WithSlash(shorter) => format!("slash {shorter}"),
            Found::Nothing => "nothing".to_owned(),
        };
        for (path, expected) in [
            ("/monitoring/healthz", "/monitoring/healthz "),
            ("/monitoring/healthz/", "slash /monitoring/healthz"),
            (
                "/v1/prompts/chat/fix_code",
                "/v1/prompts/{prompt_id} chat/fix_code",
            ),
            ("/v1/prompts/a/", "slash /v1/prompts/a"),
            ("/v1/prompts/", "nothing"),
            ("/v1/prompts", "nothing"),
            ("/v2/code/completions/x", "nothing"),
            (
                "/v1/proxy/openai/v1/models",
                "/v1/proxy/openai{path} /v1/models",
            ),
            ("/v1/proxy/vertex-ai/", "nothing"),
            ("/api.json", "/openapi.json "),
            ("/docs", "nothing"),
            ("/", "nothing"),
            ("//", "nothing"),
            ("", "nothing"),
        ] {
            assert_eq!(template(path), expected, "{path}");
        }
    }
}
