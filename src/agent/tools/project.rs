//! What a project is.

use super::{
    Arguments, Definition, Endpoint, ToolError, Workplace,
    definition::READING_GITLAB,
    identification::{self, PROJECT_ID, URL},
    result::quoted,
};

pub(super) static TOOLS: &[Definition] = &[Definition {
    name: "get_project",
    description: "Fetches a GitLab project: its name, description, visibility, default branch and \
                  addresses.",
    parameters: &[PROJECT_ID, URL],
    display: |arguments| match identification::named(arguments) {
        Some(name) => format!("Get project {}", quoted(&name)),
        None => "Get the project".to_owned(),
    },
    call: |workplace, arguments| Box::pin(get_project(workplace, arguments)),
    ..READING_GITLAB
}];

async fn get_project(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let project = identification::project(workplace, arguments)?;
    workplace.get(&Endpoint::project(&project)).await
}
