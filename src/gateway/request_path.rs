//! The path that routes are looked up by.

use std::borrow::Cow;

/// The path of a request: decoded, since GitLab writes `/v1/prompts/model_configuration%2Fcheck`
/// with a literal `%2F` (gitlab-clients 1.4), and without the `/ai` that clients made for GitLab's
/// cloud put before it (gitlab-clients 1.6).
pub(super) fn request_path(path: &str) -> Cow<'_, str> {
    let decoded = if path.contains('%') {
        // What is no UTF-8 names no route of ours, so it may be replaced.
        percent_encoding::percent_decode_str(path).decode_utf8_lossy()
    } else {
        Cow::Borrowed(path)
    };
    match decoded {
        Cow::Borrowed(path) => Cow::Borrowed(without_cloud(path)),
        Cow::Owned(path) if path.starts_with(CLOUD) => Cow::Owned(without_cloud(&path).to_owned()),
        Cow::Owned(path) => Cow::Owned(path),
    }
}

fn without_cloud(path: &str) -> &str {
    match path.strip_prefix(CLOUD) {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

/// Where the cloud service has its gateway.
const CLOUD: &str = "/ai";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_and_freed_of_the_clouds_prefix() {
        for (given, expected) in [
            ("/v1/prompts/a/b", "/v1/prompts/a/b"),
            ("/v1/prompts/a%2Fb", "/v1/prompts/a/b"),
            ("/v1/prompts/a%2fb", "/v1/prompts/a/b"),
            ("/v1%2Fmodels%2Fdefinitions", "/v1/models/definitions"),
            ("/ai/v2/code/completions", "/v2/code/completions"),
            ("/ai%2Fv2/code/completions", "/v2/code/completions"),
            ("/aim", "/aim"),
            ("/ai", "/ai"),
            ("/%", "/%"),
            ("/%ff", "/\u{fffd}"),
        ] {
            assert_eq!(request_path(given), expected, "{given}");
        }
    }
}
