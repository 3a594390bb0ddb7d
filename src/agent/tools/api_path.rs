//! A path of GitLab's REST API that somebody wrote whole.

use percent_encoding::percent_decode_str;

use super::{Endpoint, ToolError};

/// Reads a path and writes it anew, every segment encoded. It has to stay under [`API`], whatever
/// is encoded in it and however often.
pub(super) fn endpoint(said: &str) -> Result<Endpoint, ToolError> {
    let refused = |fault: &str| ToolError::Argument(format!("endpoint {fault}"));
    let path = said.trim().strip_prefix(API).ok_or_else(|| {
        refused("must begin with /api/v4/, such as /api/v4/projects/7/issues, without a host")
    })?;
    if path.contains(['?', '#']) {
        return Err(refused("must have no query; put it into params"));
    }
    let mut segments = Vec::new();
    for segment in path.trim_end_matches('/').split('/') {
        let segment = percent_decode_str(segment).decode_utf8();
        let segment = segment.map_err(|_| refused("has an encoding that is no UTF-8"))?;
        if !stays(&segment) {
            return Err(refused(
                "must name its place straight: no empty parts, no . and no .., also encoded",
            ));
        }
        segments.push(segment);
    }
    // work items of projects have no REST API of their own; issues are those that have one
    if let [projects, _, kind, ..] = segments.as_mut_slice()
        && projects == "projects"
        && kind == "work_items"
    {
        *kind = "issues".into();
    }
    let root = Endpoint::root();
    Ok(segments.iter().fold(root, Endpoint::segment))
}

/// Whether a segment leads nowhere else, even where somebody decodes it again.
fn stays(segment: &str) -> bool {
    let mut segment = segment.to_owned();
    for _ in 0..DECODED {
        let climbs = |part: &str| matches!(part, "" | "." | "..");
        if segment.chars().any(char::is_control) || segment.split(['/', '\\']).any(climbs) {
            return false;
        }
        let decoded = percent_decode_str(&segment)
            .decode_utf8_lossy()
            .into_owned();
        if decoded == segment {
            return true;
        }
        segment = decoded;
    }
    false
}

/// Where all paths begin.
pub(super) const API: &str = "/api/v4/";

/// What is encoded more often than this is no path that anybody means.
const DECODED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_under_the_api() {
        for (said, path) in [
            ("/api/v4/user", "/api/v4/user"),
            (" /api/v4/projects/7/ ", "/api/v4/projects/7"),
            (
                "/api/v4/projects/team%2Fedge/issues",
                "/api/v4/projects/team%2Fedge/issues",
            ),
            (
                "/api/v4/projects/7/repository/files/a b%2fc..d.rs/raw",
                "/api/v4/projects/7/repository/files/a%20b%2Fc..d.rs/raw",
            ),
            (
                "/api/v4/projects/7/work_items/3/notes",
                "/api/v4/projects/7/issues/3/notes",
            ),
            ("/api/v4/groups/7/work_items", "/api/v4/groups/7/work_items"),
            (
                "/api/v4/projects/7/labels/100%25",
                "/api/v4/projects/7/labels/100%25",
            ),
        ] {
            let endpoint = endpoint(said).unwrap();
            assert_eq!(endpoint.as_str(), path, "{said}");
        }
        for said in [
            "",
            "user",
            "/api/v4",
            "/api/v4/",
            "/api/v3/user",
            "/API/V4/user",
            "https://gitlab.test/api/v4/user",
            "//evil.test/api/v4/user",
            "/api/v4/user?private_token=x",
            "/api/v4/user#x",
            "/api/v4/../graphql",
            "/api/v4/projects/../../graphql",
            "/api/v4/%2e%2e/graphql",
            "/api/v4/%2E./graphql",
            "/api/v4/%252e%252e/graphql",
            "/api/v4/%25252e%25252e/graphql",
            "/api/v4/%2525252525252e/graphql",
            "/api/v4/projects/a%2F..%2F..%2Fb",
            "/api/v4/projects/a%5c..%5cb",
            "/api/v4/./user",
            "/api/v4//user",
            "/api/v4/user%00",
            "/api/v4/us\ner",
            "/api/v4/user\r\nHost: x",
            "/api/v4/%ff",
        ] {
            assert!(endpoint(said).is_err(), "{said}");
        }
    }
}
