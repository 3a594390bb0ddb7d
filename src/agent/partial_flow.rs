//! Flows that somebody else wrote for the chat: configurations of environment `chat-partial`
//! (agent-platform 3.3, 7.1), which give the chat another agent.

use serde_json::{Map, Value};

use super::{flow_request::SCHEMAS, hidden_text::hides_something, tool_names::is_tool};
use crate::flow::AgentDefinition;

/// What is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FlowFault {
    /// It tries to say more than it shows, or to choose models that are not its own.
    Security(String),
    /// A part of it is missing, of a wrong kind, or not supported.
    Form(String),
    /// It asks for a tool that does not exist. It can run all the same, without it.
    Tool(String),
}

impl FlowFault {
    /// The fault as a sentence: the place, the problem and the remedy; nothing of its content.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Security(text) | Self::Form(text) | Self::Tool(text) => text,
        }
    }
}

/// The agent of a configuration without faults but for tools, which it then does not get.
pub(super) fn agent(config: &Map<String, Value>) -> AgentDefinition {
    let component = list(config, "components").first().unwrap_or(&Value::Null);
    let prompt = list(config, "prompts").first().unwrap_or(&Value::Null);
    let tools = component.get("toolset").and_then(Value::as_array);
    let tools = tools.into_iter().flatten().filter_map(tool_of);
    let name = component.get("name").and_then(Value::as_str);
    AgentDefinition {
        name: name.unwrap_or_default().to_owned(),
        instructions: prompt
            .pointer("/prompt_template/system")
            .map(|system| texts(system).join("\n\n")),
        toolset: Some(
            tools
                .map(|(name, fixed)| (name.to_owned(), fixed.cloned().unwrap_or_default()))
                .collect(),
        ),
    }
}

/// The faults of a configuration that says it is written in `schema`, as many as anybody mends at once;
/// none: it can run.
pub(super) fn faults(config: &Map<String, Value>, schema: &str) -> Vec<FlowFault> {
    let mut examination = Examination::default();
    examination.head(config, schema);
    if examination.faults.is_empty() {
        examination.parts(config);
    }
    examination.faults
}

/// Goes through a configuration once.
#[derive(Default)]
struct Examination {
    faults: Vec<FlowFault>,
}

impl Examination {
    fn form(&mut self, text: impl Into<String>) {
        self.fault(FlowFault::Form(text.into()));
    }

    fn security(&mut self, text: impl Into<String>) {
        self.fault(FlowFault::Security(text.into()));
    }

    fn fault(&mut self, fault: FlowFault) {
        if self.faults.len() < FAULTS {
            self.faults.push(fault);
        }
    }

    /// Which kind of flow it is; of another kind nothing more is said.
    fn head(&mut self, config: &Map<String, Value>, schema: &str) {
        match text(config, "version") {
            Some(own) if own != schema => {
                self.form("version: differs from flowConfigSchemaVersion; write the same in both");
            }
            Some("v1") => {}
            Some(own) if SCHEMAS.contains(&own) => {
                self.form("version: experimental is not supported yet; write v1");
            }
            _ => self.form("version: must be v1"),
        }
        match text(config, "environment") {
            Some("chat-partial") => {}
            Some(known @ ("ambient" | "chat")) => self.form(format!(
                "environment: {known} is not supported yet; this server runs chat-partial"
            )),
            _ => self.form("environment: must be ambient, chat or chat-partial"),
        }
    }

    fn parts(&mut self, config: &Map<String, Value>) {
        let prompts = self.prompts(config);
        for name in ["routers", "response_schemas"] {
            if !config.get(name).is_none_or(is_empty) {
                self.form(format!(
                    "{name}: a chat-partial flow has none; take them out"
                ));
            }
        }
        let components = list(config, "components");
        match components {
            [Value::Object(component)] if text(component, "type") == Some("AgentComponent") => {
                self.component(component, &prompts);
            }
            _ => self.form("components: must be exactly one AgentComponent"),
        }
    }

    /// The names of the prompts.
    fn prompts<'c>(&mut self, config: &'c Map<String, Value>) -> Vec<&'c str> {
        let prompts = list(config, "prompts");
        if prompts.len() > 1 {
            self.form("prompts: a chat-partial flow has one at most");
        }
        let mut names = Vec::new();
        for (index, prompt) in prompts.iter().enumerate() {
            let place = format!("prompts[{index}]");
            let Value::Object(prompt) = prompt else {
                self.form(format!("{place}: must be an object"));
                continue;
            };
            match text(prompt, "prompt_id") {
                Some(name) => names.push(name),
                None => self.form(format!("{place}.prompt_id: is missing")),
            }
            self.prompt(&place, prompt);
        }
        names
    }

    fn prompt(&mut self, place: &str, prompt: &Map<String, Value>) {
        for name in prompt.keys() {
            if !PROMPT_KEYS.contains(&name.as_str()) {
                self.form(format!(
                    "{place}: has an unknown key; known are {}",
                    PROMPT_KEYS.join(", ")
                ));
                break;
            }
        }
        let names_model = prompt
            .get("params")
            .is_some_and(|params| params.get("model_id").is_some_and(|id| !id.is_null()));
        if names_model {
            self.security(format!(
                "{place}.params.model_id: the server's models cannot be chosen here; take it out"
            ));
        }
        match prompt.get("prompt_template") {
            Some(Value::Object(roles)) if !roles.is_empty() => self.roles(place, roles),
            _ => self.form(format!(
                "{place}.prompt_template: must be an object of roles with their texts"
            )),
        }
    }

    fn roles(&mut self, place: &str, roles: &Map<String, Value>) {
        for (role, value) in roles {
            if !TEXT_ROLES.contains(&role.as_str()) {
                continue;
            }
            let place = format!("{place}.prompt_template.{role}");
            let texts = texts(value);
            let is_text = match value {
                Value::Array(list) => list.len() == texts.len(),
                _ => true,
            };
            if texts.is_empty() || !is_text {
                self.form(format!("{place}: must be a text or a list of texts"));
            }
            if texts.into_iter().any(hides_something) {
                self.security(format!(
                    "{place}: holds comments, invisible letters or tags of the server's own; take \
                     them out"
                ));
            }
        }
    }

    fn component(&mut self, component: &Map<String, Value>, prompts: &[&str]) {
        let place = "components[0]";
        match text(component, "name") {
            None => self.form(format!("{place}.name: is missing")),
            Some(name) if name.contains([':', '.']) => {
                self.form(format!("{place}.name: must not contain : or ."));
            }
            Some(_) => {}
        }
        let version = component.get("prompt_version");
        let version = version.filter(|version| !version.is_null());
        match text(component, "prompt_id") {
            None => self.form(format!("{place}.prompt_id: is missing")),
            Some(_) if version.is_some() && !prompts.is_empty() => self.form(format!(
                "{place}.prompt_version: names a prompt of the server's although prompts has one; \
                 take one of them out"
            )),
            Some(_) if version.is_some() => self.form(format!(
                "{place}.prompt_version: prompts of the server's registry are not supported yet; \
                 write the prompt into prompts"
            )),
            Some(id) if !prompts.contains(&id) => self.form(format!(
                "{place}.prompt_id: prompts has no prompt of that name, and prompt_version is not \
                 given"
            )),
            Some(_) => {}
        }
        for name in MODEL_CHOICES {
            if component.get(name).is_some_and(|value| !is_empty(value)) {
                self.security(format!(
                    "{place}.{name}: the server's models cannot be chosen here; take it out"
                ));
            }
        }
        for name in NOT_YET {
            if component.get(name).is_some_and(|value| !is_empty(value)) {
                self.form(format!("{place}.{name}: is not supported yet; take it out"));
            }
        }
        self.toolset(place, component);
    }

    /// Each tool is a name, or an object of a name with arguments that are fixed.
    fn toolset(&mut self, place: &str, component: &Map<String, Value>) {
        let toolset = component.get("toolset");
        if !toolset.is_none_or(|toolset| toolset.is_array() || toolset.is_null()) {
            self.form(format!("{place}.toolset: must be a list of names"));
        }
        for (index, tool) in list(component, "toolset").iter().enumerate() {
            match tool_of(tool) {
                None => self.form(format!(
                    "{place}.toolset[{index}]: must be a name, or an object of one name with its \
                     arguments"
                )),
                Some((name, _)) if !is_tool(name) => {
                    let name: String = name.chars().take(SHOWN_CHARACTERS).collect();
                    let text = format!("{place}.toolset[{index}]: there is no tool '{name}'");
                    self.fault(FlowFault::Tool(text));
                }
                Some(_) => {}
            }
            if self.faults.len() == FAULTS {
                break;
            }
        }
    }
}

/// A name, or a name with arguments: `{name: {argument: value}}`.
fn tool_of(tool: &Value) -> Option<(&str, Option<&Map<String, Value>>)> {
    match tool {
        Value::String(name) => Some((name, None)),
        Value::Object(one) if one.len() == 1 => match one.iter().next()? {
            (name, Value::Object(fixed)) => Some((name, Some(fixed))),
            (name, Value::Null) => Some((name, None)),
            _ => None,
        },
        _ => None,
    }
}

/// One text, or those of a list.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// A text that says something.
fn text<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    let text = object.get(name)?.as_str()?;
    Some(text).filter(|text| !text.is_empty())
}

fn list<'v>(object: &'v Map<String, Value>, name: &str) -> &'v [Value] {
    match object.get(name) {
        Some(Value::Array(values)) => values,
        _ => &[],
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(object) => object.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What a prompt may say; `model` says nothing here.
const PROMPT_KEYS: [&str; 6] = [
    "prompt_id",
    "name",
    "unit_primitives",
    "prompt_template",
    "params",
    "model",
];

/// Roles whose values are texts; others, such as `placeholder`, are names.
const TEXT_ROLES: [&str; 4] = ["system", "user", "assistant", "function"];

/// With these a component chooses among the server's models.
const MODEL_CHOICES: [&str; 2] = ["model_tags", "model_size_preference"];

/// What a component of other environments has.
const NOT_YET: [&str; 2] = ["subagents", "response_schema_id"];

/// Whoever mends these asks again.
const FAULTS: usize = 20;

/// The longest name of a tool that is repeated.
const SHOWN_CHARACTERS: usize = 64;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(changes: &[(&str, Value)]) -> Vec<FlowFault> {
        faults(&changed(changes), "v1")
    }

    fn changed(changes: &[(&str, Value)]) -> Map<String, Value> {
        let mut config = json!({
            "version": "v1", "environment": "chat-partial", "name": "Mine",
            "components": [{
                "type": "AgentComponent", "name": "helper", "prompt_id": "mine",
                "toolset": ["get_project", {"create_issue": {"confidential": true}}],
                "inputs": ["context:goal"], "prompt_version": null,
            }],
            "routers": [], "flow": {},
            "prompts": [{
                "prompt_id": "mine", "name": "Mine", "unit_primitives": [],
                "prompt_template": {"system": "Help.", "user": "{{goal}}", "placeholder": "history"},
                "params": {"timeout": 30},
            }],
        });
        for (place, value) in changes {
            match place.rsplit_once('/') {
                Some((parent, name)) => {
                    config.pointer_mut(parent).unwrap()[name] = value.clone();
                }
                None => panic!("{place}"),
            }
        }
        let Value::Object(config) = config else {
            panic!("no object");
        };
        config
    }

    fn found(place: &str, value: Value) -> String {
        let faults = config(&[(place, value)]);
        let texts: Vec<_> = faults.iter().map(FlowFault::text).collect();
        texts.join(" | ")
    }

    #[test]
    fn a_sound_one_has_no_faults() {
        assert_eq!(config(&[]), []);
    }

    #[test]
    fn its_agent_has_its_name_its_instructions_and_its_tools() {
        let system = json!(["Review.", "Be kind."]);
        let agent = agent(&changed(&[("/prompts/0/prompt_template/system", system)]));
        assert_eq!(agent.name, "helper");
        assert_eq!(agent.instructions.as_deref(), Some("Review.\n\nBe kind."));
        let tools = json!({"create_issue": {"confidential": true}, "get_project": {}});
        assert_eq!(json!(agent.toolset), tools);
        let registered = [
            ("/prompts", json!([])),
            ("/components/0/prompt_version", json!("^1.0.0")),
        ];
        let faults = config(&registered);
        let [fault] = &faults[..] else {
            panic!("{faults:?}");
        };
        let expected = "components[0].prompt_version: prompts of the server's registry";
        assert!(fault.text().starts_with(expected), "{fault:?}");
        let many = vec![json!(7); 1000];
        assert_eq!(
            config(&[("/components/0/toolset", json!(many))]).len(),
            FAULTS
        );
    }

    fn begin_with(cases: impl IntoIterator<Item = (&'static str, Value, &'static str)>) {
        for (place, value, expected) in cases {
            let found = found(place, value);
            assert!(found.starts_with(expected), "{place}: {found}");
        }
    }

    #[test]
    fn each_fault_of_a_flow_names_its_place() {
        begin_with([
            (
                "/version",
                json!("v2"),
                "version: differs from flowConfigSchemaVersion",
            ),
            ("/version", json!(1), "version: must be v1"),
            (
                "/environment",
                json!("ambient"),
                "environment: ambient is not supported yet",
            ),
            ("/environment", json!("x"), "environment: must be"),
            (
                "/components",
                json!([]),
                "components: must be exactly one AgentComponent",
            ),
            (
                "/components",
                json!([{}, {}]),
                "components: must be exactly one",
            ),
            (
                "/components/0/type",
                json!("EndComponent"),
                "components: must be exactly one",
            ),
            (
                "/routers",
                json!([{"from": "a"}]),
                "routers: a chat-partial flow has none",
            ),
            ("/prompts", json!([7]), "prompts[0]: must be an object"),
            (
                "/prompts/0/secret",
                json!(1),
                "prompts[0]: has an unknown key",
            ),
            (
                "/prompts/0/prompt_template",
                json!("x"),
                "prompts[0].prompt_template: must be",
            ),
            (
                "/prompts/0/prompt_template/user",
                json!(7),
                "prompts[0].prompt_template.user: must be",
            ),
            (
                "/prompts/0/prompt_template/system",
                json!(["a", 7]),
                "prompts[0].prompt_template.system: must be",
            ),
        ]);
    }

    #[test]
    fn each_fault_of_the_component_names_its_place() {
        begin_with([
            (
                "/components/0/name",
                json!("a.b"),
                "components[0].name: must not contain",
            ),
            (
                "/components/0/name",
                json!(""),
                "components[0].name: is missing",
            ),
            (
                "/components/0/prompt_id",
                json!(7),
                "components[0].prompt_id: is missing",
            ),
            (
                "/components/0/prompt_id",
                json!("x"),
                "components[0].prompt_id: prompts has no",
            ),
            (
                "/components/0/prompt_version",
                json!("1.0.0"),
                "components[0].prompt_version: names",
            ),
            (
                "/components/0/subagents",
                json!([{"name": "x"}]),
                "components[0].subagents: is not",
            ),
            (
                "/components/0/toolset",
                json!("all"),
                "components[0].toolset: must be a list",
            ),
            (
                "/components/0/toolset",
                json!([7]),
                "components[0].toolset[0]: must be a name",
            ),
            (
                "/components/0/toolset",
                json!(["fly"]),
                "components[0].toolset[0]: there is no tool 'fly'",
            ),
        ]);
    }

    #[test]
    fn what_is_no_matter_of_form_is_told_apart() {
        for (place, value) in [
            ("/components/0/model_tags", json!(["large"])),
            ("/prompts/0/params/model_id", json!("x")),
            (
                "/prompts/0/prompt_template/system",
                json!(["a", "<!-- b -->"]),
            ),
        ] {
            let faults = config(&[(place, value)]);
            assert!(
                matches!(&faults[..], [FlowFault::Security(_)]),
                "{faults:?}"
            );
        }
        let names = config(&[("/prompts/0/prompt_template/placeholder", json!("<goal>"))]);
        assert_eq!(names, []);
    }
}
