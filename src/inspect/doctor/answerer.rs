//! Who gave an answer.

use http::{HeaderMap, HeaderName, header};

/// The server behind an answer, by its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answerer {
    /// The words of the Server field.
    name: Option<String>,
    /// True when Duogate answered or passed the answer on.
    ours: bool,
    /// True when the body is a page for people.
    html: bool,
}

impl Answerer {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let name = text(headers, &header::SERVER);
        let via = headers.get_all(header::VIA).iter();
        let passed_on = via
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.to_ascii_lowercase().contains("duogate"));
        let ours = passed_on
            || name
                .as_deref()
                .is_some_and(|name| name.starts_with("duogate"));
        let html = text(headers, &header::CONTENT_TYPE)
            .is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"));
        Self { name, ours, html }
    }

    /// True when Duogate answered or passed the answer on.
    pub(super) fn is_ours(&self) -> bool {
        self.ours
    }

    /// True when the answer is a page for people.
    pub(super) fn is_html(&self) -> bool {
        self.html
    }

    /// Its name in a sentence.
    pub(super) fn name(&self) -> String {
        match (&self.name, self.ours) {
            (Some(name), true) if !name.starts_with("duogate") => format!("{name} behind duogate"),
            (Some(name), _) => name.clone(),
            (None, true) => "a server behind duogate".to_owned(),
            (None, false) => "a server that gives no name".to_owned(),
        }
    }
}

/// A field as text, bounded, so that a strange server cannot fill the terminal.
pub(super) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(shown(&String::from_utf8_lossy(value.as_bytes())))
}

/// Foreign words that are safe to print: visible, on one line, not too many.
pub(super) fn shown(words: &str) -> String {
    let visible = words.chars().map(|character| match character {
        character if character.is_control() => ' ',
        character => character,
    });
    visible.take(SHOWN_CHARACTERS).collect::<String>()
}

/// Enough for a version string or a sentence of a problem.
const SHOWN_CHARACTERS: usize = 160;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn who_answered_is_told_by_server_and_via() {
        let of = |server: &'static str, via: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::SERVER, HeaderValue::from_static(server));
            if let Some(via) = via {
                headers.append(header::VIA, HeaderValue::from_static("1.1 other"));
                headers.append(header::VIA, HeaderValue::from_static(via));
            }
            Answerer::of(&headers)
        };
        assert!(of("duogate/0.1.0", None).is_ours());
        let forwarded = of("uvicorn", Some("1.1 duogate"));
        assert!(forwarded.is_ours());
        assert_eq!(forwarded.name(), "uvicorn behind duogate");
        assert!(!of("nginx/1.22.1", Some("1.1 varnish")).is_ours());
    }

    #[test]
    fn foreign_words_stay_on_one_line() {
        assert_eq!(shown("a\u{1b}[31m\nb"), "a [31m b");
        assert_eq!(shown(&"x".repeat(1000)).len(), SHOWN_CHARACTERS);
    }
}
