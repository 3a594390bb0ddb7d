//! What is changed in the head of an answer before it goes on.

use http::{Extensions, HeaderMap, Version, header, response::Parts};

use super::fields::{add_via, remove_hop_by_hop};

/// Makes the head of an upstream's answer that of ours. Server, Date and the rest stay.
pub(super) fn rewrite(parts: &mut Parts) {
    remove_hop_by_hop(&mut parts.headers);
    add_via(&mut parts.headers, parts.version);
    // Our own connection chooses its version.
    parts.version = Version::HTTP_11;
    parts.extensions = Extensions::new();
}

/// True for answers that may fall silent for long without being dead: events and lines.
pub(super) fn is_stream(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return false;
    };
    let Ok(text) = value.to_str() else {
        return false;
    };
    let kind = text.split(';').next().unwrap_or(text).trim();
    STREAMS
        .iter()
        .any(|stream| kind.eq_ignore_ascii_case(stream))
}

/// Content types of server-sent events and of JSON lines under each name in use.
const STREAMS: [&str; 5] = [
    "text/event-stream",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/grpc",
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn streams_are_known_by_their_content_type() {
        for (kind, stream) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            ("application/x-ndjson", true),
            ("application/json", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(is_stream(&headers), stream, "{kind}");
        }
        assert!(!is_stream(&HeaderMap::new()));
    }
}
