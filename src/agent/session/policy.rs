//! Which tools need no approval, and which are not offered.

use serde_json::Value;

/// What a request and its caller's token say of tools (agent-platform 3.6).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ToolPolicy {
    /// Tools that need no approval.
    pub(super) preapproved: Vec<String>,
    /// Tools that are not offered.
    pub(super) denied: Vec<String>,
}

impl ToolPolicy {
    /// `claim` is the token's `tool_access_policies`: `{"allow", "ask", "deny"}` or JSON text of
    /// it. It overrides the request; one that cannot be read leaves nothing pre-approved.
    pub(super) fn new(requested: &[String], claim: Option<&Value>) -> Self {
        let of_request = || Self {
            preapproved: requested.to_vec(),
            denied: Vec::new(),
        };
        let Some(claim) = claim.filter(|claim| !claim.is_null()) else {
            return of_request();
        };
        let read;
        let lists = match claim {
            Value::String(text) => {
                read = serde_json::from_str(text).unwrap_or_default();
                &read
            }
            other => other,
        };
        let (Some(allow), Some(ask), Some(deny)) = (
            words(lists, "allow"),
            words(lists, "ask"),
            words(lists, "deny"),
        ) else {
            return Self::default();
        };
        if allow.is_empty() && ask.is_empty() && deny.is_empty() {
            return of_request();
        }
        Self {
            preapproved: allow,
            denied: deny,
        }
    }
}

/// A list of words, empty where it is absent; none for anything else.
fn words(lists: &Value, name: &str) -> Option<Vec<String>> {
    let words = match lists.as_object()?.get(name) {
        None | Some(Value::Null) => return Some(Vec::new()),
        Some(words) => words.as_array()?,
    };
    let words = words
        .iter()
        .map(|word| word.as_str().map(ToOwned::to_owned));
    words.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_overrides_its_request() {
        let requested = ["a".to_owned()];
        let policy = |claim: &Value| {
            let policy = ToolPolicy::new(&requested, Some(claim));
            (policy.preapproved.join(","), policy.denied.join(","))
        };
        let told = |preapproved: &str, denied: &str| (preapproved.to_owned(), denied.to_owned());
        assert_eq!(policy(&json!(null)), told("a", ""));
        assert_eq!(policy(&json!({"allow": [], "deny": []})), told("a", ""));
        assert_eq!(
            policy(&json!({"allow": ["b"], "deny": ["c"]})),
            told("b", "c")
        );
        assert_eq!(policy(&json!({"ask": ["a"]})), told("", ""));
        assert_eq!(policy(&json!(r#"{"deny": ["a"]}"#)), told("", "a"));
        for nonsense in [
            json!("{"),
            json!(7),
            json!({"allow": 7}),
            json!({"deny": [7]}),
        ] {
            assert_eq!(policy(&nonsense), told("", ""));
        }
    }
}
