//! Which work item a call is about, as GraphQL names it.

use serde_json::{Value, json};

use super::{
    Arguments, Endpoint, Kind, Parameter, ToolError, Workplace,
    identification::{self, address, numbered},
    parameter::optional,
    result::quoted,
    workplace::not_json,
};

/// The project or group that work items belong to.
#[derive(Debug)]
pub(super) struct Owner {
    /// Its full path: GraphQL knows no numbers here.
    pub(super) path: String,
    /// Whether it is a group.
    pub(super) is_group: bool,
}

impl Owner {
    /// Of a call: of its `url`, else its `group_id`, else its project.
    pub(super) async fn of(
        workplace: &Workplace,
        arguments: Arguments<'_>,
    ) -> Result<Self, ToolError> {
        if let Some(url) = arguments.words("url") {
            let gitlab = &workplace.facts.gitlab_url;
            let (path, _) = address(gitlab, url)?;
            let after = url.strip_prefix(gitlab.as_str()).unwrap_or_default();
            let is_group = after.starts_with("/groups/");
            return Ok(Self { path, is_group });
        }
        let Some(group) = arguments.value(GROUP_ID.name) else {
            let project = identification::project(workplace, arguments)?;
            let asked = Endpoint::project(&project);
            let path = path(workplace, project, asked, "path_with_namespace").await?;
            return Ok(Self {
                path,
                is_group: false,
            });
        };
        let wrong = || ToolError::Argument("group_id is no number and no full path".to_owned());
        let group = identification::identifier(group).ok_or_else(wrong)?;
        let asked = Endpoint::group(&group);
        let path = path(workplace, group, asked, "full_path").await?;
        Ok(Self {
            path,
            is_group: true,
        })
    }
}

/// A full path stays; for a number GitLab is asked.
async fn path(
    workplace: &Workplace,
    id: String,
    asked: Endpoint,
    name: &str,
) -> Result<String, ToolError> {
    if !id.bytes().all(|digit| digit.is_ascii_digit()) {
        return Ok(id);
    }
    let found = workplace.get_json(&asked).await?;
    let path = found.get(name).and_then(Value::as_str);
    path.map(ToOwned::to_owned).ok_or_else(not_json)
}

/// The variables that name a work item: `path` and `iid`, a text.
pub(super) async fn variables(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<Value, ToolError> {
    let iid = iid(workplace, arguments)?;
    let owner = Owner::of(workplace, arguments).await?;
    Ok(json!({ "path": owner.path, "iid": iid.to_string() }))
}

fn iid(workplace: &Workplace, arguments: Arguments<'_>) -> Result<u64, ToolError> {
    let name = WORK_ITEM_IID.name;
    if arguments.words("url").is_none() {
        let missing = || ToolError::Argument(format!("{name} is missing"));
        return arguments.number(name).ok_or_else(missing);
    }
    // issues and epics are work items, whose addresses stayed
    for kind in ["issues", "epics"] {
        if let Ok((_, iid)) = numbered(workplace, arguments, kind, name) {
            return Ok(iid);
        }
    }
    numbered(workplace, arguments, "work_items", name).map(|(_, iid)| iid)
}

/// What stands at a place of an answer; null where nothing does.
pub(super) fn at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

/// What was found there; none is an error that names it.
pub(super) fn found<'d>(data: &'d Value, variables: &Value) -> Result<&'d Value, ToolError> {
    let item = at(data, "/namespace/workItem");
    if item.is_object() {
        return Ok(item);
    }
    let (path, iid) = (at(variables, "/path"), at(variables, "/iid"));
    let (path, iid) = (path.as_str(), iid.as_str());
    Err(ToolError::Denied(format!(
        "{} has no work item {}, or the user does not see it",
        path.unwrap_or_default(),
        iid.unwrap_or_default()
    )))
}

/// For people: ` #5 in group/project`, or the address.
pub(super) fn which(arguments: Arguments<'_>) -> String {
    let owner = match arguments.value(GROUP_ID.name) {
        Some(group) if arguments.words("url").is_none() => identification::identifier(group),
        _ => identification::named(arguments),
    };
    let iid = arguments.number(WORK_ITEM_IID.name);
    let said = match (iid, owner) {
        (Some(iid), Some(owner)) => format!("#{iid} in {owner}"),
        (Some(iid), None) => format!("#{iid}"),
        (None, Some(owner)) => owner,
        (None, None) => return String::new(),
    };
    format!(" {}", quoted(&said))
}

/// The group that a call is about.
pub(super) const GROUP_ID: Parameter = optional(
    "group_id",
    Kind::Place,
    "The group, in the place of a project: its number, or its full path.",
);

pub(super) const WORK_ITEM_IID: Parameter = optional(
    "work_item_iid",
    Kind::Number,
    "The work item's number in its project or group, as in #12.",
);
