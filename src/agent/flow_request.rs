//! Which flow a first event asks for: the rules A to F of agent-platform 3.3.

use prost_types::Struct;
use tonic::Status;

use super::{proto::StartWorkflowRequest, status::invalid};

/// What a first event asks for, whether or not it runs here.
#[derive(Debug, PartialEq)]
pub(super) enum FlowRequest {
    /// A flow of the registry.
    Registry {
        /// Its identifier.
        id: String,
        /// `v1` or `experimental`.
        schema: String,
        /// Which versions.
        version: String,
    },
    /// A flow that the event brings along.
    Inline {
        /// The flow.
        config: Struct,
        /// The schema that the client says it is written in.
        schema: String,
        /// What the client calls it; for permission and statistics alone.
        definition: String,
    },
    /// A flow that is older than the registry.
    Older(&'static str),
}

impl FlowRequest {
    /// Reads an event, which gives up its configuration.
    pub(super) fn read(request: &mut StartWorkflowRequest) -> Result<Self, Status> {
        let config = request.flow_config.take();
        // they stand in logs and answers
        bounded("workflow_definition", &request.workflow_definition)?;
        bounded("flowConfigId", request.flow_config_id())?;
        let schema = given(request.flow_config_schema_version.as_deref());
        let version = given(request.flow_version.as_deref());
        if let Some(id) = given(request.flow_config_id.as_deref()) {
            return Self::registry(id, config.is_some(), schema, version);
        }
        let definition = request.workflow_definition.as_str();
        if let Some(config) = config {
            let schema = schema.ok_or_else(|| {
                invalid("flowConfig requires flowConfigSchemaVersion to also be provided.")
            })?;
            return Ok(Self::Inline {
                config,
                schema: schema.to_owned(),
                definition: definition.to_owned(),
            });
        }
        if version.is_some() {
            return Err(invalid(
                "flowVersion requires flowConfigId to also be provided.",
            ));
        }
        if definition.is_empty() {
            return Ok(Self::Older(WITHOUT_A_NAME));
        }
        match OLDER.into_iter().find(|name| *name == definition) {
            Some(name) => Ok(Self::Older(name)),
            None => Self::named(definition),
        }
    }

    /// Rule A.
    fn registry(
        id: &str,
        has_config: bool,
        schema: Option<&str>,
        version: Option<&str>,
    ) -> Result<Self, Status> {
        if has_config {
            return Err(invalid(
                "flowConfigId and flowConfig are mutually exclusive \u{2014} set one or the other, \
                 not both.",
            ));
        }
        let missing = |name: &str| {
            let text = format!("flowConfigId requires {name} to also be provided.");
            invalid(text)
        };
        let schema = schema.ok_or_else(|| missing("flowConfigSchemaVersion"))?;
        let version = version.ok_or_else(|| missing("flowVersion"))?;
        if !SCHEMAS.contains(&schema) {
            return Err(invalid(format!(
                "Invalid flowConfigSchemaVersion: '{schema}'. Must be one of: experimental, v1."
            )));
        }
        Ok(Self::Registry {
            id: id.to_owned(),
            schema: schema.to_owned(),
            version: version.to_owned(),
        })
    }

    /// Rule E.
    fn named(definition: &str) -> Result<Self, Status> {
        let parts = definition.split_once('/');
        let parts = parts.filter(|(flow, schema)| {
            !flow.is_empty() && !schema.is_empty() && !schema.contains('/')
        });
        let Some((flow, schema)) = parts else {
            return Err(invalid(format!(
                "Invalid workflow_definition format: '{definition}'. Expected \
                 '<flow_name>/<api_version>' (e.g. 'developer/v1')."
            )));
        };
        if !SCHEMAS.contains(&schema) {
            return Err(invalid(format!(
                "Invalid API version '{schema}'. Must be one of: experimental, v1."
            )));
        }
        Ok(Self::Registry {
            id: flow.to_owned(),
            schema: schema.to_owned(),
            version: ONLY_VERSION.to_owned(),
        })
    }

    /// The flow's older name, by which permission is given and statistics are kept; empty where it
    /// has none.
    pub(super) fn definition(&self) -> String {
        match self {
            Self::Registry { id, schema, .. } => {
                let schema = if RENAMED.contains(&id.as_str()) {
                    "v1"
                } else {
                    schema
                };
                format!("{id}/{schema}")
            }
            Self::Inline { definition, .. } => definition.clone(),
            Self::Older(name) => (*name).to_owned(),
        }
    }
}

fn bounded(field: &str, name: &str) -> Result<(), Status> {
    if name.chars().count() > DEFINITION_CHARACTERS {
        return Err(invalid(format!(
            "{field} exceeds maximum length of {DEFINITION_CHARACTERS}"
        )));
    }
    Ok(())
}

/// An empty text is none.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

/// Flows older than the registry.
const OLDER: [&str; 4] = [
    WITHOUT_A_NAME,
    "convert_to_gitlab_ci",
    super::permission::CHAT,
    "issue_to_merge_request",
];

/// What runs where nothing is named.
const WITHOUT_A_NAME: &str = "software_development";

/// Schemas that flows may be written in.
pub(super) const SCHEMAS: [&str; 2] = ["experimental", "v1"];

/// A definition names exactly this version of a flow, whatever newer ones there are.
const ONLY_VERSION: &str = "1.0.0";

/// Names are shorter (agent-platform 3.3).
const DEFINITION_CHARACTERS: usize = 256;

/// Flows that were promoted from `experimental`, and that older GitLabs still call so.
const RENAMED: [&str; 2] = ["duo_planner", "security_analyst_agent"];

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&str, &str)]) -> StartWorkflowRequest {
        let mut request = StartWorkflowRequest::default();
        for (name, value) in fields {
            let value = (*value).to_owned();
            match *name {
                "definition" => request.workflow_definition = value,
                "id" => request.flow_config_id = Some(value),
                "schema" => request.flow_config_schema_version = Some(value),
                "version" => request.flow_version = Some(value),
                "config" => request.flow_config = Some(Struct::default()),
                other => panic!("{other}"),
            }
        }
        request
    }

    fn refusal(fields: &[(&str, &str)]) -> String {
        let status = FlowRequest::read(&mut request(fields)).unwrap_err();
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        status.message().to_owned()
    }

    fn definition(fields: &[(&str, &str)]) -> String {
        FlowRequest::read(&mut request(fields))
            .unwrap()
            .definition()
    }

    #[test]
    fn each_rule_has_its_texts() {
        let id = ("id", "developer");
        let long = "x".repeat(257);
        for (fields, text) in [
            (
                &[id, ("config", "")][..],
                "flowConfigId and flowConfig are mutually exclusive — set one or the other, not both.",
            ),
            (
                &[id],
                "flowConfigId requires flowConfigSchemaVersion to also be provided.",
            ),
            (
                &[id, ("schema", "v1"), ("version", "")],
                "flowConfigId requires flowVersion to also be provided.",
            ),
            (
                &[id, ("schema", "v2"), ("version", "1.0.0")],
                "Invalid flowConfigSchemaVersion: 'v2'. Must be one of: experimental, v1.",
            ),
            (
                &[("config", ""), ("definition", "chat")],
                "flowConfig requires flowConfigSchemaVersion to also be provided.",
            ),
            (
                &[("version", "1.0.0"), ("id", "")],
                "flowVersion requires flowConfigId to also be provided.",
            ),
            (
                &[("definition", "developer")],
                "Invalid workflow_definition format: 'developer'. Expected '<flow_name>/<api_version>' (e.g. 'developer/v1').",
            ),
            (
                &[("definition", "../developer/v1")],
                "Invalid workflow_definition format: '../developer/v1'. Expected '<flow_name>/<api_version>' (e.g. 'developer/v1').",
            ),
            (
                &[("definition", "developer/v3")],
                "Invalid API version 'v3'. Must be one of: experimental, v1.",
            ),
            (
                &[("definition", &long)],
                "workflow_definition exceeds maximum length of 256",
            ),
        ] {
            assert_eq!(refusal(fields), text);
        }
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let registry = [
            ("id", "duo_planner"),
            ("schema", "experimental"),
            ("version", "^1.0.0"),
        ];
        assert_eq!(definition(&registry), "duo_planner/v1");
        let inline = [
            ("config", ""),
            ("schema", "v1"),
            ("version", "1"),
            ("definition", "x"),
        ];
        assert_eq!(definition(&inline), "x");
        assert_eq!(definition(&[("config", ""), ("schema", "v1")]), "");
        assert_eq!(
            definition(&[("definition", "chat"), ("version", "")]),
            "chat"
        );
        assert_eq!(definition(&[]), "software_development");
        let named = FlowRequest::read(&mut request(&[("definition", "developer/experimental")]));
        let expected = FlowRequest::Registry {
            id: "developer".to_owned(),
            schema: "experimental".to_owned(),
            version: "1.0.0".to_owned(),
        };
        assert_eq!(named.unwrap(), expected);
    }
}
