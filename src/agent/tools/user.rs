//! Who asks.

use super::{Arguments, Definition, Endpoint, ToolError, Workplace, definition::READING_GITLAB};

pub(super) static TOOLS: &[Definition] = &[Definition {
    name: "get_current_user",
    description: "Tells who is asking: the GitLab user's name, username, and what else their \
                  profile says. Takes no arguments.",
    display: |_| "Get the current user".to_owned(),
    call: |workplace, arguments| Box::pin(get_current_user(workplace, arguments)),
    ..READING_GITLAB
}];

async fn get_current_user(workplace: &Workplace, _: Arguments<'_>) -> Result<String, ToolError> {
    workplace.get(&Endpoint::new("user")).await
}
