//! GitLab's API as such, for what no other tool reads.

use serde_json::{Map, Value, json};

use super::{
    Arguments, Definition, Endpoint, Kind, ToolError, Workplace, api_path,
    definition::READING_GITLAB,
    graphql_document,
    parameter::{number, optional, required},
    result::quoted,
    workplace::{done, not_json},
};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        name: "gitlab_api_get",
        description: "Reads from GitLab's REST API where no other tool brings what is needed. Gives \
                      the answer as data and, of a list that goes on, the number of its next page. \
                      Nothing can be changed with it.",
        parameters: &[
            required(
                "endpoint",
                Kind::Text,
                "The path, beginning with /api/v4/, without a query: \
                 /api/v4/projects/7/issues. Full paths of projects and groups are written with %2F.",
            ),
            optional(
                "params",
                Kind::Object,
                "The query by its names, such as {\"state\": \"opened\", \"per_page\": 50}.",
            ),
        ],
        display: |arguments| {
            let endpoint = arguments.required_text("endpoint");
            format!("Read {} from GitLab's API", quoted(endpoint))
        },
        call: |workplace, arguments| Box::pin(get(workplace, arguments)),
        ..READING_GITLAB
    },
    Definition {
        name: "gitlab_graphql",
        description: "Asks GitLab's GraphQL API where no other tool brings what is needed, or for \
                      several things at once. Takes queries alone, also of the schema; mutations \
                      and subscriptions are refused.",
        parameters: &[
            required(
                "query",
                Kind::Text,
                "The GraphQL document: one query, and its fragments.",
            ),
            optional(
                "variables",
                Kind::Object,
                "The values of the query's variables.",
            ),
        ],
        display: |_| "Ask GitLab's GraphQL API".to_owned(),
        call: |workplace, arguments| Box::pin(graphql(workplace, arguments)),
        ..READING_GITLAB
    },
];

async fn get(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let none = Map::new();
    let params = arguments.value("params").and_then(Value::as_object);
    let params = params.unwrap_or(&none);
    let endpoint = api_path::endpoint(arguments.required_text("endpoint"))?;
    let endpoint = with_params(endpoint, params)?;
    let answer = workplace.gitlab.request("GET", endpoint.as_str(), None);
    let answer = answer.await?;
    let said_next = answer.next_page.as_deref().and_then(|it| it.parse().ok());
    let data = data(&done(answer)?)?;
    let next_page = said_next.or_else(|| next_page(&data, params));
    let result = match next_page {
        Some(page) => {
            json!({"status": "success", "data": data, "pagination": {"next_page": page}})
        }
        None => json!({"status": "success", "data": data}),
    };
    Ok(result.to_string())
}

/// Some of GitLab's answers are plain text: a job's log, a file. A page of HTML is none of them.
fn data(body: &str) -> Result<Value, ToolError> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    match serde_json::from_str(body) {
        Ok(data) => Ok(data),
        Err(_) if body.trim_start().starts_with('<') => Err(not_json()),
        Err(_) => Ok(body.into()),
    }
}

/// Clients rarely pass on the header that says so (agent-platform 12): a full page means that
/// another may follow.
fn next_page(data: &Value, params: &Map<String, Value>) -> Option<u64> {
    let said = |name: &str| params.get(name).and_then(number);
    let size = said("per_page").map_or(PER_PAGE, |size| size.clamp(1, LARGEST_PAGE));
    let has_more = data.as_array()?.len() as u64 >= size;
    has_more.then(|| said("page").unwrap_or(1).saturating_add(1))
}

fn with_params(endpoint: Endpoint, params: &Map<String, Value>) -> Result<Endpoint, ToolError> {
    let mut pairs = Vec::new();
    for (name, value) in params {
        flatten(name, value, 0, &mut pairs)?;
    }
    if pairs.len() > MOST_PARAMS {
        let text = format!("params has more than {MOST_PARAMS} values");
        return Err(ToolError::Argument(text));
    }
    let add =
        |endpoint: Endpoint, (name, value): (String, String)| endpoint.query(&name, Some(value));
    Ok(pairs.into_iter().fold(endpoint, add))
}

/// Lists and objects as Rails reads them: `name[]=value`, `name[key]=value`.
fn flatten(
    name: &str,
    value: &Value,
    depth: usize,
    pairs: &mut Vec<(String, String)>,
) -> Result<(), ToolError> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.[]".contains(letter);
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(ToolError::Argument(
            "params has a name with other letters than those of a query's names".to_owned(),
        ));
    }
    match value {
        Value::Null => {}
        Value::String(text) => pairs.push((name.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => pairs.push((name.to_owned(), value.to_string())),
        _ if depth == DEEPEST_PARAM => {
            return Err(ToolError::Argument("params is nested too deep".to_owned()));
        }
        Value::Array(list) => {
            let name = format!("{}[]", name.trim_end_matches("[]"));
            for value in list {
                flatten(&name, value, depth + 1, pairs)?;
            }
        }
        Value::Object(object) => {
            for (key, value) in object {
                flatten(&format!("{name}[{key}]"), value, depth + 1, pairs)?;
            }
        }
    }
    Ok(())
}

async fn graphql(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let query = graphql_document::question(arguments.required_text("query"))?;
    let variables = arguments.value("variables").cloned();
    let variables = variables.unwrap_or_else(|| json!({}));
    let data = workplace.graphql(&query, variables).await?;
    Ok(json!({"status": "success", "data": data}).to_string())
}

/// Elements of a page where nothing is said.
const PER_PAGE: u64 = 20;

/// The most elements of a page that GitLab gives.
const LARGEST_PAGE: u64 = 100;

/// Values of a query; paths with more are refused by servers for their length.
const MOST_PARAMS: usize = 100;

/// Lists and objects in each other; GitLab's API has `not[labels][]`.
const DEEPEST_PARAM: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tools::api_path::API;

    fn query(params: &Value) -> Result<String, ToolError> {
        let endpoint = api_path::endpoint(&format!("{API}user"))?;
        let endpoint = with_params(endpoint, params.as_object().unwrap())?;
        Ok(endpoint.as_str().replace("/api/v4/user", ""))
    }

    #[test]
    fn queries_are_written_as_rails_reads_them() {
        let params = json!({
            "state": "a&b", "page": 2, "x": null, "y": true,
            "iids": [1, 2], "iids[]": ["3"], "not": {"labels": ["a b"]},
        });
        assert_eq!(
            query(&params).as_deref(),
            Ok("?state=a%26b&page=2&y=true&iids[]=1&iids[]=2&iids[]=3&not[labels][]=a%20b")
        );
        for params in [
            json!({"a&b": 1}),
            json!({"a#": 1}),
            json!({"": 1}),
            json!({"a": {"b=c": 1}}),
            json!({"a": [[[[1]]]]}),
            json!({"a": vec![1; MOST_PARAMS + 1]}),
        ] {
            assert!(query(&params).is_err(), "{params}");
        }
    }

    #[test]
    fn full_pages_have_another() {
        let next = |count: usize, params: Value| {
            next_page(&json!(vec![0; count]), params.as_object().unwrap())
        };
        assert_eq!(next(20, json!({})), Some(2));
        assert_eq!(next(19, json!({})), None);
        assert_eq!(next(5, json!({"per_page": "5", "page": 3})), Some(4));
        assert_eq!(next(100, json!({"per_page": 500})), Some(2));
        assert_eq!(next(0, json!({"per_page": 0})), None);
        assert_eq!(next_page(&json!({}), &Map::new()), None);
    }
}
