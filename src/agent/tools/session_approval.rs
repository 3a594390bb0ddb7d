//! What the user approved for the rest of a session: GitLab knows it (agent-platform 4.8).

use std::{
    collections::{BTreeMap, HashSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};

use super::Workplace;
use crate::{agent::executor::workflow_global_id, flow::Call};

/// Approvals, as far as GitLab was asked for them in this turn.
#[derive(Debug, Default)]
pub(super) struct SessionApproval {
    given: Mutex<HashSet<(String, String)>>,
    /// This GitLab keeps none: it is not asked again.
    is_unknown: AtomicBool,
}

impl SessionApproval {
    /// Whether the user agreed to such a call before. A GitLab that cannot say so has the user
    /// asked.
    pub(super) async fn is_given(&self, workplace: &Workplace, call: &Call) -> bool {
        if self.is_unknown.load(Ordering::Relaxed) {
            return false;
        }
        let key = (
            call.name.clone(),
            sorted(&Value::Object(call.arguments.clone())),
        );
        if self.lock().contains(&key) {
            return true;
        }
        let variables = json!({
            "workflowId": workflow_global_id(&workplace.facts.workflow_id),
            "toolName": key.0,
            "toolCallArgs": key.1,
        });
        let Ok(data) = workplace.gitlab.graphql(QUERY, variables).await else {
            self.is_unknown.store(true, Ordering::Relaxed);
            return false;
        };
        let approved = data.pointer("/duoWorkflowWorkflows/nodes/0/toolCallApproved");
        let is_given = approved.and_then(Value::as_bool).unwrap_or_default();
        if is_given {
            self.lock().insert(key);
        }
        is_given
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(String, String)>> {
        // nothing panics while it is held
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// JSON without spaces, its keys in order: GitLab compares texts.
fn sorted(value: &Value) -> String {
    fn order(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let fields: BTreeMap<_, _> = object.iter().collect();
                let fields = fields.into_iter();
                Value::Object(
                    fields
                        .map(|(name, value)| (name.clone(), order(value)))
                        .collect(),
                )
            }
            Value::Array(list) => list.iter().map(order).collect(),
            other => other.clone(),
        }
    }
    order(value).to_string()
}

const QUERY: &str = "query ToolCallApproved($workflowId: AiDuoWorkflowsWorkflowID!, \
     $toolName: String!, $toolCallArgs: String!) { \
     duoWorkflowWorkflows(workflowId: $workflowId) { nodes { \
     toolCallApproved(toolName: $toolName, toolCallArgs: $toolCallArgs) } } }";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_compared_as_sorted_text() {
        let value = json!({"b": [{"d": 1, "c": "x y"}], "a": null});
        assert_eq!(sorted(&value), r#"{"a":null,"b":[{"c":"x y","d":1}]}"#);
    }
}
