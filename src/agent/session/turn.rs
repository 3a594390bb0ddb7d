//! A turn: from what GitLab stored of the session to what it stores now.

use std::sync::Mutex;

use super::{
    FlowChoice, SessionError, StatusEvent, StoredCheckpoint, Workflow,
    checkpoints::StoreFailure,
    history::History,
    live_session::LiveSession,
    policy::ToolPolicy,
    record::{Place, Record},
};
use crate::{
    agent::{
        executor::ExecutorError,
        proto::{TrackLlmCallForSelfHosted, approval::UserDecision},
        tools::{CHAT_TOOLS, McpTools, SEARCHES, SessionFacts, SessionTools, Workplace},
    },
    flow::{AgentDefinition, Decision, Scribe, State, Status, Surroundings, Turn, TurnInput},
    model::{Metadata, Target},
};

impl LiveSession<'_> {
    /// Runs the turn (agent-platform 3.1, 4.2).
    pub(super) async fn turn(&self) -> Result<(), SessionError> {
        let target = self
            .services
            .models
            .target(self.start.metadata.model.as_ref())?;
        let id = &self.start.request.workflow_id;
        let mut workflow = Workflow::fetch(&self.gitlab, self.start.metadata.version, id).await?;
        let event = StatusEvent::beginning(&workflow)?;
        let pinned = self.pinned().await?;
        self.reporter.send(event).await?;
        self.begins(event);
        let stored = match (event, pinned) {
            (StatusEvent::Start, _) => None,
            (_, Some(pinned)) => Some(pinned),
            (_, None) => self.latest(&mut workflow).await?,
        };
        let newest = workflow.latest.as_ref().map(|latest| latest.id.clone());
        let (mut state, place) = restored(stored, newest.as_deref())?;
        let mut policy = self.policy();
        let preapproved = std::mem::take(&mut workflow.preapproved);
        let workplace = self.workplace(&workflow);
        let mcp = self.mcp_tools(&workflow);
        let tools = SessionTools::new(workplace, &workflow.privileges, preapproved, mcp);
        let agent = self.agent(tools.mcp());
        tools.mcp().translate(&mut policy.preapproved);
        tools.mcp().translate(&mut policy.denied);
        let record = self.record(place, &target);
        let turn = Turn {
            agent: &agent,
            surroundings: &self.surroundings(&workflow),
            models: &self.services.models,
            target: &target,
            prompts: &self.services.prompts,
            tools: &tools,
            observer: &record,
            scribe: self.scribe(),
            limits: self.services.turn,
        };
        let mut input = self.input(&workflow, policy);
        // a decision about nothing would take the place of the user's words
        input.decision = input.decision.filter(|_| event != StatusEvent::Start);
        let entry = turn.begin(&mut state, input);
        // the user's words are kept whatever becomes of the answer
        record.input(&state).await?;
        let ended = turn.run(&mut state, entry).await;
        if let Some(error) = record.take_failure() {
            return Err(error);
        }
        ended?;
        self.finish(&state).await
    }

    /// GitLab took the event that the turn begins with.
    fn begins(&self, event: StatusEvent) {
        self.measures.began(event);
        let metadata = &self.start.metadata;
        tracing::info!(
            target: "duogate::agent",
            correlation_id = metadata.correlation_id.as_str(),
            workflow_id = self.start.request.workflow_id,
            status_event = event.as_str(),
            flow = ?self.start.flow,
            flow_type = self.measures.flow_type(),
            gitlab_version = metadata.version.map(tracing::field::display),
            "a turn of a session begins"
        );
    }

    /// Who talks. Tools of MCP servers come to those that it has.
    fn agent(&self, mcp: &McpTools) -> AgentDefinition {
        let mut agent = match &self.start.flow {
            FlowChoice::Chat => AgentDefinition::chat(CHAT_TOOLS),
            FlowChoice::ChatPartial(agent) => agent.clone(),
        };
        if let Some(toolset) = &mut agent.toolset {
            if matches!(self.start.flow, FlowChoice::Chat) && mcp.searches_gitlab() {
                toolset.retain(|tool, _| !SEARCHES.contains(&tool.as_str()));
            }
            for name in mcp.names() {
                // a flow may name one itself and fix its arguments
                toolset.entry(name.to_owned()).or_default();
            }
        }
        agent
    }

    /// Those that the client offers, where GitLab permits them.
    fn mcp_tools(&self, workflow: &Workflow) -> McpTools {
        if !workflow.mcp_enabled {
            return McpTools::default();
        }
        McpTools::read(self.start.request.mcp_tools.clone())
    }

    /// What tools work with.
    fn workplace(&self, workflow: &Workflow) -> Workplace {
        let metadata = &self.start.metadata;
        let old_editor = metadata
            .language_server
            .is_some_and(|version| !version.is_at_least(7, 43, 0));
        Workplace {
            outbox: self.outbox.clone(),
            gitlab: self.gitlab.clone(),
            documentation: self.services.documentation.clone(),
            clock: self.services.clock.clone(),
            randomness: self.services.randomness.clone(),
            facts: SessionFacts {
                workflow_id: self.start.request.workflow_id.clone(),
                gitlab_url: workflow.gitlab_url.clone(),
                version: metadata.version,
                capabilities: metadata.capabilities.clone(),
                project_id: workflow.project_id(),
                exclusion_rules: workflow.exclusion_rules(),
                has_executor: !old_editor,
            },
        }
    }

    fn surroundings(&self, workflow: &Workflow) -> Surroundings {
        let version = self.start.metadata.version;
        Surroundings {
            gitlab_url: Some(workflow.gitlab_url.clone()),
            gitlab_version: version.map(|version| version.to_string()),
            user: None,
        }
    }

    /// Writes entries of this session's log.
    pub(super) fn scribe(&self) -> Scribe<'_> {
        Scribe {
            clock: self.services.clock.as_ref(),
            randomness: self.services.randomness.as_ref(),
            correlation_id: Some(self.start.metadata.correlation_id.as_str()),
        }
    }

    /// The checkpoint that the client wants to go on from, where it names one.
    async fn pinned(&self) -> Result<Option<StoredCheckpoint>, SessionError> {
        let wanted = self.start.request.resume_checkpoint_ts.as_deref();
        match wanted.filter(|id| !id.is_empty()) {
            Some(id) => {
                let history = History::new(&self.gitlab, &self.path);
                history.find(id).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// The newest checkpoint; older GitLabs only say that there is one.
    async fn latest(
        &self,
        workflow: &mut Workflow,
    ) -> Result<Option<StoredCheckpoint>, SessionError> {
        if let Some(latest) = workflow.latest.take() {
            return Ok(Some(latest));
        }
        if !workflow.has_checkpoints {
            return Ok(None);
        }
        History::new(&self.gitlab, &self.path).latest().await
    }

    fn policy(&self) -> ToolPolicy {
        let claim = self.start.caller.claim("tool_access_policies");
        ToolPolicy::new(&self.start.request.preapproved_tools, claim)
    }

    fn input(&self, workflow: &Workflow, policy: ToolPolicy) -> TurnInput {
        let request = &self.start.request;
        let decision = request.approval.as_ref();
        let decision = decision.and_then(|approval| approval.user_decision.as_ref());
        TurnInput {
            goal: request.goal.clone(),
            context: self.start.contexts.clone(),
            decision: decision.map(|decision| match decision {
                UserDecision::Approval(_) => Decision::Approve,
                UserDecision::Rejection(rejected) => Decision::Reject(rejected.message.clone()),
            }),
            preapproved_tools: policy.preapproved,
            denied_tools: policy.denied,
            project: workflow.project(),
            namespace: workflow.namespace(),
        }
    }

    fn record(&self, place: Place, target: &Target) -> Record {
        let request = &self.start.request;
        let billing = self
            .start
            .metadata
            .is_billed
            .then(|| TrackLlmCallForSelfHosted {
                workflow_id: request.workflow_id.clone(),
                feature_qualified_name: request.workflow_definition.clone(),
                feature_ai_catalog_item: request.flow_config.is_some(),
            });
        Record {
            outbox: self.outbox.clone(),
            notifier: self.notifier.clone(),
            checkpoints: self.checkpoints.clone(),
            reporter: self.reporter.clone(),
            measures: self.measures.clone(),
            clock: self.services.clock.clone(),
            randomness: self.services.randomness.clone(),
            billing,
            model: self
                .start
                .metadata
                .model
                .as_ref()
                .map(Metadata::without_key),
            window: i32::try_from(target.family().max_context_tokens).unwrap_or(i32::MAX),
            place: Mutex::new(place),
            failure: Mutex::default(),
        }
    }

    /// The turn went well: everything is stored before the client hears that it is over.
    async fn finish(&self, state: &State) -> Result<(), SessionError> {
        match self.checkpoints.settled().await {
            None => {}
            Some(StoreFailure::Executor(error @ ExecutorError::TooLarge)) => {
                return Err(error.into());
            }
            Some(_) => self.notifier.append(self.scribe().failure(NOT_STORED)),
        }
        if state.status == Status::Completed {
            self.reporter.send(StatusEvent::Finish).await?;
        }
        self.notifier.flush().await;
        self.reporter.compare().await;
        Ok(())
    }
}

/// What was stored, and where the row of checkpoints goes on.
/// What comes next is newer than everything that is there, also where the session goes back to an
/// older checkpoint than GitLab's `newest`.
fn restored(
    stored: Option<StoredCheckpoint>,
    newest: Option<&str>,
) -> Result<(State, Place), SessionError> {
    let Some(stored) = stored else {
        return Ok((State::default(), Place::first()));
    };
    let state = State::from_channels(&stored.values)
        .map_err(|_| SessionError::Checkpoint("its channels are not as they should be"))?;
    Ok((state, Place::after(&stored, newest)))
}

const NOT_STORED: &str = "GitLab did not store this turn, so the next one will not know of it. \
                          Please repeat what matters.";
