//! What a token says (http-api 3.4).

use serde_json::{Map, Value};

use super::Refusal;

/// The claims of a token whose signature is right.
#[derive(Clone, PartialEq)]
pub(super) struct Claims {
    /// Who issued it.
    pub(super) issuer: Option<String>,
    /// The GitLab instance; in our own tokens the user.
    pub(super) subject: Option<String>,
    /// Until when, in seconds since 1970.
    pub(super) expires: i64,
    /// What its bearer may do.
    pub(super) scopes: Vec<String>,
    /// `self-managed` or `saas`.
    pub(super) realm: Option<String>,
    /// The GitLab instance, where the token names it apart from its subject.
    pub(super) instance_id: Option<String>,
    /// The GitLab instance's other identifier.
    pub(super) instance_uid: Option<String>,
    /// How many seats were bought.
    pub(super) seat_count: Option<String>,
    /// All others.
    pub(super) extra: Map<String, Value>,
}

impl Claims {
    /// Reads the claims, and judges those of time and audience. `now` is in seconds since 1970.
    /// Stricter than the reference: `exp` and `aud` have to be there (http-api 8, row 11).
    pub(super) fn read(payload: &[u8], audience: &str, now: i64) -> Result<Self, Refusal> {
        let mut claims: Map<String, Value> = serde_json::from_slice(payload)
            .map_err(|_| Refusal::Malformed("its claims are no JSON object"))?;
        let expires = time(&mut claims, "exp")?
            .ok_or(Refusal::Malformed("it has no time of expiry (exp)"))?;
        let begins = time(&mut claims, "nbf")?;
        time(&mut claims, "iat")?;
        if !is_current(expires, now) {
            return Err(Refusal::Expired);
        }
        if begins.is_some_and(|begins| begins > now.saturating_add(LEEWAY_SECONDS)) {
            return Err(Refusal::NotYetValid);
        }
        if !names(claims.remove("aud"), audience) {
            return Err(Refusal::Audience);
        }
        text(&mut claims, "jti")?;
        Ok(Self {
            issuer: text(&mut claims, "iss")?,
            subject: text(&mut claims, "sub")?,
            expires,
            scopes: scopes(claims.remove("scopes")),
            realm: text(&mut claims, "gitlab_realm")?,
            instance_id: text(&mut claims, "gitlab_instance_id")?,
            instance_uid: text(&mut claims, "gitlab_instance_uid")?,
            seat_count: number_or_text(claims.remove("duo_seat_count")),
            extra: claims,
        })
    }
}

/// Whether a time of expiry lies ahead, clocks that differ forgiven.
fn is_current(expires: i64, now: i64) -> bool {
    expires.saturating_add(LEEWAY_SECONDS) > now
}

/// A whole number of seconds; `null` is absence.
fn time(claims: &mut Map<String, Value>, name: &str) -> Result<Option<i64>, Refusal> {
    match claims.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_i64().map(Some).ok_or(Refusal::Malformed(
            "one of its times is no whole number of seconds",
        )),
    }
}

/// A text; `null` is absence, and so is the empty one, which everybody means so.
fn text(claims: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match claims.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(Refusal::Malformed("one of its claims is no text")),
    }
}

/// Counts are numbers in some tokens and texts in others.
fn number_or_text(value: Option<Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether an audience, one or a list, is ours.
fn names(audience: Option<Value>, wanted: &str) -> bool {
    match audience {
        Some(Value::String(name)) => name == wanted,
        Some(Value::Array(names)) => names.iter().any(|name| name == wanted),
        _ => false,
    }
}

/// A list of permissions, or one text with spaces between them; whole words either way.
fn scopes(value: Option<Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(values)) => values
            .into_iter()
            .filter_map(|value| match value {
                Value::String(name) => Some(name),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Clocks of two machines differ by that much without anybody noticing; GitLab allows as much.
const LEEWAY_SECONDS: i64 = 5;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn read(changes: &Value) -> Result<Claims, Refusal> {
        let mut claims = json!({
            "iss": "https://gitlab.example.com", "sub": "instance", "aud": ["a", "us"],
            "exp": NOW + 60, "nbf": NOW - 5, "iat": NOW, "jti": "1", "scopes": ["one", "two"],
            "gitlab_realm": "self-managed", "duo_seat_count": 7, "skip_usage_cutoff": true,
        });
        for (name, value) in changes.as_object().unwrap() {
            if value == "absent" {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        Claims::read(claims.to_string().as_bytes(), "us", NOW)
    }

    #[test]
    fn claims_of_gitlab_are_read() {
        let claims = read(&json!({})).expect("they are sound");
        assert_eq!(claims.subject.as_deref(), Some("instance"));
        assert_eq!(claims.scopes, ["one", "two"]);
        assert_eq!(claims.seat_count.as_deref(), Some("7"));
        assert_eq!(
            claims.extra,
            *json!({"skip_usage_cutoff": true}).as_object().unwrap()
        );
        assert_eq!(claims.instance_id, None);
    }

    #[test]
    fn times_count_with_five_seconds_of_leeway() {
        for (changes, expected) in [
            (json!({"exp": NOW - 4}), None),
            (json!({"exp": NOW - 5}), Some(Refusal::Expired)),
            (json!({"exp": i64::MAX}), None),
            (json!({"exp": i64::MIN}), Some(Refusal::Expired)),
            (json!({"nbf": NOW + 5}), None),
            (json!({"nbf": NOW + 6}), Some(Refusal::NotYetValid)),
            (json!({"nbf": "absent", "iat": "absent"}), None),
            (json!({"iat": NOW + 9999}), None),
        ] {
            assert_eq!(read(&changes).err(), expected, "{changes}");
        }
    }

    #[test]
    fn what_has_to_be_there_and_of_which_type() {
        for changes in [
            json!({"exp": "absent"}),
            json!({"exp": null}),
            json!({"exp": "1900000000"}),
            json!({"exp": 1.9e9}),
            json!({"nbf": "x"}),
            json!({"iat": [1]}),
            json!({"sub": 1}),
            json!({"jti": {}}),
            json!({"iss": ["us"]}),
            json!({"gitlab_realm": 5}),
        ] {
            assert!(
                matches!(read(&changes), Err(Refusal::Malformed(_))),
                "{changes}"
            );
        }
        for audience in [
            json!("absent"),
            json!(null),
            json!("other"),
            json!([]),
            json!([["us"]]),
        ] {
            let changes = json!({"aud": audience});
            assert_eq!(read(&changes).err(), Some(Refusal::Audience), "{changes}");
        }
        assert!(read(&json!({"aud": "us", "sub": null, "jti": null})).is_ok());
        for payload in ["", "[]", "1", "{\"exp\":", "\u{0}"] {
            let refused = Claims::read(payload.as_bytes(), "us", NOW).err();
            assert!(matches!(refused, Some(Refusal::Malformed(_))), "{payload}");
        }
        let deep = format!("{{\"exp\":{}1{}}}", "[".repeat(9000), "]".repeat(9000));
        assert!(Claims::read(deep.as_bytes(), "us", NOW).is_err());
    }

    #[test]
    fn permissions_are_whole_words() {
        let scopes = |value: Value| read(&json!({"scopes": value})).unwrap().scopes;
        assert_eq!(scopes(json!("a bc")), ["a", "bc"]);
        assert_eq!(scopes(json!(["a", 1, null, "b c"])), ["a", "b c"]);
        assert_eq!(scopes(json!({"a": 1})), [""; 0]);
    }
}
