//! The tools of one session.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{
    Arguments, Definition, McpTools, Workplace, command_line, definitions, parameter, result,
    session_approval::SessionApproval,
};
use crate::{
    flow::{Call, ToolOutcome, Tools},
    model::Tool,
};

/// Those that GitLab permits the session, carried out by its client.
#[derive(Debug)]
pub struct SessionTools {
    workplace: Workplace,
    definitions: Vec<&'static Definition>,
    mcp: McpTools,
    preapproved_groups: Vec<String>,
    approval: SessionApproval,
}

impl SessionTools {
    /// The tools of these groups (agent-platform 6.1) that the session's client and GitLab can do;
    /// those of the second list of groups need no approval. A tool of another group is not there, as
    /// if it did not exist. MCP tools are always there.
    pub fn new(
        workplace: Workplace,
        groups: &[String],
        preapproved_groups: Vec<String>,
        mut mcp: McpTools,
    ) -> Self {
        let facts = &workplace.facts;
        let is_there =
            |definition: &&Definition| definition.is_in(groups) && (definition.is_offered)(facts);
        let definitions: Vec<_> = definitions().filter(is_there).collect();
        mcp.give_way(&definitions.iter().map(|it| it.name).collect());
        Self {
            workplace,
            definitions,
            mcp,
            preapproved_groups,
            approval: SessionApproval::default(),
        }
    }

    /// Those of the client's MCP servers.
    pub fn mcp(&self) -> &McpTools {
        &self.mcp
    }

    fn find(&self, name: &str) -> Option<&'static Definition> {
        let mut definitions = self.definitions.iter();
        definitions
            .find(|definition| definition.name == name)
            .copied()
    }

    async fn run(&self, tool: &Definition, call: &Call) -> ToolOutcome {
        let arguments = Arguments::new(&call.arguments);
        let display = (tool.display)(arguments);
        let result = match parameter::check(tool.parameters, &call.arguments) {
            Ok(()) => (tool.call)(&self.workplace, arguments).await,
            Err(error) => Err(error),
        };
        result::outcome(tool, display, result)
    }

    async fn asks(&self, call: &Call) -> bool {
        let groups = &self.preapproved_groups;
        let is_free = match self.find(&call.name) {
            Some(tool) => tool.is_in(groups),
            None => self.mcp.has(&call.name) && groups.iter().any(|group| group == MCP_GROUP),
        };
        if is_free {
            return false;
        }
        !self.approval.is_given(&self.workplace, call).await
    }
}

impl Tools for SessionTools {
    fn specifications(&self) -> Vec<Arc<Tool>> {
        let definitions = self.definitions.iter();
        let own = definitions.map(|definition| definition.specification());
        own.chain(self.mcp.specifications()).collect()
    }

    fn needs_approval<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, bool> {
        Box::pin(self.asks(call))
    }

    fn only_reads(&self, call: &Call) -> bool {
        self.find(&call.name).is_some_and(|tool| tool.only_reads)
    }

    fn suggested_patterns(&self, call: &Call) -> Vec<String> {
        let tool = self.find(&call.name);
        let line = tool.and_then(|tool| (tool.line)(Arguments::new(&call.arguments)));
        line.map_or_else(Vec::new, |line| command_line::patterns(&line))
    }

    fn call<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, ToolOutcome> {
        match self.find(&call.name) {
            Some(tool) => Box::pin(self.run(tool, call)),
            None => Box::pin(async {
                let outcome = self.mcp.call(&self.workplace, call).await;
                outcome.unwrap_or_else(|| result::unknown(&call.name))
            }),
        }
    }
}

/// The group of MCP tools, which GitLab can pre-approve (agent-platform 6.1).
const MCP_GROUP: &str = "run_mcp_tools";

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        agent::{
            executor::{GitLab, Outbox},
            tools::SessionFacts,
        },
        documentation::DocumentationIndex,
        foundation::{SystemClock, SystemRandomness},
        telemetry::Metrics,
    };

    fn tools(groups: &[&str], preapproved: &[&str]) -> SessionTools {
        let (sender, _) = mpsc::channel(1);
        let outbox = Arc::new(Outbox::new(sender, 1, Arc::new(SystemRandomness)));
        let owned = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let workplace = Workplace {
            gitlab: GitLab::new(Arc::clone(&outbox)),
            outbox,
            documentation: DocumentationIndex::new(None, &Arc::new(Metrics::new())),
            clock: Arc::new(SystemClock),
            randomness: Arc::new(SystemRandomness),
            facts: SessionFacts::default(),
        };
        let mcp = McpTools::default();
        SessionTools::new(workplace, &owned(groups), owned(preapproved), mcp)
    }

    #[tokio::test]
    async fn groups_decide_what_there_is_and_what_is_asked_about() {
        let call = Call {
            name: "get_project".to_owned(),
            ..Call::default()
        };
        assert!(tools(&["start_flows"], &[]).specifications().is_empty());
        let read = tools(&["read_only_gitlab"], &[]);
        assert!(read.specifications().len() > 1);
        assert!(read.needs_approval(&call).await);
        let preapproved = tools(&["read_only_gitlab"], &["read_only_gitlab"]);
        assert!(!preapproved.needs_approval(&call).await);
        assert!(preapproved.only_reads(&call));
    }

    #[tokio::test]
    async fn a_call_without_what_it_needs_is_not_carried_out() {
        let call = Call {
            name: "get_project".to_owned(),
            arguments: [("project_id".to_owned(), serde_json::json!([7]))]
                .into_iter()
                .collect(),
            ..Call::default()
        };
        let outcome = tools(&["read_only_gitlab"], &[]).call(&call).await;
        let expected = "Tool get_project execution failed due to wrong arguments. You must adhere \
                        to the tool args schema! project_id must be a number or a full path";
        assert_eq!(outcome.text, expected);
    }
}
