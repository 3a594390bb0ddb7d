//! The methods of GitLab's service.

use std::{pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt};
use prost_types::Struct;
use serde_json::{Map, Value};
use tonic::{Request, Response, Status, Streaming};

use super::{
    call::Call,
    first_event,
    measures::AgentMeasures,
    partial_flow, permission,
    proto::{
        Action, Capability, ClientEvent, GenerateTokenRequest, GenerateTokenResponse,
        ListCapabilitiesRequest, ListCapabilitiesResponse, ListFlowsRequest, ListFlowsResponse,
        ListToolsRequest, ListToolsResponse, StartWorkflowRequest, TrackSelfHostedAction,
        TrackSelfHostedClientEvent, ValidateFlowConfigRequest, ValidateFlowConfigResponse,
        client_event, duo_workflow_server::DuoWorkflow,
    },
    session::Sessions,
    status::as_clients_know_it,
    struct_value,
    tools::definitions,
};
use crate::{access::Access, foundation::beginning, model::Tool};

/// Answers the methods; whoever calls was let in by the door.
pub(super) struct Service {
    pub(super) access: Access,
    pub(super) sessions: Sessions,
    pub(super) measures: Arc<AgentMeasures>,
    /// How long a stream may be open before it says what it is for.
    pub(super) first_event: Duration,
    /// Whether GitLab's wish to hear of each model call counts.
    pub(super) may_be_billed: bool,
}

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl DuoWorkflow for Service {
    type ExecuteWorkflowStream = Messages<Action>;
    type TrackSelfHostedExecuteWorkflowStream = Messages<TrackSelfHostedAction>;

    async fn execute_workflow(
        &self,
        request: Request<Streaming<ClientEvent>>,
    ) -> Result<Response<Messages<Action>>, Status> {
        let (metadata, extensions, mut events) = request.into_parts();
        let call = Call::of(&extensions)?;
        let Some(start) = self.first(&mut events).await? else {
            return Ok(Response::new(futures_util::stream::empty().boxed()));
        };
        let id = beginning(&start.workflow_id, WORKFLOW_ID_BYTES).to_owned();
        let _ = call.facts.workflow_id.set(id);
        let start = first_event::judge(start, metadata.as_ref(), call, self.may_be_billed);
        let measures = self.measures.started(&call.facts);
        let session = self.sessions.open(start?, measures, events);
        Ok(Response::new(session.boxed()))
    }

    async fn generate_token(
        &self,
        request: Request<GenerateTokenRequest>,
    ) -> Result<Response<GenerateTokenResponse>, Status> {
        let call = Call::of(request.extensions())?;
        let definition = request.get_ref().workflow_definition.as_deref();
        permission::check_token(&call.caller, definition.unwrap_or_default())?;
        let issued = self
            .access
            .issue_agent_token(&call.caller, request.metadata().as_ref());
        let issued = issued.map_err(|_| {
            Status::internal(
                "no token can be signed; set keys.agent_platform.signing \
                 (DUO_WORKFLOW_SELF_SIGNED_JWT__SIGNING_KEY)",
            )
        })?;
        Ok(Response::new(GenerateTokenResponse {
            token: issued.token,
            expires_at: i64::try_from(issued.expires_at).unwrap_or(i64::MAX),
            server_capabilities: CAPABILITIES.map(ToOwned::to_owned).to_vec(),
        }))
    }

    async fn list_capabilities(
        &self,
        _: Request<ListCapabilitiesRequest>,
    ) -> Result<Response<ListCapabilitiesResponse>, Status> {
        let capabilities = CAPABILITIES.map(|name| Capability {
            name: name.to_owned(),
            metadata: String::new(),
        });
        Ok(Response::new(ListCapabilitiesResponse {
            capabilities: capabilities.to_vec(),
        }))
    }

    async fn list_tools(
        &self,
        _: Request<ListToolsRequest>,
    ) -> Result<Response<ListToolsResponse>, Status> {
        let tools = definitions().filter(|tool| tool.is_listed);
        let tools = tools.map(|tool| tool_description(&tool.specification()));
        Ok(Response::new(ListToolsResponse {
            tools: tools.collect(),
            eval_dataset: Vec::new(),
        }))
    }

    async fn list_flows(
        &self,
        _: Request<ListFlowsRequest>,
    ) -> Result<Response<ListFlowsResponse>, Status> {
        // the chat is older than the registry and stands in no list; whatever the filter, nothing
        // else runs here yet
        Ok(Response::new(ListFlowsResponse::default()))
    }

    async fn track_self_hosted_execute_workflow(
        &self,
        request: Request<Streaming<TrackSelfHostedClientEvent>>,
    ) -> Result<Response<Messages<TrackSelfHostedAction>>, Status> {
        permission::check_tracking(&Call::of(request.extensions())?.caller)?;
        let noted = request.into_inner().map(|event| {
            let event = event.map_err(as_clients_know_it)?;
            Ok(TrackSelfHostedAction {
                request_id: event.request_id,
            })
        });
        Ok(Response::new(noted.boxed()))
    }

    async fn validate_flow_config(
        &self,
        request: Request<ValidateFlowConfigRequest>,
    ) -> Result<Response<ValidateFlowConfigResponse>, Status> {
        let config = request.into_inner().flow_config;
        let errors = match config.map(struct_value::to_json) {
            None => vec!["Missing required field: flow_config".to_owned()],
            Some(config) => faults(&config),
        };
        Ok(Response::new(ValidateFlowConfigResponse {
            valid: errors.is_empty(),
            errors,
        }))
    }
}

impl Service {
    /// The first event as a start. None where there is nothing to do, which is no error: the
    /// stream was closed, or no session is named (agent-platform 2.6).
    async fn first(
        &self,
        events: &mut Streaming<ClientEvent>,
    ) -> Result<Option<Box<StartWorkflowRequest>>, Status> {
        let first = tokio::time::timeout(self.first_event, events.message()).await;
        let Ok(first) = first else {
            let seconds = self.first_event.as_secs();
            return Err(Status::deadline_exceeded(format!(
                "no start came within {seconds} s (limits.agent_first_event_seconds)"
            )));
        };
        let event = first.map_err(as_clients_know_it)?;
        let start = match event.and_then(|event| event.response) {
            Some(client_event::Response::StartRequest(start)) => Some(start),
            _ => None,
        };
        Ok(start.filter(|start| !start.workflow_id.is_empty()))
    }
}

/// A tool as models are told of it (agent-platform 7.3).
fn tool_description(tool: &Tool) -> Struct {
    let function = Map::from_iter([
        ("name".to_owned(), Value::from(&*tool.name)),
        ("description".to_owned(), Value::from(&*tool.description)),
        ("parameters".to_owned(), tool.parameters().clone()),
    ]);
    struct_value::from_json(Map::from_iter([
        ("type".to_owned(), Value::from("function")),
        ("function".to_owned(), Value::Object(function)),
    ]))
}

/// What is wrong with a flow, as `ValidateFlowConfig` tells it (agent-platform 7.3).
fn faults(config: &Map<String, Value>) -> Vec<String> {
    for name in ["version", "environment"] {
        if !config.contains_key(name) {
            return vec![format!("Missing required field '{name}' in flow config")];
        }
    }
    let schema = config.get("version").and_then(Value::as_str);
    partial_flow::faults(config, schema.unwrap_or_default())
        .iter()
        .map(|fault| {
            format!(
                "Flow compilation failed during validation: {}",
                fault.text()
            )
        })
        .collect()
}

/// Of a session's number in the log; it has a dozen digits, and whatever else stands there is refused.
const WORKFLOW_ID_BYTES: usize = 64;

/// What this server can do beyond the first version of the contract (agent-platform 1.4).
const CAPABILITIES: [&str; 3] = [
    "tool_call_approval",
    "tool_call_pattern_approval",
    "flow_semantic_versioning",
];
