//! Pages of wikis.

use serde_json::{Map, Value};

use super::{
    Arguments, Definition, Endpoint, Kind, ToolError, Workplace,
    definition::READING_GITLAB,
    identification::{self, PROJECT_ID, URL, address, identifier},
    pages::{MOST, Pages},
    parameter::optional,
    result::quoted,
};

pub(super) static TOOLS: &[Definition] = &[Definition {
    name: "get_wiki_page",
    description: "Fetches a page of a project's or group's wiki with its text, and what was \
                  commented on it.",
    parameters: &[
        PROJECT_ID,
        optional(
            "group_id",
            Kind::Place,
            "The group's number or full path, for a page of a group's wiki.",
        ),
        optional(
            "slug",
            Kind::Text,
            "The page's name as its address has it, with its folders: handbook/release.",
        ),
        URL,
    ],
    display: |arguments| {
        let said = arguments.words("url").or_else(|| arguments.words("slug"));
        format!("Read wiki page {}", quoted(said.unwrap_or_default()))
    },
    call: |workplace, arguments| Box::pin(get(workplace, arguments)),
    ..READING_GITLAB
}];

async fn get(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let (owner, slug) = place(workplace, arguments)?;
    let page = owner.clone().then("wikis").segment(&slug);
    let page = workplace.get_json(&page).await?;
    let mut result = Map::from_iter([("wiki_page".to_owned(), page.clone())]);
    // only newer versions of GitLab have comments on pages, and number them
    let meta = page.get("wiki_page_meta_id").and_then(Value::as_u64);
    if let Some(meta) = meta {
        let notes = owner.then("wiki_pages").segment(meta).then("notes");
        match Pages::read(workplace, &notes, MOST).await {
            Ok(notes) => {
                result.insert("has_more_notes".to_owned(), (!notes.is_whole).into());
                result.insert("notes".to_owned(), notes.items.into());
            }
            // the page is worth reading without them
            Err(error) => {
                result.insert("notes_error".to_owned(), error.reason().into());
            }
        }
    }
    Ok(Value::Object(result).to_string())
}

/// The project or group, and the page in its wiki.
fn place(workplace: &Workplace, arguments: Arguments<'_>) -> Result<(Endpoint, String), ToolError> {
    let said = arguments.words("slug").map(ToOwned::to_owned);
    let missing = || ToolError::Argument("slug is missing; give the page's name".to_owned());
    if let Some(url) = arguments.words("url") {
        let gitlab = &workplace.facts.gitlab_url;
        let (path, rest) = address(gitlab, url)?;
        let is_group = url.starts_with(&format!("{gitlab}/groups/"));
        let owner = if is_group {
            Endpoint::group(&path)
        } else {
            Endpoint::project(&path)
        };
        let slug = rest.strip_prefix("wikis/").map(ToOwned::to_owned);
        return Ok((owner, slug.or(said).ok_or_else(missing)?));
    }
    let owner = match arguments.value("group_id") {
        Some(group) => Endpoint::group(&identifier(group).ok_or_else(|| {
            ToolError::Argument("group_id is no number and no full path".to_owned())
        })?),
        None => Endpoint::project(&identification::project(workplace, arguments)?),
    };
    Ok((owner, said.ok_or_else(missing)?))
}
