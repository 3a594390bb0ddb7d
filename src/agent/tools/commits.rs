//! Commits and branches.

use serde_json::json;

use super::{
    Arguments, Definition, Endpoint, Kind, Parameter, ToolError, Workplace,
    commit_actions::{self, Origin},
    definition::{READING_GITLAB, WRITING_GITLAB},
    diffs,
    identification::{self, PROJECT_ID, URL, address},
    pages::{self, Pages},
    parameter::{optional, required},
    result::quoted,
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "get_commit",
        description: "Fetches one commit: its message, author, time, parents, and how many lines it \
                      added and removed. For the changes themselves use get_commit_diff.",
        parameters: &[PROJECT_ID, URL, COMMIT_SHA],
        display: |arguments| format!("Read commit {}", which(arguments)),
        call: |workplace, arguments| Box::pin(get(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "list_commits",
        description: "Lists commits of a project, the newest first: of a branch, of a file, by an \
                      author, or of a span of time. A page with as many commits as per_page may be \
                      followed by another.",
        parameters: FILTERS,
        display: |arguments| match arguments.words("ref_name") {
            Some(branch) => format!("List commits of {}", quoted(branch)),
            None => "List commits".to_owned(),
        },
        call: |workplace, arguments| Box::pin(list(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "get_commit_diff",
        description: "Fetches what a commit changed: for each file its old and new path and the \
                      difference.",
        parameters: &[PROJECT_ID, URL, COMMIT_SHA],
        display: |arguments| format!("Read the changes of commit {}", which(arguments)),
        call: |workplace, arguments| Box::pin(get_diff(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "get_commit_comments",
        description: "Lists what people commented on a commit, with the file and line where a \
                      comment belongs to one.",
        parameters: &[PROJECT_ID, URL, COMMIT_SHA],
        display: |arguments| format!("Read comments on commit {}", which(arguments)),
        call: |workplace, arguments| Box::pin(get_comments(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "create_commit",
        description: "Commits changes of files to a branch of a GitLab repository, all at once or \
                      none. For small changes of a file that is there use action update with \
                      old_str and new_str instead of the whole content. Give start_branch to create \
                      the branch with the commit.",
        parameters: CHANGES,
        display: |arguments| {
            let branch = arguments.words("branch").unwrap_or_default();
            let message = arguments.words("commit_message").unwrap_or_default();
            format!("Commit {} to {}", quoted(message), quoted(branch))
        },
        call: |workplace, arguments| Box::pin(create(workplace, arguments)),
        ..WRITING_GITLAB
    },
    Definition {
        name: "create_branch",
        description: "Creates a branch in a GitLab repository, without a commit.",
        parameters: &[
            PROJECT_ID,
            URL,
            required("branch", Kind::Text, "The new branch's name."),
            required(
                "ref",
                Kind::Text,
                "The branch or commit that it begins from.",
            ),
        ],
        display: |arguments| {
            let branch = arguments.words("branch").unwrap_or_default();
            format!("Create branch {}", quoted(branch))
        },
        call: |workplace, arguments| Box::pin(create_branch(workplace, arguments)),
        ..WRITING_GITLAB
    },
];

async fn get(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let commit = workplace.get_json(&commit(workplace, arguments)?).await?;
    Ok(commit.to_string())
}

async fn list(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let project = identification::project(workplace, arguments)?;
    let filters = FILTERS.iter().skip(IDENTIFIERS);
    let filters: Vec<_> = filters.map(|filter| filter.name).collect();
    let commits = commits(&project).queries(arguments, &filters);
    Ok(workplace.get_json(&commits).await?.to_string())
}

async fn get_diff(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let diff = commit(workplace, arguments)?.then("diff");
    let mut pages = Pages::read(workplace, &diff, pages::MOST).await?;
    pages.items = diffs::permitted(&workplace.facts, pages.items);
    Ok(pages.text())
}

async fn get_comments(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let comments = commit(workplace, arguments)?.then("comments");
    let pages = Pages::read(workplace, &comments, pages::MOST).await?;
    Ok(pages.text())
}

async fn create(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let project = identification::project(workplace, arguments)?;
    let start = arguments.value("start_project");
    let start = start.map(|start| {
        let start = identification::identifier(start);
        start.ok_or_else(|| ToolError::Argument("start_project is no number and no path".into()))
    });
    let origin = Origin {
        project: &start.transpose()?.unwrap_or_else(|| project.clone()),
        reference: ["start_sha", "start_branch", "branch"]
            .into_iter()
            .find_map(|name| arguments.words(name))
            .unwrap_or_default(),
    };
    let actions = commit_actions::read(workplace, &origin, arguments.objects("actions")).await?;
    let names = CHANGES.iter().skip(IDENTIFIERS);
    let names: Vec<_> = names.map(|change| change.name).collect();
    let mut body = arguments.body(&names);
    body.insert("actions".to_owned(), json!(actions));
    workplace.send_json("POST", &commits(&project), body).await
}

async fn create_branch(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let project = identification::project(workplace, arguments)?;
    let branches = Endpoint::project(&project).then("repository/branches");
    let body = arguments.body(&["branch", "ref"]);
    workplace.send_json("POST", &branches, body).await
}

fn commits(project: &str) -> Endpoint {
    Endpoint::project(project).then("repository/commits")
}

/// The commit that a call is about.
fn commit(workplace: &Workplace, arguments: Arguments<'_>) -> Result<Endpoint, ToolError> {
    let project = identification::project(workplace, arguments)?;
    let of_url = match arguments.words("url") {
        Some(url) => address(&workplace.facts.gitlab_url, url)?.1,
        None => String::new(),
    };
    let of_url = of_url.strip_prefix("commit/");
    let of_url = of_url.and_then(|rest| rest.split('/').next());
    let sha = of_url.or_else(|| arguments.words(COMMIT_SHA.name));
    match sha {
        None => Err(ToolError::Argument(
            "commit_sha is missing, and url names no commit".to_owned(),
        )),
        Some("." | "..") => Err(ToolError::Argument("commit_sha is no commit".to_owned())),
        Some(sha) => Ok(commits(&project).segment(sha)),
    }
}

/// For people.
fn which(arguments: Arguments<'_>) -> String {
    let said = arguments.words("url");
    quoted(
        said.or_else(|| arguments.words(COMMIT_SHA.name))
            .unwrap_or_default(),
    )
}

const COMMIT_SHA: Parameter = optional(
    "commit_sha",
    Kind::Text,
    "The commit's SHA, whole or its beginning; a branch or a tag stands for its last commit.",
);

/// Parameters of [`FILTERS`] and [`CHANGES`] that stand in the path.
const IDENTIFIERS: usize = 2;

const FILTERS: &[Parameter] = &[
    PROJECT_ID,
    URL,
    optional(
        "ref_name",
        Kind::Text,
        "The branch, the tag, or a span such as v1.0..main. Left out: the default branch.",
    ),
    optional(
        "since",
        Kind::Text,
        "The earliest time, such as 2026-01-31T00:00:00Z.",
    ),
    optional(
        "until",
        Kind::Text,
        "The latest time, written the same way.",
    ),
    optional(
        "path",
        Kind::Text,
        "Commits that changed this file or folder alone.",
    ),
    optional(
        "author",
        Kind::Text,
        "Commits by an author whose name or mail address has this in it.",
    ),
    optional("all", Kind::Flag, "Whether every branch counts."),
    optional(
        "with_stats",
        Kind::Flag,
        "Whether lines added and removed are counted for each commit.",
    ),
    optional(
        "first_parent",
        Kind::Flag,
        "Whether merged branches' own commits are left out.",
    ),
    optional(
        "order",
        Kind::Word(&["default", "topo"]),
        "By time, or so that parents follow their children.",
    ),
    optional(
        "trailers",
        Kind::Flag,
        "Whether trailers of messages are read.",
    ),
    optional("page", Kind::Number, "Which page, counted from 1."),
    optional(
        "per_page",
        Kind::Number,
        "How many commits a page has: 20 if left out, 100 at most.",
    ),
];

const CHANGES: &[Parameter] = &[
    PROJECT_ID,
    URL,
    required(
        "branch",
        Kind::Text,
        "The branch that is committed to. One that is not there yet needs start_branch or start_sha.",
    ),
    required("commit_message", Kind::Text, "The commit's message."),
    required(
        "actions",
        Kind::Objects(commit_actions::schema),
        "What is done to which file.",
    ),
    optional(
        "start_branch",
        Kind::Text,
        "The branch that a new branch begins from.",
    ),
    optional(
        "start_sha",
        Kind::Text,
        "The commit that a new branch begins from.",
    ),
    optional(
        "start_project",
        Kind::Place,
        "The project that start_branch or start_sha belongs to, if it is another one.",
    ),
    optional(
        "author_name",
        Kind::Text,
        "The author's name, if not the user's.",
    ),
    optional("author_email", Kind::Text, "The author's mail address."),
];
