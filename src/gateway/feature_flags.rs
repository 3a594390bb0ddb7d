//! Feature flags that GitLab names in a header, and that answers report back.

use http::HeaderMap;

/// Names as they were given, each once (http-api 4.4): split at commas, not trimmed; a header
/// that is present and empty holds one empty name; an absent one none.
pub(super) fn feature_flags(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    let values = headers.get_all(HEADER).iter();
    for value in values.filter_map(|value| value.to_str().ok()) {
        for name in value.split(',') {
            if names.len() < MAXIMUM && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

const HEADER: &str = "x-gitlab-enabled-feature-flags";

/// GitLab names a dozen; the answer repeats them, so they are bounded.
const MAXIMUM: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_as_given() {
        let given = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, http::HeaderValue::from_static(value));
            }
            feature_flags(&headers)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(given(&[]), [""; 0]);
        assert_eq!(given(&[""]), [""]);
        assert_eq!(given(&["a, b,a", "c"]), ["a", " b", "c"]);
    }
}
