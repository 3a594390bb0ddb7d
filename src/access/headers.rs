//! What a request says of its caller beside the token (http-api 3.2, 3.5).

use http::{HeaderMap, header};

use super::{AuthenticationError, claims::Claims};

/// The token out of the headers: rules 1 to 3, in their order.
pub(super) fn bearer(headers: &HeaderMap) -> Result<&[u8], AuthenticationError> {
    let value = headers
        .get(header::AUTHORIZATION)
        .ok_or(AuthenticationError::NoAuthorization)?
        .as_bytes();
    let space = value.iter().position(|byte| *byte == b' ');
    let (scheme, token) = match space {
        Some(space) => (
            value.get(..space).unwrap_or_default(),
            value.get(space + 1..).unwrap_or_default(),
        ),
        None => (value, &b""[..]),
    };
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return Err(AuthenticationError::NotBearer);
    }
    if text(headers, AUTHENTICATION_TYPE) != Some(b"oidc") {
        return Err(AuthenticationError::NotOidc);
    }
    Ok(token)
}

/// Whether a token was made for whom the headers name: rules 5 to 7, in their order. An empty or
/// missing claim is not compared.
pub(super) fn compare(
    claims: &Claims,
    is_issued_by_us: bool,
    headers: &HeaderMap,
) -> Result<(), AuthenticationError> {
    let subject_header = if is_issued_by_us {
        GLOBAL_USER_ID
    } else {
        INSTANCE_ID
    };
    for (claim, name) in [
        (&claims.realm, REALM),
        (&claims.instance_id, INSTANCE_ID),
        (&claims.subject, subject_header),
    ] {
        if let Some(claim) = claim
            && text(headers, name) != Some(claim.as_bytes())
        {
            return Err(AuthenticationError::Mismatch(name));
        }
    }
    seats(claims, headers);
    Ok(())
}

/// The same for the agent platform (agent-platform 2.3), whose rules differ: the instance comes
/// first, an instance that the token names has to be its subject too, and the realm is compared
/// whether or not the token names one.
pub(super) fn compare_agent(
    claims: &Claims,
    is_issued_by_us: bool,
    headers: &HeaderMap,
) -> Result<(), AuthenticationError> {
    let is = |claim: &Option<String>, name: &str| {
        let header = text(headers, name).filter(|value| !value.is_empty());
        header == claim.as_deref().map(str::as_bytes)
    };
    let mismatch = |name| Err(AuthenticationError::Mismatch(name));
    if claims.instance_id.is_some() {
        let subject_differs = !is_issued_by_us && claims.subject != claims.instance_id;
        if subject_differs || !is(&claims.instance_id, INSTANCE_ID) {
            return mismatch(INSTANCE_ID);
        }
    }
    if !is(&claims.realm, REALM) {
        return mismatch(REALM);
    }
    if is_issued_by_us && !is(&claims.subject, GLOBAL_USER_ID) {
        return mismatch(GLOBAL_USER_ID);
    }
    Ok(())
}

/// A difference is told and nothing more.
fn seats(claims: &Claims, headers: &HeaderMap) {
    let Some(claim) = &claims.seat_count else {
        return;
    };
    match text(headers, SEAT_COUNT) {
        None => tracing::debug!("Header is missing: '{SEAT_COUNT}'"),
        Some(header) if header != claim.as_bytes() => {
            tracing::debug!("Header mismatch '{SEAT_COUNT}'");
        }
        Some(_) => {}
    }
}

/// Whether the request came through a proxy: then it is not from this machine.
pub(super) fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.contains_key(header::FORWARDED) || headers.contains_key("x-forwarded-for")
}

/// Whether it asks to be let in without a token (http-api 3.7).
pub(super) fn asks_for_bypass(headers: &HeaderMap) -> bool {
    text(headers, "Bypass-Auth") == Some(b"true")
}

/// A value as text, for tokens that we issue.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value).filter(|value| !value.is_empty())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    headers.get(name).map(http::HeaderValue::as_bytes)
}

/// Names as the texts of the wire spell them; they are looked up in any case.
const AUTHENTICATION_TYPE: &str = "X-Gitlab-Authentication-Type";
pub(super) const REALM: &str = "X-Gitlab-Realm";
pub(super) const INSTANCE_ID: &str = "X-Gitlab-Instance-Id";
pub(super) const GLOBAL_USER_ID: &str = "X-Gitlab-Global-User-Id";
const SEAT_COUNT: &str = "X-Gitlab-Duo-Seat-Count";

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use serde_json::{Value, json};

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let name: HeaderName = name.parse().expect("a name");
            (name, value.parse().expect("a value"))
        });
        pairs.collect()
    }

    /// Headers, and the token or the text that follows.
    type Case<'a> = (&'a [(&'a str, &'a str)], Result<&'a str, &'a str>);

    #[test]
    fn what_is_presented_is_judged_in_the_order_of_the_contract() {
        let presented = |pairs: &[(&str, &str)]| {
            bearer(&headers(pairs))
                .map(<[u8]>::to_vec)
                .map_err(|error| error.to_string())
        };
        let oidc = ("x-gitlab-authentication-type", "oidc");
        let cases: &[Case<'_>] = &[
            (&[], Err("No authorization header presented")),
            (&[oidc], Err("No authorization header presented")),
            (
                &[("authorization", "")],
                Err("Invalid authorization header"),
            ),
            (
                &[("authorization", "Basic x"), oidc],
                Err("Invalid authorization header"),
            ),
            (
                &[("authorization", "Bearerx"), oidc],
                Err("Invalid authorization header"),
            ),
            (
                &[("authorization", "Bearer x")],
                Err("Invalid authentication token type - only OIDC is supported"),
            ),
            (
                &[
                    ("authorization", "Bearer x"),
                    ("x-gitlab-authentication-type", "OIDC"),
                ],
                Err("Invalid authentication token type - only OIDC is supported"),
            ),
            (&[("authorization", "bEARER x.y z"), oidc], Ok("x.y z")),
            (&[("authorization", "Bearer"), oidc], Ok("")),
            (&[("authorization", "Bearer "), oidc], Ok("")),
            (&[("authorization", "Bearer  x"), oidc], Ok(" x")),
        ];
        for (pairs, expected) in cases {
            let expected = expected
                .map(|token| token.as_bytes().to_vec())
                .map_err(str::to_owned);
            assert_eq!(presented(pairs), expected, "{pairs:?}");
        }
    }

    fn compared(claims: &Value, own: bool, pairs: &[(&str, &str)]) -> Result<(), String> {
        let mut all = json!({ "exp": 100, "aud": "us" });
        for (name, value) in claims.as_object().unwrap() {
            all[name] = value.clone();
        }
        let claims = Claims::read(all.to_string().as_bytes(), "us", 0).unwrap();
        compare(&claims, own, &headers(pairs)).map_err(|error| error.to_string())
    }

    #[test]
    fn realm_then_instance_then_subject_are_compared() {
        let claims = json!({ "gitlab_realm": "saas", "gitlab_instance_id": "i", "sub": "s" });
        let mismatch = |name: &str| Err(format!("Header mismatch '{name}'"));
        let check = |own, pairs: &[(&str, &str)]| compared(&claims, own, pairs);
        assert_eq!(check(false, &[]), mismatch("X-Gitlab-Realm"));
        let realm = ("x-gitlab-realm", "saas");
        assert_eq!(
            check(false, &[("x-gitlab-realm", "SaaS")]),
            mismatch("X-Gitlab-Realm")
        );
        assert_eq!(check(false, &[realm]), mismatch("X-Gitlab-Instance-Id"));
        let instance = ("x-gitlab-instance-id", "i");
        // the instance is right, the subject is another one
        assert_eq!(
            check(false, &[realm, instance]),
            mismatch("X-Gitlab-Instance-Id")
        );
        assert_eq!(
            check(true, &[realm, instance]),
            mismatch("X-Gitlab-Global-User-Id")
        );
        let user = ("x-gitlab-global-user-id", "s");
        assert_eq!(check(true, &[realm, instance, user]), Ok(()));
        // a token of ours is for one instance and one user
        assert_eq!(
            check(true, &[realm, user]),
            mismatch("X-Gitlab-Instance-Id")
        );
        let same = json!({ "gitlab_realm": "saas", "gitlab_instance_id": "i", "sub": "i" });
        assert_eq!(compared(&same, false, &[realm, instance]), Ok(()));
    }

    #[test]
    fn empty_claims_are_not_compared() {
        let claims = json!({ "gitlab_realm": "", "gitlab_instance_id": null, "sub": "" });
        assert_eq!(
            compared(&claims, false, &[("x-gitlab-realm", "saas")]),
            Ok(())
        );
        let seats = json!({ "duo_seat_count": 5 });
        assert_eq!(
            compared(&seats, false, &[("x-gitlab-duo-seat-count", "6")]),
            Ok(())
        );
    }
}
