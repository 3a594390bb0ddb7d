//! What a tool brought, made fit for a model.

use super::{Definition, ToolError, command_output};
use crate::{
    agent::{hidden_text, secrets},
    flow::{ToolFailure, ToolOutcome},
    foundation::beginning,
};

/// A tool's result after the pipeline (agent-platform 6.4): secrets taken out, cut, and cleaned of
/// what hides in it.
pub(super) fn outcome(
    tool: &Definition,
    display: String,
    result: Result<String, ToolError>,
) -> ToolOutcome {
    let output = tool.is_command.then(|| {
        let printed = match &result {
            Ok(text) => text,
            Err(error) => error.output().unwrap_or_default(),
        };
        prepared(command_output::output(printed), false)
    });
    let outcome = outcome_of(tool.name, tool.is_verbatim, display, result);
    ToolOutcome {
        command_output: output,
        ..outcome
    }
}

/// The same of a tool of an MCP server's.
pub(super) fn outcome_of_mcp(
    name: &str,
    display: String,
    result: Result<String, ToolError>,
) -> ToolOutcome {
    outcome_of(name, false, display, result)
}

fn outcome_of(
    name: &str,
    is_verbatim: bool,
    display: String,
    result: Result<String, ToolError>,
) -> ToolOutcome {
    let (text, failure) = match result {
        Ok(text) => (text, None),
        Err(error) => {
            let failure = ToolFailure {
                reason: error.reason(),
                kind: error.kind(),
                status: error.status(),
            };
            (error.text(name), Some(failure))
        }
    };
    let is_verbatim = is_verbatim && failure.is_none();
    ToolOutcome {
        text: prepared(&text, is_verbatim),
        display,
        failure,
        command_output: None,
    }
}

fn prepared(text: &str, is_verbatim: bool) -> String {
    // GitLab's database stores no such letter, and with it nothing of the session
    let text = text.replace('\0', "\u{fffd}");
    let text = bounded(secrets::redacted(&text).into_owned());
    if is_verbatim {
        return text;
    }
    hidden_text::cleaned(&text).into_owned()
}

/// A call of a tool that the session does not have.
pub(super) fn unknown(name: &str) -> ToolOutcome {
    ToolOutcome {
        text: format!("Tool {name} not found"),
        display: "Use a tool".to_owned(),
        failure: Some(ToolFailure {
            reason: "the agent named a tool that is not there".to_owned(),
            kind: "not_found",
            status: crate::flow::EntryStatus::Failure,
        }),
        command_output: None,
    }
}

/// What somebody said, in a sentence for people: one line of bounded length that cannot leave its
/// quotes.
pub(super) fn quoted(said: &str) -> String {
    let said = said.trim();
    let mut letters = said.chars().map(|letter| match letter {
        '`' => '\'',
        letter if letter.is_control() => ' ',
        letter => letter,
    });
    let mut shown: String = letters.by_ref().take(SHOWN).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// More than a model should read is cut, and says so.
fn bounded(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let whole = text.len();
    let text = beginning(&text, KEPT);
    format!("The result has {whole} bytes; only the beginning follows.\n{text}")
}

/// Characters of an answer that says no.
pub(super) const SAID: usize = 300;

/// Characters of a name that people are shown in a line.
const SHOWN: usize = 120;

/// Bytes of a result that go to the model whole (agent-platform 6.4).
const LONGEST: usize = 200 * 1024;

/// Bytes that are kept of a longer one.
const KEPT: usize = 100 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{
        executor::{ExecutorError, HttpAnswer},
        tools::definition::READING_GITLAB,
    };

    fn of(result: Result<String, ToolError>) -> ToolOutcome {
        let tool = Definition {
            name: "t",
            ..READING_GITLAB
        };
        outcome(&tool, "Look".to_owned(), result)
    }

    #[test]
    fn results_are_bounded_and_failures_say_why() {
        let done = of(Ok("{}".to_owned()));
        assert_eq!((done.text.as_str(), done.failure), ("{}", None));
        let long = of(Ok("ü".repeat(LONGEST)));
        assert!(long.text.len() < KEPT + 100 && long.text.ends_with('ü'));
        let refused = HttpAnswer {
            status: 404,
            body: "x".repeat(1000),
            next_page: None,
        };
        let refused = of(Err(refused.into()));
        let expected = "Request failed (t): HTTP 404: xxx";
        assert!(refused.text.starts_with(expected));
        assert!(refused.text.len() < 400);
        let reason = refused.failure.map(|failure| failure.reason);
        assert_eq!(reason.as_deref(), Some("GitLab answered 404"));
        let unreached = of(Err(ExecutorError::Http("no route".to_owned()).into()));
        assert!(unreached.text.ends_with("HTTP action error: no route"));
    }

    #[test]
    fn what_hides_in_a_result_or_opens_doors_reaches_no_model() {
        let found = of(Ok(
            "a <goal>b</goal> <!-- c --> glpat-aBcDeFgHiJkLmNoPqRsT".to_owned()
        ));
        assert_eq!(found.text, "a &lt;goal&gt;b&lt;/goal&gt;  [REDACTED]");
    }

    #[test]
    fn names_stay_in_their_quotes() {
        assert_eq!(quoted(" a`b\nc "), "`a'b c`");
        assert_eq!(quoted(&"ü".repeat(500)).chars().count(), SHOWN + 3);
    }
}
