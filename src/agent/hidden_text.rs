//! What hides in a text that somebody else wrote: words that its reader does not see and a model
//! does, and tags that pass for ours (agent-platform 6.6).

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The text without what hides in it; tags stay as text. JSON is cleaned field by field, so that it
/// stays JSON.
pub(super) fn cleaned(text: &str) -> Cow<'_, str> {
    if !hides_something(text) {
        return Cow::Borrowed(text);
    }
    let is_json = text.trim_start().starts_with(['{', '[']);
    if is_json && let Ok(value) = serde_json::from_str(text) {
        return Cow::Owned(cleaned_json(value).to_string());
    }
    // logs and what commands print are read as they are: a comment that nobody closes hides nothing
    // there, and taking it out would take the rest along
    Cow::Owned(cleaned_text(text, Unclosed::IsText))
}

/// What a comment is that nobody closes.
#[derive(Clone, Copy)]
enum Unclosed {
    /// Pages show nothing behind it.
    HidesTheRest,
    /// A text like others.
    IsText,
}

fn cleaned_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(cleaned_text(&text, Unclosed::HidesTheRest)),
        Value::Array(list) => list.into_iter().map(cleaned_json).collect(),
        Value::Object(object) => {
            let fields = object.into_iter();
            let name = |name: String| cleaned_text(&name, Unclosed::HidesTheRest);
            let fields = fields.map(|(key, value)| (name(key), cleaned_json(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// What is left of a cut may hide something again.
fn cleaned_text(text: &str, unclosed: Unclosed) -> String {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS {
        if !hides_something(&text) {
            return text;
        }
        text = without_invisible(&text);
        for (open, close) in COMMENTS {
            text = without_spans(&text, open, close, unclosed);
        }
        text = without_comment_lines(&text);
        text = with_tags_as_text(&text);
    }
    // whoever nests so deep hides nothing by accident
    let text = text.replace('<', "&lt;").replace('\\', "/");
    without_comment_lines(&text)
}

fn without_invisible(text: &str) -> String {
    let shown: String = text
        .chars()
        .filter(|letter| !is_invisible(*letter))
        .collect();
    let mut clean = String::with_capacity(shown.len());
    let mut rest = shown.as_str();
    while let Some(place) = rest.find('\\') {
        let (front, escape) = rest.split_at(place);
        clean.push_str(front);
        let length = escaped_invisible(escape);
        if length == 0 {
            clean.push('\\');
        }
        rest = escape.get(length.max(1)..).unwrap_or_default();
    }
    clean.push_str(rest);
    clean
}

/// The length of an escape of an invisible letter, or of half of one.
fn escaped_invisible(escape: &str) -> usize {
    let head = escape.get(..6).unwrap_or_default().to_ascii_lowercase();
    if head == r"\udb40" {
        let low = escape.get(6..12).unwrap_or_default().to_ascii_lowercase();
        return if low.starts_with(r"\ud") { 12 } else { 6 };
    }
    if head == r"\u{e00" || head == r"\u{e01" {
        return escape.find('}').map_or(escape.len(), |end| end + 1);
    }
    0
}

/// Without what stands between the two words of small ASCII letters, whatever the case they are
/// written in, and without these.
fn without_spans(text: &str, open: &str, close: &str, unclosed: Unclosed) -> String {
    let plain = text.to_ascii_lowercase();
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(start) = find(&plain, open, at) {
        clean.push_str(text.get(at..start).unwrap_or_default());
        at = match (find(&plain, close, start + open.len()), unclosed) {
            (Some(end), _) => end + close.len(),
            (None, Unclosed::HidesTheRest) => text.len(),
            (None, Unclosed::IsText) => {
                clean.push_str(OPENED);
                start + open.len()
            }
        };
    }
    clean.push_str(text.get(at..).unwrap_or_default());
    clean
}

/// Where a word stands from a place on.
fn find(text: &str, word: &str, from: usize) -> Option<usize> {
    text.get(from..)?.find(word).map(|place| from + place)
}

fn without_comment_lines(text: &str) -> String {
    let mut is_diagram = false;
    let lines = text.split_inclusive('\n');
    let shown = lines.filter(|line| !is_hidden_line(line, &mut is_diagram));
    shown.collect()
}

/// Whether pages do not show a line: a comment of Markdown's, or one in a diagram. `is_diagram` goes
/// from line to line.
fn is_hidden_line(line: &str, is_diagram: &mut bool) -> bool {
    let line = line.trim();
    for fence in ["```", "~~~"] {
        if let Some(kind) = line.strip_prefix(fence) {
            let kind = kind.trim_start_matches(['`', '~']).trim_start();
            // only a fence without a word closes
            *is_diagram = match kind.get(..MERMAID.len()) {
                Some(word) if word.eq_ignore_ascii_case(MERMAID) => true,
                _ => *is_diagram && !kind.is_empty(),
            };
            return false;
        }
    }
    let is_comment = line.starts_with("%%") && !line.starts_with("%%{");
    (*is_diagram && is_comment) || is_markdown_comment(line)
}

/// `<goal>` becomes `&lt;goal&gt;`.
fn with_tags_as_text(text: &str) -> String {
    let plain = text.to_ascii_lowercase();
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    for (start, bracket) in brackets(&plain) {
        let behind = plain.get(start + bracket..).unwrap_or_default();
        if start < at || !TAGS.iter().any(|tag| is_tag(behind, tag)) {
            continue;
        }
        clean.push_str(text.get(at..start).unwrap_or_default());
        clean.push_str("&lt;");
        at = start + bracket;
        if let Some((inside, close)) = closing(behind) {
            clean.push_str(text.get(at..at + inside).unwrap_or_default());
            clean.push_str("&gt;");
            at += inside + close;
        }
    }
    clean.push_str(text.get(at..).unwrap_or_default());
    clean
}

/// Where brackets open, and how long each is; the first one first.
fn brackets(plain: &str) -> Vec<(usize, usize)> {
    let forms = ["<", r"\u003c"].into_iter();
    let mut found: Vec<_> = forms
        .flat_map(|form| plain.match_indices(form))
        .map(|(at, form)| (at, form.len()))
        .collect();
    found.sort_unstable();
    found
}

/// How far the bracket is that closes a tag, and how long. A tag that is never closed ends where the
/// next one begins.
fn closing(behind: &str) -> Option<(usize, usize)> {
    let mut end = behind.len().min(LONGEST_TAG);
    while !behind.is_char_boundary(end) {
        end -= 1;
    }
    let tag = behind.get(..end)?;
    let tag = tag.split('<').next().unwrap_or_default();
    let closes = [">", r"\u003e"].into_iter();
    let found = closes.filter_map(|form| Some((tag.find(form)?, form.len())));
    found.min()
}

/// Whether a text holds something of that kind.
pub(super) fn hides_something(text: &str) -> bool {
    let plain = text.to_ascii_lowercase();
    let is_tagged = TAGS.iter().any(|tag| has_tag(&plain, tag));
    is_tagged
        || plain.contains("<!--")
        || plain.contains(r"\u003c!--")
        || text.chars().any(is_invisible)
        || has_escaped_invisible(&plain)
        || has_hidden_line(text)
}

fn has_hidden_line(text: &str) -> bool {
    let mut is_diagram = false;
    let mut lines = text.lines();
    lines.any(|line| is_hidden_line(line, &mut is_diagram))
}

/// `<goal>`, `</goal >` and the same with an escaped bracket.
fn has_tag(plain: &str, tag: &str) -> bool {
    ["<", r"\u003c"].iter().any(|bracket| {
        plain
            .match_indices(bracket)
            .any(|(at, _)| is_tag(plain.get(at + bracket.len()..).unwrap_or_default(), tag))
    })
}

/// Whether a tag of this name stands behind a bracket.
fn is_tag(rest: &str, tag: &str) -> bool {
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('/').unwrap_or(rest).trim_start();
    let behind = rest.strip_prefix(tag);
    let next = behind.map(|behind| behind.chars().next());
    next.is_some_and(|next| {
        next.is_none_or(|next| !next.is_alphanumeric() && next != '_' && next != '-')
    })
}

/// Unicode tags and variation selectors of the supplement: letters that nobody sees.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

/// The same as escaped surrogates: `\udb40\udc20`, all of which begin with one code.
fn has_escaped_invisible(plain: &str) -> bool {
    plain.contains(r"\udb40") || plain.contains(r"\u{e00") || plain.contains(r"\u{e01")
}

/// `[//]: # (text)`: a link that is defined and never used.
fn is_markdown_comment(line: &str) -> bool {
    let Some((label, target)) = line.trim_start().split_once("]:") else {
        return false;
    };
    let target = target.trim_start();
    label.starts_with('[') && (target.starts_with('#') || target.starts_with("<>"))
}

/// The kind of a diagram.
const MERMAID: &str = "mermaid";

/// Tags that set a user's goal and the server's own words apart.
const TAGS: [&str; 2] = ["goal", "system"];

/// What pages do not show: between which words it stands.
const COMMENTS: [(&str, &str); 2] = [("<!--", "-->"), (r"\u003c!--", r"--\u003e")];

/// Stands for the beginning of a comment that is none.
const OPENED: &str = "&lt;!--";

/// Of a tag, up to the bracket that closes it.
const LONGEST_TAG: usize = 1024;

/// A text that hides in what was left of a cut, and that a few times over, was made to.
const ROUNDS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_found() {
        for text in [
            "a <goal>b",
            "</ SYSTEM >",
            "<system prompt='x'>",
            r"\u003cgoal\u003e",
            "see <!-- this -->",
            "tag \u{e0041}",
            "selector \u{e0101}",
            r"\uDB40\uDC41",
            "[//]: # (hidden)",
            "  [comment]: <> (hidden)",
            "```mermaid\ngraph TD\n %% hidden\n```",
        ] {
            assert!(hides_something(text), "{text}");
        }
    }

    #[test]
    fn what_is_hidden_is_taken_out_and_the_rest_stays() {
        for (text, clean) in [
            ("a <goal>b</goal >", "a &lt;goal&gt;b&lt;/goal &gt;"),
            ("<SYSTEM x='1'> <b>", "&lt;SYSTEM x='1'&gt; <b>"),
            (r"\u003cgoal\u003e \n", r"&lt;goal&gt; \n"),
            ("<goal <goal>", "&lt;goal &lt;goal&gt;"),
            ("see <!-- this --> and <!-- that", "see  and &lt;!-- that"),
            ("a\u{e0041}b", "ab"),
            (r"a\uDB40\uDC41b \u{e0041}c", "ab c"),
            ("a\n[//]: # (hidden)\nb", "a\nb"),
            (
                "```mermaid\na\n %% hidden\n```\n%% shown",
                "```mermaid\na\n```\n%% shown",
            ),
            ("<go<!-- x -->al>", "&lt;goal&gt;"),
            (
                r#"{"a": "<!-- b", "c": ["d --> e", "<goal>"]}"#,
                r#"{"a":"","c":["d --> e","&lt;goal&gt;"]}"#,
            ),
        ] {
            assert_eq!(cleaned(text), clean, "{text}");
            assert!(!hides_something(&cleaned(text)), "{text}");
        }
        let nested = format!("{}x{}", "<!-".repeat(50), "- -->".repeat(50));
        assert!(!hides_something(&cleaned(&nested)));
        assert!(matches!(cleaned("plain <b>"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_everybody_sees_is_not() {
        for text in [
            "",
            "You are an agent. Goals: {{ goal }}",
            "<goals> <systematic> <system-x> a <b",
            "100 %% sure",
            "```mermaid\n%%{init: {}}%%\ngraph TD\n```\n%% not in it",
            "[link](#anchor) and [id]: https://example.com",
            "family \u{1f468}\u{200d}\u{1f469} \u{2764}\u{fe0f}",
        ] {
            assert!(!hides_something(text), "{text}");
        }
    }
}
