//! The first event of `ExecuteWorkflow`: what becomes of it, in the order of agent-platform 3.2.

use http::HeaderMap;
use serde_json::{Map, Value};
use tonic::Status;

use super::{
    call::Call,
    flow_request::FlowRequest,
    metadata,
    partial_flow::{self, FlowFault},
    permission,
    proto::{AdditionalContext, StartWorkflowRequest},
    session::{FlowChoice, SessionStart},
    status::invalid,
    struct_value,
};
use crate::{flow::ContextItem, foundation::ReleaseVersion};

/// Judges a start. `request` is the event's, with a session's number; `may_be_billed` says whether
/// GitLab's wish to hear of each model call counts.
pub(super) fn judge(
    mut request: Box<StartWorkflowRequest>,
    headers: &HeaderMap,
    call: &Call,
    may_be_billed: bool,
) -> Result<SessionStart, Status> {
    let wanted = FlowRequest::read(&mut request)?;
    let definition = wanted.definition();
    let _ = call.facts.definition.set(definition.clone());
    permission::check_run(&call.caller, &definition)?;
    let contexts = contexts(std::mem::take(&mut request.additional_context))?;
    // none of our flows reads it yet, but what is wrong with it shall not be found later
    object(&request.workflow_metadata, || "workflowMetadata".to_owned())?;
    let flow = choose(wanted, metadata::language_server(headers))?;
    let capabilities = &request.client_capabilities;
    Ok(SessionStart {
        metadata: metadata::read(headers, &call.id, capabilities, may_be_billed),
        request,
        flow,
        caller: call.caller.clone(),
        contexts,
    })
}

fn contexts(items: Vec<AdditionalContext>) -> Result<Vec<ContextItem>, Status> {
    let items = items.into_iter().enumerate();
    let read = items.map(|(index, item)| {
        let text = item.metadata.unwrap_or_default();
        Ok(ContextItem {
            metadata: Some(object(&text, || {
                format!("additional_context[{index}].metadata")
            })?),
            category: item.category,
            id: item.id,
            content: item.content,
        })
    });
    read.collect()
}

/// An object as JSON text; nothing and `null` are an empty one.
fn object(text: &str, name: impl FnOnce() -> String) -> Result<Map<String, Value>, Status> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null) => Ok(Map::new()),
        _ => {
            let name = name();
            Err(invalid(format!(
                "{name}: is no JSON object; send one, or nothing"
            )))
        }
    }
}

/// What runs here, of what is asked for.
fn choose(wanted: FlowRequest, editor: Option<ReleaseVersion>) -> Result<FlowChoice, Status> {
    match wanted {
        FlowRequest::Older(permission::CHAT) => Ok(FlowChoice::Chat),
        FlowRequest::Older(name) => Err(invalid(format!(
            "workflow_definition: {name} is not supported yet; this server runs chat"
        ))),
        FlowRequest::Registry {
            id,
            schema,
            version,
        } => Err(invalid(format!(
            "Failed to load flow {id}/{schema} (version {version}): flows of the registry are not \
             supported yet"
        ))),
        FlowRequest::Inline { config, schema, .. } => {
            inline(&struct_value::to_json(config), &schema, editor)
        }
    }
}

fn inline(
    config: &Map<String, Value>,
    schema: &str,
    editor: Option<ReleaseVersion>,
) -> Result<FlowChoice, Status> {
    // older editors name the schema wrongly, and so may whoever has no editor
    let names_schema = editor.is_some_and(|version| version.is_at_least(8, 51, 0));
    let own = config.get("version").and_then(Value::as_str);
    let schema = own.filter(|_| !names_schema).unwrap_or(schema);
    for fault in partial_flow::faults(config, schema) {
        match fault {
            FlowFault::Tool(_) => {}
            FlowFault::Security(reason) => {
                tracing::warn!(reason, "a flow's configuration was refused");
                return Err(invalid("Flow configuration failed security validation"));
            }
            FlowFault::Form(text) => {
                return Err(invalid(format!(
                    "Failed to create flow from FlowConfig protobuf: validation error: {text}"
                )));
            }
        }
    }
    Ok(FlowChoice::ChatPartial(partial_flow::agent(config)))
}
