//! One prompt as its file says it (models-and-prompts 4.2).

use std::{fmt, path::Path, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

use super::{PromptError, Role, Sampling};

/// What a file says, judged.
pub(super) struct PromptFile {
    pub(super) name: String,
    pub(super) unit_primitive: String,
    pub(super) sampling: Sampling,
    pub(super) timeout: Option<Duration>,
    pub(super) messages: Vec<Message>,
    /// Variables that may be missing.
    pub(super) optional: Vec<String>,
}

/// One text of `prompt_template`.
pub(super) struct Message {
    pub(super) role: Role,
    pub(super) text: String,
    /// Where its first line stands in the file.
    pub(super) line: u64,
}

impl PromptFile {
    /// Reads a text; `path` is for the error alone.
    pub(super) fn read(text: &str, path: &Path) -> Result<Self, PromptError> {
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_depth: MAXIMUM_DEPTH },
            with_snippet: false,
        };
        let form: Form = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
            PromptError::Malformed {
                path: path.to_owned(),
                line: error.location().map_or(1, |location| location.line()),
                message: plain(&error.without_snippet().to_string()),
                remedy: "write the keys as docs/prompts.md shows them",
            }
        })?;
        Ok(form.judged())
    }
}

/// The file's form; a key that is not here is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    #[serde(deserialize_with = "name")]
    name: String,
    #[serde(default)]
    model: Model,
    #[serde(deserialize_with = "word")]
    unit_primitive: String,
    prompt_template: Texts,
    #[serde(default)]
    params: CallParams,
    #[serde(default)]
    optional: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    #[serde(default)]
    params: ModelParams,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ModelParams {
    temperature: Option<Fraction<2>>,
    top_p: Option<Fraction<1>>,
    top_k: Option<Count>,
    max_tokens: Option<Count>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct CallParams {
    stop: Stops,
    timeout: Option<Seconds>,
}

impl Form {
    fn judged(self) -> PromptFile {
        let model = self.model.params;
        let messages = self.prompt_template.0.into_iter().map(|(role, text)| {
            // the parser names the first line of a block that is not blank
            let blank = text
                .value
                .chars()
                .take_while(|character| *character == '\n');
            let blank = u64::try_from(blank.count()).unwrap_or_default();
            Message {
                role,
                line: text.referenced.line().saturating_sub(blank),
                text: text.value,
            }
        });
        PromptFile {
            name: self.name,
            unit_primitive: self.unit_primitive,
            sampling: Sampling {
                temperature: model.temperature.map(|value| value.0),
                top_p: model.top_p.map(|value| value.0),
                top_k: model.top_k.map(|value| value.0),
                max_tokens: model.max_tokens.map(|value| value.0),
                stop: self.params.stop.0,
            },
            timeout: self.params.timeout.map(|value| value.0),
            messages: messages.collect(),
            optional: self.optional,
        }
    }
}

/// The parser's sentence without its own notes on the place, which is told apart.
fn plain(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ");
    match text.find(" at line ") {
        Some(end) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

/// Roles with their texts, in the order of the file.
struct Texts(Vec<(Role, Spanned<String>)>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("roles (system, user, assistant) with their texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(role) = access.next_key::<Role>()? {
            let given = access.next_value::<Spanned<OneOrMore>>()?;
            match given.value {
                OneOrMore::One(text) => {
                    let text = Spanned::new(text, given.referenced, given.defined);
                    texts.push((role, text));
                }
                OneOrMore::More(more) => texts.extend(more.into_iter().map(|text| (role, text))),
            }
        }
        if texts.iter().all(|(role, _)| *role == Role::System) {
            return Err(de::Error::custom(
                "prompt_template has no user message, without which no model answers",
            ));
        }
        Ok(Texts(texts))
    }
}

/// A text, or a list of texts of the same role.
///
/// Not serde's `untagged`, which would lose the places.
enum OneOrMore {
    One(String),
    More(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMoreVisitor)
    }
}

struct OneOrMoreVisitor;

impl<'de> Visitor<'de> for OneOrMoreVisitor {
    type Value = OneOrMore;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<OneOrMore, E> {
        Ok(OneOrMore::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<OneOrMore, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = access.next_element()? {
            texts.push(text);
        }
        Ok(OneOrMore::More(texts))
    }
}

/// A number from 0 to a whole one.
struct Fraction<const MAXIMUM: u8>(f64);

impl<'de, const MAXIMUM: u8> Deserialize<'de> for Fraction<MAXIMUM> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        if (0.0..=f64::from(MAXIMUM)).contains(&value) {
            return Ok(Self(value));
        }
        let message = format!("{value} is not from 0 to {MAXIMUM}");
        Err(de::Error::custom(message))
    }
}

/// A number of tokens.
struct Count(u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u64::deserialize(deserializer)?;
        match u32::try_from(value) {
            Ok(count @ 1..=MAXIMUM_TOKENS) => Ok(Self(count)),
            _ => Err(de::Error::custom(format!(
                "{value} is not from 1 to {MAXIMUM_TOKENS}"
            ))),
        }
    }
}

/// A duration in seconds.
struct Seconds(Duration);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        if value > 0.0 && value <= MAXIMUM_SECONDS {
            return Ok(Self(Duration::from_secs_f64(value)));
        }
        Err(de::Error::custom(format!(
            "{value} is no timeout: it has to be above 0 and at most {MAXIMUM_SECONDS} seconds"
        )))
    }
}

/// Texts at which a model ends.
#[derive(Default)]
struct Stops(Vec<String>);

impl<'de> Deserialize<'de> for Stops {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stops = Vec::<String>::deserialize(deserializer)?;
        if stops.len() > MAXIMUM_STOPS || stops.iter().any(String::is_empty) {
            return Err(de::Error::custom(format!(
                "stop takes at most {MAXIMUM_STOPS} texts, none of them empty"
            )));
        }
        Ok(Self(stops))
    }
}

fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if name.trim().is_empty() || name.len() > MAXIMUM_NAME_BYTES {
        return Err(de::Error::custom(format!(
            "name has to have 1 to {MAXIMUM_NAME_BYTES} bytes"
        )));
    }
    Ok(name)
}

fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let word = String::deserialize(deserializer)?;
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if word.is_empty() || word.len() > MAXIMUM_NAME_BYTES || !word.bytes().all(letters) {
        return Err(de::Error::custom(
            "unit_primitive is one word of small letters, digits and underscores",
        ));
    }
    Ok(word)
}

/// The deepest text lies in a list of a role; a file nested deeper than this is not meant for us.
const MAXIMUM_DEPTH: usize = 16;

/// Names are shown in answers and logs.
const MAXIMUM_NAME_BYTES: usize = 255;

/// More than any model writes in one answer.
const MAXIMUM_TOKENS: u32 = 1_000_000;

/// GitLab itself waits ten minutes at most.
const MAXIMUM_SECONDS: f64 = 600.0;

/// Model servers take four; the native layouts of code models have up to nine, most telling first.
const MAXIMUM_STOPS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "\
name: Whole
model:
  params:
    temperature: 0.1
    top_p: 1
    top_k: 40
    max_tokens: 64
unit_primitive: explain_code
prompt_template:
  system: |
    first
    second
  user:
    - a
    - b
params:
  stop: [x]
  timeout: 1.5
optional: [q]
";

    fn refused(text: &str) -> String {
        let error = PromptFile::read(text, Path::new("a/base/1.0.0.yml"));
        error.err().expect("the file is refused").to_string()
    }

    #[test]
    fn a_whole_file_is_read_with_places_and_order() {
        let file = PromptFile::read(WHOLE, Path::new("x")).expect("it is whole");
        assert_eq!(file.sampling.temperature, Some(0.1));
        assert_eq!(file.sampling.top_p, Some(1.0));
        assert_eq!(file.sampling.top_k, Some(40));
        assert_eq!(file.sampling.max_tokens, Some(64));
        assert_eq!(file.sampling.stop, ["x"]);
        assert_eq!(file.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(file.optional, ["q"]);
        let messages: Vec<_> = file
            .messages
            .iter()
            .map(|message| (message.role, &*message.text, message.line))
            .collect();
        let expected = [
            (Role::System, "first\nsecond\n", 11),
            (Role::User, "a", 14),
            (Role::User, "b", 15),
        ];
        assert_eq!(messages, expected);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let cases = [
            ("max_tokens: 64", "max_tokens: 0", 7, "0 is not from 1 to"),
            (
                "temperature: 0.1",
                "temperature: 3",
                4,
                "3 is not from 0 to 2",
            ),
            ("top_p: 1", "top_pp: 1", 5, "top_pp"),
            ("timeout: 1.5", "timeout: 0", 18, "0 is no timeout"),
            ("stop: [x]", "stop: ['']", 17, "none of them empty"),
            (
                "explain_code",
                "Explain Code",
                8,
                "one word of small letters",
            ),
            ("  user:", "  placeholder:", 13, "placeholder"),
            ("optional: [q]", "retries: 3", 19, "retries"),
        ];
        for (good, bad, line, words) in cases {
            let text = refused(&WHOLE.replace(good, bad));
            assert!(text.contains(words), "{text}");
            assert!(text.contains("docs/prompts.md"), "{text}");
            let place = format!("prompts: a/base/1.0.0.yml:{line}: ");
            assert!(text.starts_with(&place), "{place}\n{text}");
        }
        let text = refused("name: x\nunit_primitive: y\nprompt_template: {system: z}\n");
        assert!(text.contains("no user message"), "{text}");
        let text = refused("name: x\nprompt_template: {user: z}\n");
        assert!(text.contains("unit_primitive"), "{text}");
        refused("");
        refused("name: [\n");
    }
}
