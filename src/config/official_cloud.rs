//! Variables of Amazon's and Google's own tools, and those of the official container beside them,
//! that say which account models are asked with (http-api 5).

use std::path::PathBuf;

use serde::Deserialize;

use super::{
    cloud::{
        Amazon, AmazonCredentials, AmazonKeys, ContainerCredentials, ContainerToken, Google,
        Guardrail, WebIdentity,
    },
    official::Reader,
};

impl Reader<'_> {
    /// The account at Amazon.
    pub(super) fn amazon(&mut self) -> Amazon {
        Amazon {
            region: self.first(&["AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"]),
            runtime_endpoint: self.url("AWS_BEDROCK_RUNTIME_ENDPOINT"),
            bearer_token: self.secret("AWS_BEARER_TOKEN_BEDROCK"),
            guardrail: self.guardrail(),
            credentials: AmazonCredentials {
                keys: self.amazon_keys(),
                profile: self.first(&["AWS_PROFILE"]),
                credentials_file: self.file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
                config_file: self.file("AWS_CONFIG_FILE", ".aws/config"),
                web_identity: self.web_identity(),
                token_service: self.url("AWS_ENDPOINT_URL_STS"),
                container: self.container(),
                instance: self.instance(),
            },
        }
    }

    /// The account at Google.
    pub(super) fn google(&mut self) -> Google {
        let named = self.first(&["GOOGLE_APPLICATION_CREDENTIALS"]);
        Google {
            project: self.first(&["AIGW_GOOGLE_CLOUD_PLATFORM__PROJECT"]),
            location: self.first(&["VERTEXAI_LOCATION", "AIGW_GOOGLE_CLOUD_PLATFORM__LOCATION"]),
            vertex_endpoint: self.url("VERTEXAI_API_BASE"),
            gemini_key: self
                .secret("GEMINI_API_KEY")
                .or_else(|| self.secret("GOOGLE_API_KEY")),
            service_account: self.secret("AIGW_GOOGLE_CLOUD_PLATFORM__SERVICE_ACCOUNT_JSON_KEY"),
            credentials_file: named.map(|file| self.folder.join(file)),
            login_file: self.home(".config/gcloud/application_default_credentials.json"),
            metadata_host: self.first(&["GCE_METADATA_HOST"]),
        }
    }

    fn amazon_keys(&mut self) -> Option<AmazonKeys> {
        let [id, secret] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        for (given, missing) in [(id, secret), (secret, id)] {
            if self.value(given).is_some() && self.value(missing).is_none() {
                let message = format!("is not set, but {given} is");
                self.problem(missing, None, &message, "set both, or neither");
            }
        }
        Some(AmazonKeys {
            access_key_id: self.value(id)?.to_owned(),
            secret_access_key: self.secret(secret)?,
            session_token: self.secret("AWS_SESSION_TOKEN"),
        })
    }

    fn web_identity(&self) -> Option<WebIdentity> {
        let token_file = self.value("AWS_WEB_IDENTITY_TOKEN_FILE")?;
        Some(WebIdentity {
            role: self.value("AWS_ROLE_ARN")?.to_owned(),
            token_file: self.folder.join(token_file),
            session: self.first(&["AWS_ROLE_SESSION_NAME"]),
        })
    }

    fn container(&mut self) -> Option<ContainerCredentials> {
        let url = match self.value("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            Some(path) => format!("{CONTAINER}{path}"),
            None => self.url("AWS_CONTAINER_CREDENTIALS_FULL_URI")?,
        };
        let file = self.value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
        let file = file.map(|file| ContainerToken::File(self.folder.join(file)));
        let text = self.secret("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        Some(ContainerCredentials {
            url,
            authorization: file.or(text.map(ContainerToken::Text)),
        })
    }

    fn instance(&mut self) -> Option<String> {
        let is_off = self.flag("AWS_EC2_METADATA_DISABLED") == Some(true);
        let url = self.url("AWS_EC2_METADATA_SERVICE_ENDPOINT");
        (!is_off).then(|| url.unwrap_or_else(|| INSTANCE.to_owned()))
    }

    /// `{"guardrailIdentifier": "...", "guardrailVersion": "...", "trace": "..."}`
    fn guardrail(&mut self) -> Option<Guardrail> {
        let name = "AIGW_BEDROCK_GUARDRAIL_CONFIG";
        let text = self.value(name)?;
        let given = serde_json::from_str::<GivenGuardrail>(text).ok();
        let given = given.filter(|given| !given.identifier.is_empty());
        let Some(given) = given else {
            let remedy = "write {\"guardrailIdentifier\": \"ID\", \"guardrailVersion\": \"1\"}";
            self.problem(name, Some(text), "is no guardrail in JSON", remedy);
            return None;
        };
        Some(Guardrail {
            identifier: given.identifier,
            version: given.version,
            trace: given.trace,
        })
    }

    /// The file that a variable names, else the one below the home folder.
    fn file(&self, name: &str, default: &str) -> Option<PathBuf> {
        match self.value(name) {
            Some(file) => Some(self.folder.join(file)),
            None => self.home(default),
        }
    }

    fn home(&self, file: &str) -> Option<PathBuf> {
        let home = self.value("HOME")?;
        Some(self.folder.join(home).join(file))
    }
}

#[derive(Deserialize)]
struct GivenGuardrail {
    #[serde(rename = "guardrailIdentifier")]
    identifier: String,
    #[serde(rename = "guardrailVersion")]
    version: Option<String>,
    trace: Option<String>,
}

/// Where Amazon's container service gives keys to containers.
const CONTAINER: &str = "http://169.254.170.2";

/// Where Amazon's virtual machines get keys.
const INSTANCE: &str = "http://169.254.169.254";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Mode, official};

    fn read(pairs: &[(&str, &str)]) -> official::Official {
        let pairs = pairs.iter();
        let environment: Vec<_> = pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        official::read(&environment, Mode::Public, Path::new("/srv"))
    }

    #[test]
    fn amazons_variables_are_taken() {
        let found = read(&[
            ("AWS_REGION", "eu-west-1"),
            ("AWS_REGION_NAME", "eu-central-1"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("HOME", "/home/a"),
            ("AWS_CONFIG_FILE", "aws.ini"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/token"),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"),
            (
                "AIGW_BEDROCK_GUARDRAIL_CONFIG",
                r#"{"guardrailIdentifier": "g", "guardrailVersion": "2"}"#,
            ),
        ]);
        assert_eq!(found.problems, []);
        let amazon = found.amazon;
        assert_eq!(amazon.region.as_deref(), Some("eu-central-1"));
        let guardrail = amazon.guardrail.unwrap();
        assert_eq!((guardrail.identifier, guardrail.trace), ("g".into(), None));
        let credentials = amazon.credentials;
        assert_eq!(credentials.keys.unwrap().access_key_id, "AKIA");
        let files = [credentials.credentials_file, credentials.config_file];
        let expected = ["/home/a/.aws/credentials", "/srv/aws.ini"];
        assert_eq!(files, expected.map(|file| Some(PathBuf::from(file))));
        let container = credentials.container.unwrap().url;
        assert_eq!(container, "http://169.254.170.2/v2/x");
        assert!(credentials.web_identity.is_some() && credentials.instance.is_some());
    }

    #[test]
    fn halves_and_nonsense_are_told_without_their_values() {
        let found = read(&[
            ("AWS_SECRET_ACCESS_KEY", "hidden"),
            ("AWS_BEDROCK_RUNTIME_ENDPOINT", "nowhere"),
            ("AIGW_BEDROCK_GUARDRAIL_CONFIG", "[]"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]);
        let problems = format!("{:?}", found.problems);
        assert_eq!(found.problems.len(), 3, "{problems}");
        assert!(!problems.contains("hidden"));
        assert!(found.amazon.credentials.instance.is_none());
        assert!(found.amazon.credentials.keys.is_none());
    }
}
