//! What an identifier says of a model of Amazon Bedrock (models-and-prompts 1.8).

/// A model and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BedrockModel<'a> {
    /// As Amazon calls it: a name, with the prefix of an inference profile, or an ARN.
    pub(super) id: &'a str,
    /// Where it is, where the identifier says so.
    pub(super) region: Option<&'a str>,
}

impl<'a> BedrockModel<'a> {
    /// Reads what follows `bedrock/`. `converse/` and `invoke/` name the API that the reference
    /// asks; here both are answered by Converse, which serves every model of conversations.
    pub(super) fn read(text: &'a str) -> Self {
        let mut model = Self {
            id: text,
            region: None,
        };
        while let Some((first, rest)) = model.id.split_once('/') {
            match first {
                "converse" | "invoke" | "converse_like" => {}
                _ if is_region(first) => model.region = Some(first),
                _ => break,
            }
            model.id = rest;
        }
        if let Some(rest) = model.id.strip_prefix("arn:") {
            let region = rest.split(':').nth(2);
            model.region = region.filter(|region| is_region(region)).or(model.region);
        }
        model
    }

    /// Whether the model takes a system prompt. Those that do not are old and few
    /// (models-and-prompts 1.8); where another refuses one, the call is made again without.
    pub(super) fn takes_system(self) -> bool {
        !WITHOUT_SYSTEM.iter().any(|name| self.id.contains(name))
    }

    /// Whether the model keeps a prompt's beginning for the next call: Claude from 3.5 v2 on, and
    /// Nova.
    pub(super) fn takes_cache_points(self) -> bool {
        let old = || OLD_CLAUDE.iter().any(|name| self.id.contains(name));
        self.id.contains("amazon.nova-") || (self.is_claude() && !old())
    }

    /// Whether it is one of Anthropic's.
    pub(super) fn is_claude(self) -> bool {
        self.id.contains("anthropic.claude")
    }
}

/// `eu-central-1`; only such a word may become a part of a host's name.
pub(super) fn is_region(word: &str) -> bool {
    let mut parts = word.split('-');
    let letters =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let number =
        |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    parts.next_back().is_some_and(number)
        && parts.clone().count() >= 2
        && parts.all(letters)
        && word.len() <= LONGEST_REGION
}

/// The longest today has 14 letters.
const LONGEST_REGION: usize = 32;

const WITHOUT_SYSTEM: [&str; 4] = [
    "mistral.mistral-7b-instruct",
    "mistral.mixtral-8x7b-instruct",
    "amazon.titan-text",
    "cohere.command-text",
];

const OLD_CLAUDE: [&str; 7] = [
    "claude-v2",
    "claude-2",
    "claude-instant",
    "claude-3-haiku",
    "claude-3-sonnet",
    "claude-3-opus",
    "claude-3-5-sonnet-20240620",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_name_model_and_region() {
        for (text, id, region) in [
            (
                "anthropic.claude-3-7-sonnet-20250219-v1:0",
                "anthropic.claude-3-7-sonnet-20250219-v1:0",
                None,
            ),
            (
                "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
                "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
                None,
            ),
            (
                "converse/mistral.mistral-large-2407-v1:0",
                "mistral.mistral-large-2407-v1:0",
                None,
            ),
            (
                "invoke/us.amazon.nova-pro-v1:0",
                "us.amazon.nova-pro-v1:0",
                None,
            ),
            (
                "eu-west-1/anthropic.claude-v2:1",
                "anthropic.claude-v2:1",
                Some("eu-west-1"),
            ),
            ("converse/us-gov-west-1/m", "m", Some("us-gov-west-1")),
            (
                "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-3-5-sonnet-20240620-v1:0",
                "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-3-5-sonnet-20240620-v1:0",
                Some("eu-central-1"),
            ),
            (
                "converse/arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
                "arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
                Some("us-east-1"),
            ),
            (
                "us-east-1/arn:aws:bedrock:evil.example/:1:x/y",
                "arn:aws:bedrock:evil.example/:1:x/y",
                Some("us-east-1"),
            ),
        ] {
            assert_eq!(
                BedrockModel::read(text),
                BedrockModel { id, region },
                "{text}"
            );
        }
    }

    #[test]
    fn only_regions_become_hosts() {
        for word in [
            "us-east-1",
            "eu-central-2",
            "ap-southeast-3",
            "us-gov-west-1",
            "us-iso-east-1",
            "cn-north-1",
        ] {
            assert!(is_region(word), "{word}");
        }
        for word in [
            "",
            "us",
            "us-1",
            "-a-1",
            "us-east-",
            "us-east-123",
            "evil.example-a-1",
            "us-east-1.x-a-1",
            "US-EAST-1",
            "a-b@c-1",
        ] {
            assert!(!is_region(word), "{word}");
        }
    }

    #[test]
    fn what_models_take_follows_from_their_names() {
        for (id, system, cache) in [
            ("mistral.mistral-7b-instruct-v0:2", false, false),
            ("mistral.mistral-large-2407-v1:0", true, false),
            ("amazon.titan-text-express-v1", false, false),
            ("us.amazon.nova-lite-v1:0", true, true),
            ("meta.llama3-1-70b-instruct-v1:0", true, false),
            ("anthropic.claude-3-5-sonnet-20240620-v1:0", true, false),
            ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", true, true),
            (
                "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
                true,
                true,
            ),
            (
                "arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
                true,
                false,
            ),
        ] {
            let model = BedrockModel::read(id);
            assert_eq!(
                (model.takes_system(), model.takes_cache_points()),
                (system, cache),
                "{id}"
            );
        }
    }
}
