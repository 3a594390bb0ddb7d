//! What changed in files, without those that the project's owners keep from agents.

use serde_json::{Value, json};

use super::{SessionFacts, exclusions::Exclusions, repository_file::EXCLUDED};

/// The differences as they came, but those of excluded files: these are only named.
pub(super) fn permitted(facts: &SessionFacts, diffs: Vec<Value>) -> Vec<Value> {
    let exclusions = Exclusions::of(&facts.exclusion_rules);
    let diffs = diffs.into_iter();
    diffs
        .map(|diff| {
            let (old, new) = paths(&diff);
            if [old, new].iter().any(|path| exclusions.excludes(path)) {
                return json!({"old_path": old, "new_path": new, "excluded": EXCLUDED});
            }
            diff
        })
        .collect()
}

/// The file's path before and after.
pub(super) fn paths(diff: &Value) -> (&str, &str) {
    let path = |name| diff.get(name).and_then(Value::as_str).unwrap_or_default();
    (path("old_path"), path("new_path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_kept_back_is_named_alone() {
        let facts = SessionFacts {
            exclusion_rules: vec!["secret/".to_owned()],
            ..SessionFacts::default()
        };
        let diff = |old: &str, new: &str| json!({"old_path": old, "new_path": new, "diff": "@@"});
        let shown = permitted(
            &facts,
            vec![
                diff("a", "a"),
                diff("secret/a", "a"),
                diff("a", "secret/a"),
                json!({"diff": "@@"}),
            ],
        );
        let kept =
            |old: &str, new: &str| json!({"old_path": old, "new_path": new, "excluded": EXCLUDED});
        let expected = [
            diff("a", "a"),
            kept("secret/a", "a"),
            kept("a", "secret/a"),
            json!({"diff": "@@"}),
        ];
        assert_eq!(shown, expected);
    }
}
