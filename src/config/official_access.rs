//! Variables of the official container that say whose tokens are accepted (http-api 5,
//! agent-platform 9).

use super::official::{Reader, word};

impl Reader<'_> {
    /// Whose tokens are accepted.
    pub(super) fn access(&mut self) {
        let names = ["AIGW_GITLAB_URL", "DUO_WORKFLOW_AUTH__OIDC_GITLAB_URL"];
        let mut urls = Vec::new();
        for name in names {
            let given = self.value(name);
            if let Some(url) = given.filter(|url| !urls.contains(url)) {
                // two different ones are two instances, each accepted by both doors
                self.give_field("gitlab", urls.len(), "url", name, url);
                urls.push(url);
            }
        }
        let portal = [
            "AIGW_CUSTOMER_PORTAL_URL",
            "DUO_WORKFLOW_AUTH__OIDC_CUSTOMER_PORTAL_URL",
        ];
        for name in portal {
            // here an empty value says something: offline, there is no portal
            if let Some(url) = self.given(name) {
                self.give("customers_portal", name, url);
            }
        }
        self.give_flag("auth.agent_platform.required", "DUO_WORKFLOW_AUTH__ENABLED");
        self.give_flag(
            "pages.grpc_reflection",
            "DUO_WORKFLOW_GRPC_REFLECTION_ENABLED",
        );
        // the same switch as the first for the HTTP API, the other way round
        let name = "AIGW_AUTH__BYPASS_EXTERNAL";
        if self.value(name).is_some()
            && let Some(bypass) = self.flag(name)
        {
            self.give("auth.required", name, word(!bypass));
        }
        for (name, path) in [
            (
                "AIGW_AUTH__BYPASS_EXTERNAL_WITH_HEADER",
                "auth.bypass_with_header",
            ),
            ("AIGW_AUTH__BYPASS_JWT_SIGNATURE", "auth.bypass_signature"),
        ] {
            self.give_flag(path, name);
        }
        let texts = [
            ("AIGW_CLOUD_CONNECTOR_SERVICE_NAME", "auth.service_name"),
            ("CLOUD_CONNECTOR_SERVICE_NAME", "auth.service_name"),
            ("AIGW_SELF_SIGNED_JWT__SIGNING_KEY", "keys.gateway.signing"),
            (
                "AIGW_SELF_SIGNED_JWT__VALIDATION_KEY",
                "keys.gateway.validation",
            ),
            (
                "DUO_WORKFLOW_CLOUD_CONNECTOR_SERVICE_NAME",
                "auth.agent_platform.service_name",
            ),
            (
                "DUO_WORKFLOW_SELF_SIGNED_JWT__SIGNING_KEY",
                "keys.agent_platform.signing",
            ),
            (
                "DUO_WORKFLOW_SELF_SIGNED_JWT__VALIDATION_KEY",
                "keys.agent_platform.validation",
            ),
        ];
        for (name, path) in texts {
            if let Some(text) = self.value(name) {
                self.give(path, name, text);
            }
        }
    }
}
