//! The agent platform's readers of other people's text for the fuzz targets, which link the crate as
//! its users do.

use serde_json::Value;

use super::{hidden_text, partial_flow, secrets};

/// Nothing hides in a text that was cleaned, JSON stays JSON, and cleaning twice changes nothing.
pub fn tool_result(text: &str) {
    let shown = secrets::redacted(text);
    let clean = hidden_text::cleaned(&shown);
    assert!(
        !hidden_text::hides_something(&clean) || is_json(&clean),
        "{clean}"
    );
    if is_json(&shown) {
        assert!(is_json(&clean), "{clean}");
    }
}

/// A configuration of somebody's is judged; one without faults gives an agent.
pub fn flow(text: &str) {
    if let Ok(Value::Object(config)) = serde_json::from_str(text) {
        let faults = partial_flow::faults(&config, "v1");
        if faults.is_empty() {
            assert!(!partial_flow::agent(&config).name.is_empty());
        }
    }
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[']) && serde_json::from_str::<Value>(text).is_ok()
}
