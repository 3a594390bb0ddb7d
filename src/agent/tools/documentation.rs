//! GitLab's documentation, as this server has it.

use serde_json::json;

use super::{
    Arguments, Definition, Kind, ToolError, Workplace, definition::READING_GITLAB,
    parameter::required, result::quoted,
};

pub(super) static TOOLS: &[Definition] = &[Definition {
    name: "gitlab_documentation_search",
    description: "Looks up GitLab's own documentation: how a feature works, how it is set up, what a \
                  keyword of .gitlab-ci.yml means. Gives the passages that fit best with the \
                  addresses of their pages. It knows nothing of the user's projects.",
    parameters: &[required(
        "search",
        Kind::Text,
        "What is looked for, in words that the documentation would use.",
    )],
    display: |arguments| {
        let search = arguments.required_text("search");
        format!("Search GitLab's documentation for {}", quoted(search))
    },
    call: |workplace, arguments| Box::pin(search(workplace, arguments)),
    ..READING_GITLAB
}];

async fn search(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let words = arguments.required_text("search");
    let found = workplace.documentation.search(words, RESULTS).await;
    let found = found.map_err(|busy| ToolError::Denied(busy.to_string()))?;
    Ok(json!({ "search_results": found }).to_string())
}

/// Passages of an answer (agent-platform 6.3).
const RESULTS: usize = 4;
