//! Variables of the official container that speak of its HTTP API (http-api 5).

use super::official::Reader;

impl Reader<'_> {
    /// Pages, contents in the log, and what has no meaning here.
    pub(super) fn gateway(&mut self) {
        for (name, path) in PAGES {
            // an empty value says that there is no such page
            if let Some(page) = self.given(name).map(ToOwned::to_owned) {
                self.give(path, name, &page);
            }
        }
        self.give_flag("log.contents", "AIGW_LOGGING__ENABLE_REQUEST_LOGGING");
        self.models();
        let name = "AIGW_MOCK_MODEL_RESPONSES";
        if self.flag(name) == Some(true) {
            let notice = format!(
                "{name} is not used: no answer is made up in front of a GitLab; started without any \
                 configuration, this program has a model that says what it was asked"
            );
            self.official.notices.push(notice);
        }
        for (name, instead) in WITHOUT_MEANING {
            if self.value(name).is_some() {
                let notice = format!("{name} is not used: {instead}");
                self.official.notices.push(notice);
            }
        }
    }
}

impl Reader<'_> {
    /// Models, and TLS towards them.
    fn models(&mut self) {
        for (name, path) in MODEL_FLAGS {
            self.give_flag(path, name);
        }
        let name = "AIGW_DUO_CHAT__MODEL_REQUEST_TIMEOUT";
        if let Some(seconds) = self.value(name) {
            // there it may be written as 30.0
            let seconds = seconds.strip_suffix(".0").unwrap_or(seconds).to_owned();
            self.give("models.timeout_seconds", name, &seconds);
        }
        let name = "AIGW_DUO_CHAT__MAX_TOKENS";
        if let Some(tokens) = self.value(name) {
            self.give("models.chat_max_tokens", name, tokens);
        }
        self.extra_headers();
        // without the switch the others mean nothing there either
        if self.flag("AIGW_MTLS__ENABLED") != Some(true) {
            return;
        }
        for (name, path) in MUTUAL_TLS {
            if let Some(text) = self.value(name) {
                self.give(path, name, text);
            }
        }
        self.give_flag("models.tls.verify", "AIGW_MTLS__VERIFY");
    }

    /// `{"Name": "value"}`
    fn extra_headers(&mut self) {
        let name = "AIGW_CUSTOM_MODELS__EXTRA_HEADERS";
        let Some(text) = self.value(name) else {
            return;
        };
        let headers: Option<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(text).ok();
        let Some(headers) = headers else {
            // the value holds secrets and is not repeated
            let remedy = "write {\"Name\": \"value\"}";
            return self.problem(name, None, "is no JSON object", remedy);
        };
        for (position, (header, value)) in headers.iter().enumerate() {
            let value = value.as_str().unwrap_or_default().to_owned();
            let header = header.clone();
            self.give_field("models.extra_headers", position, "name", name, &header);
            self.give_field("models.extra_headers", position, "value", name, &value);
        }
    }
}

const MODEL_FLAGS: [(&str, &str); 2] = [
    ("AIGW_CUSTOM_MODELS__ENABLED", "models.custom_enabled"),
    (
        "AIGW_CUSTOM_MODELS__DISABLE_STREAMING",
        "models.disable_streaming",
    ),
];

const MUTUAL_TLS: [(&str, &str); 4] = [
    ("AIGW_MTLS__CERT_FILE", "models.tls.certificate"),
    ("AIGW_MTLS__KEY_FILE", "models.tls.key"),
    ("AIGW_MTLS__KEY_PASSWORD", "models.tls.key_password"),
    ("AIGW_MTLS__CA_BUNDLE", "models.tls.ca_file"),
];

const PAGES: [(&str, &str); 3] = [
    ("AIGW_FASTAPI__OPENAPI_URL", "pages.openapi"),
    ("AIGW_FASTAPI__DOCS_URL", "pages.docs"),
    ("AIGW_FASTAPI__REDOC_URL", "pages.redoc"),
];

/// Variables that installation pages name and that mean nothing here, each with what is true
/// instead. Others are passed over in silence: images preset many.
const WITHOUT_MEANING: [(&str, &str); 5] = [
    (
        "AIGW_FEATURE_FLAGS__DISALLOWED_FLAGS",
        "no feature flag of GitLab's changes what is answered here",
    ),
    ("WEB_CONCURRENCY", "one process uses all cores; see workers"),
    (
        "AIGW_LOGGING__ENABLE_LITELLM_LOGGING",
        "set log.level to debug to see the calls of models",
    ),
    (
        "AIGW_LITELLM__MODEL_METADATA_FILE",
        "what a model can do follows from its family",
    ),
    (
        "AIGW_MODEL_ENGINE_LIMITS",
        "set concurrency under models.endpoints, which is a real bound",
    ),
];
