//! Where a model on Azure is asked, however its endpoint was typed (models-and-prompts 1.9).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

/// A deployment of OpenAI's.
#[derive(Debug)]
pub(super) struct Deployment {
    /// The resource, with the rest of the query that was typed.
    base: Url,
    name: String,
    /// Absent: the API without dates.
    version: Option<String>,
    /// The word for the API without dates, where one was given.
    word: Option<String>,
}

impl Deployment {
    /// Reads what was typed: the resource with or without a slash, with `/openai` or `/openai/v1`, or
    /// the whole URL of a deployment, with a version or without. A version in the URL counts most,
    /// then the operator's. `model` names the deployment where the URL does not.
    pub(super) fn read(endpoint: &Url, version: Option<&str>, model: &str) -> Self {
        let typed = endpoint.path().trim_end_matches('/');
        let (base, named) = match typed.split_once(DEPLOYMENTS) {
            Some((base, rest)) => (base, rest.split('/').next()),
            None => (typed, None),
        };
        let ending = ENDINGS.iter().find(|ending| base.ends_with(**ending));
        let base = ending.map_or(base, |ending| base.trim_end_matches(ending));
        let mut url = endpoint.clone();
        url.set_path(base);
        let in_url = take_version(&mut url);
        let is_undated = ending.is_some_and(|ending| ending.starts_with("/openai/v1"));
        let given = in_url.or_else(|| {
            let version = version.filter(|_| !is_undated);
            version.map(ToOwned::to_owned)
        });
        let word = given
            .clone()
            .filter(|given| UNDATED.contains(&given.as_str()));
        let version = match given {
            Some(version) if word.is_none() => Some(version),
            None if !is_undated => Some(VERSION.to_owned()),
            _ => None,
        };
        let model = utf8_percent_encode(model, SEGMENT);
        Self {
            base: url,
            name: named.map_or_else(|| model.to_string(), ToOwned::to_owned),
            version,
            word,
        }
    }

    /// The URL of a route.
    pub(super) fn url(&self, route: &str) -> Url {
        if let Some(version) = &self.version {
            let path = format!("{DEPLOYMENTS}{}{route}", self.name);
            return self.at(&path, Some(version));
        }
        let word = self.word.as_deref().filter(|word| *word == PREVIEW);
        self.at(&format!("/openai/v1{route}"), word)
    }

    /// The URL of the newer API, which has no dates; whatever date was given belongs to the older.
    pub(super) fn responses(&self) -> Url {
        let word = self.word.as_deref().unwrap_or(PREVIEW);
        self.at(
            "/openai/v1/responses",
            Some(word).filter(|word| *word == PREVIEW),
        )
    }

    fn at(&self, path: &str, version: Option<&str>) -> Url {
        let mut url = self.base.clone();
        let base = self.base.path().trim_end_matches('/');
        url.set_path(&format!("{base}{path}"));
        if let Some(version) = version {
            url.query_pairs_mut().append_pair(API_VERSION, version);
        }
        url
    }
}

/// Where models of others are asked: below the endpoint as it was typed.
pub(super) fn inference(endpoint: &Url) -> Url {
    let typed = endpoint.path().trim_end_matches('/');
    let base = typed.strip_suffix(CHAT).unwrap_or(typed);
    let mut url = endpoint.clone();
    url.set_path(&format!("{base}{CHAT}"));
    url
}

/// Takes the version out of a query.
fn take_version(url: &mut Url) -> Option<String> {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let (versions, others): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(name, _)| name == API_VERSION);
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    let version = versions.into_iter().next().map(|(_, version)| version);
    version.filter(|version| !version.is_empty())
}

const DEPLOYMENTS: &str = "/openai/deployments/";
const CHAT: &str = "/chat/completions";
const API_VERSION: &str = "api-version";

/// Longest first, since they end in one another.
const ENDINGS: [&str; 5] = [
    "/openai/v1/chat/completions",
    "/openai/v1/completions",
    "/openai/v1/responses",
    "/openai/v1",
    "/openai",
];

/// Words in the place of a date.
const UNDATED: [&str; 3] = ["v1", "latest", PREVIEW];

/// The only word that the API wants to read.
const PREVIEW: &str = "preview";

/// The reference's.
const VERSION: &str = "2025-02-01-preview";

/// What a deployment's name is written with.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

#[cfg(test)]
mod tests {
    use super::*;

    fn url(endpoint: &str, version: Option<&str>) -> String {
        let endpoint = Url::parse(endpoint).unwrap();
        let deployment = Deployment::read(&endpoint, version, "my dep");
        deployment.url("/chat/completions").to_string()
    }

    #[test]
    fn endpoints_lead_to_the_deployment_however_they_are_typed() {
        let dated = |version: &str| {
            format!(
                "https://x.test/openai/deployments/my%20dep/chat/completions?api-version={version}"
            )
        };
        for endpoint in [
            "https://x.test",
            "https://x.test/",
            "https://x.test/openai",
            "https://x.test/openai/",
        ] {
            assert_eq!(url(endpoint, None), dated(VERSION), "{endpoint}");
            assert_eq!(url(endpoint, Some("2024-10-21")), dated("2024-10-21"));
            let in_url = format!("{endpoint}?api-version=2024-06-01");
            assert_eq!(url(&in_url, Some("2024-10-21")), dated("2024-06-01"));
        }
        for (endpoint, expected) in [
            (
                "https://x.test/openai/deployments/other/chat/completions?api-version=2024-06-01&a=b",
                "https://x.test/openai/deployments/other/chat/completions?a=b&api-version=2024-06-01",
            ),
            (
                "https://x.test/openai/deployments/other",
                "https://x.test/openai/deployments/other/chat/completions?api-version=2025-02-01-preview",
            ),
            (
                "https://gate.test/team/openai",
                "https://gate.test/team/openai/deployments/my%20dep/chat/completions?api-version=2025-02-01-preview",
            ),
        ] {
            assert_eq!(url(endpoint, None), expected);
        }
    }

    #[test]
    fn the_api_without_dates_is_asked_where_its_path_or_its_word_is_given() {
        let plain = "https://x.test/openai/v1/chat/completions";
        for (endpoint, version) in [
            ("https://x.test/openai/v1", None),
            ("https://x.test/openai/v1/", Some("2024-10-21")),
            ("https://x.test/openai/v1/chat/completions", None),
            ("https://x.test", Some("v1")),
            ("https://x.test/openai", Some("latest")),
            ("https://x.test?api-version=v1", Some("2024-10-21")),
        ] {
            assert_eq!(url(endpoint, version), plain, "{endpoint}");
        }
        let preview = format!("{plain}?api-version=preview");
        assert_eq!(url("https://x.test", Some("preview")), preview);
    }

    #[test]
    fn coding_models_and_models_of_others_have_urls_of_their_own() {
        let responses = |endpoint: &str, version| {
            let endpoint = Url::parse(endpoint).unwrap();
            Deployment::read(&endpoint, version, "d")
                .responses()
                .to_string()
        };
        let preview = "https://x.test/openai/v1/responses?api-version=preview";
        assert_eq!(responses("https://x.test", None), preview);
        assert_eq!(
            responses("https://x.test/openai", Some("2024-10-21")),
            preview
        );
        let plain = "https://x.test/openai/v1/responses";
        assert_eq!(responses("https://x.test", Some("v1")), plain);
        for endpoint in [
            "https://x.test/models",
            "https://x.test/models/chat/completions",
        ] {
            let url = inference(&Url::parse(endpoint).unwrap());
            assert_eq!(url.as_str(), "https://x.test/models/chat/completions");
        }
    }
}
