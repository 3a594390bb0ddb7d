//! A GraphQL text that somebody wrote, read as far as it takes to know that it only asks.

use std::fmt::Write as _;

use super::ToolError;

/// Why a text is no question, for the model.
type Fault = &'static str;

/// Reads a document of queries and fragments, and writes it anew: its tokens in their order, with a
/// space between two and no comments. What is sent is so what was judged, however GitLab's own
/// reader takes comments and ends of lines. Everything that is not understood is refused.
pub(super) fn question(text: &str) -> Result<String, ToolError> {
    let refused = |fault: Fault| ToolError::Argument(format!("query {fault}"));
    if text.len() > LONGEST {
        return Err(refused("is longer than 32 KiB; ask for less at once"));
    }
    let tokens = tokens(text).map_err(refused)?;
    judge(&tokens).map_err(refused)?;
    let mut written = String::with_capacity(text.len());
    for token in &tokens {
        if !written.is_empty() {
            written.push(' ');
        }
        // writing to a string cannot fail
        let _ = write!(written, "{}", token.0);
    }
    Ok(written)
}

/// A piece of a document, as it stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token<'t>(&'t str);

fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = match letter {
            ' ' | '\t' | '\n' | '\r' | ',' | '\u{feff}' => {
                rest = rest.get(letter.len_utf8()..).unwrap_or_default();
                continue;
            }
            '#' => {
                let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
                rest = rest.get(end..).unwrap_or_default();
                continue;
            }
            '!' | '$' | '&' | '(' | ')' | ':' | '=' | '@' | '[' | ']' | '{' | '|' | '}' => 1,
            '.' if rest.starts_with("...") => 3,
            '"' if rest.starts_with(BLOCK) => block_length(rest)?,
            '"' => string_length(rest)?,
            '_' | 'a'..='z' | 'A'..='Z' => run(rest, |letter| {
                letter == '_' || letter.is_ascii_alphanumeric()
            }),
            '-' | '0'..='9' => run(rest, |letter| {
                letter.is_ascii_alphanumeric() || matches!(letter, '-' | '+' | '.')
            }),
            _ => return Err("has a letter that GraphQL does not know outside of texts"),
        };
        let (token, after) = rest.split_at_checked(length).ok_or("is cut off")?;
        tokens.push(Token(token));
        rest = after;
    }
    Ok(tokens)
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|letter| !belongs(letter)).unwrap_or(text.len())
}

/// The length of a string with its quotes.
fn string_length(text: &str) -> Result<usize, Fault> {
    let mut letters = text.char_indices().skip(1);
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' => return Ok(index + 1),
            '\\' => match letters.next() {
                Some((_, 'u')) => {
                    let digits = letters.by_ref().take(4);
                    if digits.filter(|(_, it)| it.is_ascii_hexdigit()).count() < 4 {
                        return Err("has a text with a broken escape; four hex digits follow \\u");
                    }
                }
                Some((_, '"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {}
                _ => return Err("has a text with an escape that GraphQL does not know"),
            },
            '\t' => {}
            letter if letter.is_control() => {
                return Err("has a text with a line break or control character; escape it");
            }
            _ => {}
        }
    }
    Err("has a text that does not end")
}

/// The length of a block string with its quotes. Readers differ about backslashes in it and about a
/// quote right behind it: neither is taken.
fn block_length(text: &str) -> Result<usize, Fault> {
    let inner = text.get(BLOCK.len()..).unwrap_or_default();
    let end = inner
        .find(BLOCK)
        .ok_or("has a block text that does not end")?;
    let (content, after) = inner.split_at_checked(end).ok_or("is cut off")?;
    let is_odd = |letter: char| {
        letter == '\\' || (letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'))
    };
    let has_quote_behind = after
        .strip_prefix(BLOCK)
        .unwrap_or_default()
        .starts_with('"');
    if content.contains(is_odd) || has_quote_behind {
        return Err("has a block text with a backslash or stray quotes; write it as a plain text");
    }
    Ok(BLOCK.len() + end + BLOCK.len())
}

/// A document is a row of definitions, each of which ends with the braces of what it selects.
fn judge(tokens: &[Token<'_>]) -> Result<(), Fault> {
    let mut open: Vec<&str> = Vec::new();
    let mut is_between = true;
    let mut has_query = false;
    for Token(token) in tokens {
        // also where it could be a name: no reader may take it for the other
        if open.is_empty() && matches!(*token, "mutation" | "subscription") {
            return Err("is no query: only queries are done, nothing is changed");
        }
        if is_between {
            match *token {
                "query" | "{" => has_query = true,
                "fragment" => {}
                _ => return Err("must be made of queries and fragments alone"),
            }
            is_between = false;
        }
        match *token {
            "{" | "(" | "[" => open.push(token),
            "}" | ")" | "]" => {
                let opened = open.pop().ok_or(UNBALANCED)?;
                if !matches!((opened, *token), ("{", "}") | ("(", ")") | ("[", "]")) {
                    return Err(UNBALANCED);
                }
                is_between = open.is_empty() && *token == "}";
            }
            _ => {}
        }
        if open.len() > DEEPEST {
            return Err("is nested more than 50 deep; ask for less at once");
        }
    }
    match (is_between, has_query) {
        (true, true) => Ok(()),
        (true, false) => Err("holds no query"),
        (false, _) => Err(UNBALANCED),
    }
}

const BLOCK: &str = "\"\"\"";

const UNBALANCED: Fault = "has brackets that do not match";

/// Bytes of a text; GitLab's own bound on what a query may cost is reached long before.
const LONGEST: usize = 32 * 1024;

/// Open brackets at a time; GitLab refuses queries that are nested deeper than 20 to 30.
const DEEPEST: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_written_anew() {
        for (text, written) in [
            ("{ currentUser { name } }", "{ currentUser { name } }"),
            (
                "query Q($a: [ID!]! = [\"x\"], $b: T = {c: 1}) @d { e(f: $a) { ...G ... on H { i } } }\n\
                 fragment G on J { k }",
                "query Q ( $ a : [ ID ! ] ! = [ \"x\" ] $ b : T = { c : 1 } ) @ d { e ( f : $ a ) \
                 { ... G ... on H { i } } } fragment G on J { k }",
            ),
            ("{ a # } mutation {\n }", "{ a }"),
            ("# mutation { x }\r{ a }", "{ a }"),
            (
                "{ a(b: \"} mutation {\", c: -1.5e+3) }",
                "{ a ( b : \"} mutation {\" c : -1.5e+3 ) }",
            ),
            (
                "{ a(b: \"\\\" } mutation { \\u00e9 \\\\\") }",
                "{ a ( b : \"\\\" } mutation { \\u00e9 \\\\\" ) }",
            ),
            (
                "{ a(b: \"\"\"x \" } # mutation {\n\"\"\") }",
                "{ a ( b : \"\"\"x \" } # mutation {\n\"\"\" ) }",
            ),
            ("{ a(b: \"\"\"\"\"\") }", "{ a ( b : \"\"\"\"\"\" ) }"),
            // words of the schema's may be any
            (
                "query Q { mutation subscription: a }",
                "query Q { mutation subscription : a }",
            ),
            ("\u{feff}{a}", "{ a }"),
        ] {
            assert_eq!(question(text).as_deref(), Ok(written), "{text}");
        }
    }

    #[test]
    fn all_else_is_refused() {
        let deep = "{a".repeat(DEEPEST + 1) + &"}".repeat(DEEPEST + 1);
        let long = format!("{{ a }} #{}", "x".repeat(LONGEST));
        for text in [
            "",
            "  # nothing",
            "mutation { destroy }",
            "MUTATION { a }",
            "subscription { a }",
            "{ a } mutation { destroy }",
            "query Q { a } mutation M { destroy }",
            "fragment F on G { a } mutation { destroy }",
            "fragment F on G { a }",
            "# a comment\rmutation { destroy }",
            "# a comment\nmutation { destroy }",
            ",,mutation{destroy}",
            "\u{feff}mutation { destroy }",
            // a text that a careless reader ends elsewhere
            "{ a(b: \"\\\") } mutation { destroy }",
            "{ a(b: \"x\\\\\") } mutation { destroy(c: \"\") }",
            "{ a(b: \"\"\"\\\"\"\") } mutation { destroy }",
            "{ a(b: \"\"\"\\\"\"\" ) } mutation { d(c: \"\"\"\"\"\") }",
            "{ a(b: \"\"\"x\"\"\"\") } mutation { destroy }",
            "{ a(b: \"\"\"\"\"\"\"\"\") }",
            "{ a(b: \"x\ny\") }",
            "{ a(b: \"\\x\") }",
            "{ a(b: \"\\u12\") }",
            "{ a(b: \"\\u12g4\") }",
            "{ a(b: \"x",
            "{ a(b: \"\"\"x\"\") }",
            "{ a",
            "{ a }}",
            "{ a(b: [1)] }",
            "query Q",
            "query Q mutation { destroy }",
            "query mutation { a }",
            "query Q($a: B)",
            "{ a } b",
            "{ a } ...",
            "{ a .. b }",
            "{ a; b }",
            "{ a % b }",
            "{ \u{1}a }",
            "{ é }",
            "{ a\u{2028}b }",
            "type A { b: C }",
            "schema { mutation: M }",
            "extend type Query { a: B }",
            "\"words\" query { a }",
            "\\u006dutation { destroy }",
            &deep,
            &long,
        ] {
            assert!(question(text).is_err(), "{text}");
        }
    }
}
