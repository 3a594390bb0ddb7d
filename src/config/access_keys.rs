//! Whose tokens are accepted, and with which keys ours are signed.

use std::path::Path;

use super::{
    GitlabInstance, KeySource,
    address::issuer,
    input::{Complaint, Input, choice, text},
    key::{
        DefaultValue::{Always, ByMode},
        Field, Key, Kind, words,
    },
};

/// Tokens and keys.
pub(super) static ACCESS: &[Key] = &[
    Key::new(
        "gitlab",
        Kind::Objects(GITLAB),
        Always(""),
        "GitLab instances whose tokens are accepted by the doors that answer here.",
        |config, input| {
            config.gitlab = input.objects(GITLAB, |fields| {
                let url = fields.read("url", |input| input.one(issuer));
                let ca_file = fields.read("ca_file", Input::optional_path);
                let (url, ca_file) = (url?, ca_file?);
                Some(GitlabInstance { url, ca_file })
            })?;
            Ok(())
        },
    ),
    Key::new(
        "customers_portal",
        Kind::Url,
        ByMode {
            public: "https://customers.gitlab.com",
            drop_in: "https://customers.gitlab.com",
            local: "",
        },
        "The customers' portal, whose tokens are accepted too; each customer of GitLab has some. null \
         or an empty value is none: for sites without a way to the Internet, and where all features \
         are on models of your own.",
        |config, input| {
            let portal = |text: &str| match text {
                "" => Ok(None),
                text => issuer(text).map(Some),
            };
            config.customers_portal = input.optional(portal)?.flatten();
            Ok(())
        },
    )
    .optional(),
    Key::new(
        "auth.required",
        Kind::Choice(words::<bool>),
        ByMode {
            public: "true",
            drop_in: "true",
            local: "false",
        },
        "Whether requests of the HTTP API need a token. false lets everybody in who reaches the \
         port; in local mode still nobody whose request came through a proxy.",
        |config, input| input.one(choice).map(|value| config.auth.required = value),
    ),
    Key::new(
        "auth.bypass_with_header",
        Kind::Choice(words::<bool>),
        Always("false"),
        "Lets in requests with the header Bypass-Auth: true, for trials.",
        |config, input| {
            input
                .one(choice)
                .map(|value| config.auth.bypass_with_header = value)
        },
    ),
    Key::new(
        "auth.bypass_signature",
        Kind::Choice(words::<bool>),
        Always("false"),
        "Believes tokens whoever signed them, for trials.",
        |config, input| {
            input
                .one(choice)
                .map(|value| config.auth.bypass_signature = value)
        },
    ),
    Key::new(
        "auth.service_name",
        Kind::Text,
        Always("gitlab-ai-gateway"),
        "The audience that tokens have to name, and the issuer of the tokens made here.",
        |config, input| {
            input
                .one(text)
                .map(|value| config.auth.service_name = value)
        },
    ),
    Key::new(
        "auth.agent_platform.required",
        Kind::Choice(words::<bool>),
        ByMode {
            public: "true",
            drop_in: "true",
            local: "false",
        },
        "The same as auth.required for calls of the agent platform.",
        |config, input| {
            input
                .one(choice)
                .map(|value| config.auth.agent_platform.required = value)
        },
    ),
    Key::new(
        "auth.agent_platform.service_name",
        Kind::Text,
        Always("gitlab-duo-workflow-service"),
        "The same as auth.service_name for the agent platform.",
        |config, input| {
            input
                .one(text)
                .map(|value| config.auth.agent_platform.service_name = value)
        },
    ),
    Key::new(
        "keys.gateway.signing",
        Kind::Text,
        Always(""),
        "The RSA key that signs tokens for users (duogate keys new): in PEM, also with \\n for line \
         ends, or the path of such a file.",
        |config, input| {
            let key = |text: &str| key_source(text, input.folder);
            config.keys.gateway.signing = input.optional(key)?;
            Ok(())
        },
    )
    .optional()
    .secret(),
    Key::new(
        "keys.gateway.validation",
        Kind::Text,
        Always(""),
        "The previous signing key, whose tokens are accepted until they expire.",
        |config, input| {
            let key = |text: &str| key_source(text, input.folder);
            config.keys.gateway.validation = input.optional(key)?;
            Ok(())
        },
    )
    .optional()
    .secret(),
    Key::new(
        "keys.agent_platform.signing",
        Kind::Text,
        Always(""),
        "The RSA key that signs tokens for executors, without which GitLab starts no flows in CI \
         jobs: as keys.gateway.signing, another key.",
        |config, input| {
            let key = |text: &str| key_source(text, input.folder);
            config.keys.agent_platform.signing = input.optional(key)?;
            Ok(())
        },
    )
    .optional()
    .secret(),
    Key::new(
        "keys.agent_platform.validation",
        Kind::Text,
        Always(""),
        "The previous signing key of the agent platform, whose tokens are accepted until they \
         expire.",
        |config, input| {
            let key = |text: &str| key_source(text, input.folder);
            config.keys.agent_platform.validation = input.optional(key)?;
            Ok(())
        },
    )
    .optional()
    .secret(),
];

/// One GitLab instance.
static GITLAB: &[Field] = &[
    Field::required(
        "url",
        Kind::Url,
        "Its URL, with the path it may be installed under.",
    ),
    Field::with_default(
        "ca_file",
        Kind::Path,
        "",
        "Root certificates that its certificate may come from, in PEM; beside the public ones.",
    )
    .optional(),
];

/// A key in PEM, or the path of a file with one.
fn key_source(text: &str, folder: &Path) -> Result<KeySource, Complaint> {
    if text.contains("-----BEGIN") {
        return Ok(KeySource::Pem(text.to_owned()));
    }
    // a key whose first line was lost on the way is no path, and must not be taken for one
    if text.is_empty() || text.len() > PATH_BYTES || text.chars().any(char::is_control) {
        return Err(Complaint::new(
            "is neither a key in PEM nor a path",
            "write the whole key, from -----BEGIN to the end, or the path of its file; \
             duogate keys new makes one",
        ));
    }
    Ok(KeySource::File(folder.join(text)))
}

/// Longer than any path somebody writes, shorter than any RSA key.
const PATH_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_pem_or_a_path() {
        let folder = Path::new("/etc/duogate");
        let read = |text: &str| key_source(text, folder);
        let file = KeySource::File("/etc/duogate/key.pem".into());
        assert_eq!(read("key.pem"), Ok(file));
        for pem in [
            "-----BEGIN PRIVATE KEY-----\nAAAA\n",
            "\"-----BEGIN RSA PRIVATE KEY-----\\nAAAA\\n\"",
        ] {
            assert_eq!(read(pem), Ok(KeySource::Pem(pem.to_owned())));
        }
        for text in ["", "AAAA\nBBBB", &"A".repeat(1600)] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_are_not_shown() {
        let key = KeySource::Pem("-----BEGIN PRIVATE KEY-----\nAAAA\n".to_owned());
        assert!(!format!("{key:?}").contains("AAAA"));
    }
}
