//! Tokens with which IDEs come to us directly (http-api 2.9).

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{
    IssueError, IssuedToken,
    caller::Caller,
    headers::{self, GLOBAL_USER_ID},
    issuer::Issuer,
};

/// A token for the user that the headers name, with those of the caller's permissions that an
/// IDE needs.
pub(super) fn issue(
    issuer: &Issuer<'_>,
    caller: &Caller,
    headers: &HeaderMap,
) -> Result<IssuedToken, IssueError> {
    let scopes: Vec<&str> = SCOPES
        .into_iter()
        .filter(|scope| caller.can(scope))
        .collect();
    if caller.is_issued_by_us() || scopes.is_empty() {
        return Err(IssueError::Unauthorized);
    }
    let mut claims = caller
        .claims()
        .map(|claims| claims.extra.clone())
        .unwrap_or_default();
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("sub", headers::value(headers, GLOBAL_USER_ID).into());
    set("scopes", scopes.into());
    copy(caller, headers, &mut claims);
    issuer.issue(claims)
}

/// What belongs to the instance goes over from the caller's token, by its realm.
fn copy(caller: &Caller, headers: &HeaderMap, claims: &mut Map<String, Value>) {
    let Some(given) = caller.claims() else {
        return;
    };
    let mut set = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    set("gitlab_realm", json!(given.realm));
    set("gitlab_instance_id", json!(given.instance_id));
    if let Some(count) = &given.seat_count {
        set("duo_seat_count", json!(count));
    }
    match given.realm.as_deref() {
        Some("self-managed") => {
            set("gitlab_instance_uid", json!(given.instance_uid));
        }
        Some("saas") => {
            let header = |name: &str| headers::value(headers, name);
            set("gitlab_project_id", header("X-Gitlab-Project-Id").into());
            set(
                "gitlab_namespace_id",
                header("X-Gitlab-Namespace-Id").into(),
            );
            let root = given.extra.get(ROOT_NAMESPACE).and_then(positive);
            let of_header = || {
                let text = header("X-Gitlab-Root-Namespace-Id")?;
                positive(&text.into())
            };
            set(ROOT_NAMESPACE, root.or_else(of_header).into());
        }
        _ => {}
    }
}

/// A positive number, or one in decimal digits.
fn positive(value: &Value) -> Option<u64> {
    let number = match value {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            text.parse().ok()?
        }
        _ => return None,
    };
    (number > 0).then_some(number)
}

/// What an IDE does without GitLab between, in the order of the contract.
const SCOPES: [&str; 2] = ["complete_code", "ai_gateway_model_provider_proxy"];

const ROOT_NAMESPACE: &str = "gitlab_root_namespace_id";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_namespaces_are_positive() {
        for (value, expected) in [
            (json!(7), Some(7)),
            (json!("7"), Some(7)),
            (json!(0), None),
            (json!("0"), None),
            (json!(-7), None),
            (json!(7.5), None),
            (json!("7a"), None),
            (json!(""), None),
            (json!(true), None),
        ] {
            assert_eq!(positive(&value), expected, "{value}");
        }
    }
}
