//! The keys under `limits:`, one for each field of [`super::Limits`].
//!
//! The defaults and their reasons stand at the fields. The ranges here keep a slip of the finger
//! from stopping all traffic or from lifting a bound altogether.

use super::key::{DefaultValue, Key, Kind};

/// A bound in seconds or as a number, from a least to a greatest value.
macro_rules! limit {
    (seconds $field:ident, $minimum:literal..=$maximum:literal, $about:literal) => {
        Key::new(
            concat!("limits.", stringify!($field), "_seconds"),
            Kind::Number {
                minimum: $minimum,
                maximum: $maximum,
            },
            DefaultValue::Limit(|limits| limits.$field.as_secs()),
            $about,
            |config, input| input.seconds().map(|value| config.limits.$field = value),
        )
    };
    (number $field:ident, $minimum:literal..=$maximum:literal, $about:literal) => {
        Key::new(
            concat!("limits.", stringify!($field)),
            Kind::Number {
                minimum: $minimum,
                maximum: $maximum,
            },
            // a usize or a u32 of a default always fits
            DefaultValue::Limit(|limits| u64::try_from(limits.$field).unwrap_or(u64::MAX)),
            $about,
            |config, input| input.number().map(|value| config.limits.$field = value),
        )
    };
}

/// Every bound.
pub(super) static LIMITS: &[Key] = &[
    limit!(seconds tls_handshake, 1..=300, "The time for a TLS handshake."),
    limit!(
        seconds request_head, 1..=300,
        "From the first byte of a request head to its last, and from connect to a first head."
    ),
    limit!(
        seconds request_body_idle, 1..=3600,
        "The pause a request body may make. Not on gRPC and WebSocket."
    ),
    limit!(
        number request_body_minimum_rate, 0..=1_048_576,
        "Bytes per second below which an upload is cut, once request_body_rate_after_seconds have \
         passed; 0 turns it off."
    ),
    limit!(
        seconds request_body_rate_after, 1..=3600,
        "How long a slow start of an upload is forgiven."
    ),
    limit!(
        seconds response_body_idle, 1..=86_400,
        "The pause a client may make in taking an answer that waits for it. Not on gRPC and WebSocket."
    ),
    limit!(
        seconds keep_alive_idle, 1..=86_400,
        "The idle time after which a kept-alive connection is closed."
    ),
    limit!(seconds proxy_header, 1..=60, "The time for a PROXY header."),
    limit!(seconds upstream_connect, 1..=120, "The time for connecting to an upstream."),
    limit!(
        seconds upstream_headers, 1..=86_400,
        "The time an upstream has for the head of its answer, but on gRPC. GitLab's longest timeout is 600."
    ),
    limit!(seconds upstream_idle, 1..=86_400, "The pause of an upstream's answer."),
    limit!(
        seconds upstream_stream_idle, 1..=604_800,
        "The same on gRPC, WebSocket, SSE and NDJSON, where reasoning models fall silent."
    ),
    limit!(
        seconds upstream_keep_alive_idle, 1..=3600,
        "The idle time after which a kept HTTP/1 connection to an upstream is closed. Keep it below \
         the upstream's own; uvicorn's is 5."
    ),
    limit!(
        seconds upstream_connection_age, 1..=86_400,
        "The age at which an upstream connection is replaced, so that a moved name is noticed."
    ),
    limit!(number upstream_connections, 1..=65_535, "Connections to one upstream at once."),
    limit!(number request_head_bytes, 8192..=1_048_576, "Bytes of a request head."),
    limit!(number request_head_fields, 16..=1000, "Fields of a request head."),
    limit!(number request_target_bytes, 256..=65_536, "Bytes of a request target."),
    limit!(number api_body_bytes, 1024..=1_073_741_824, "Bytes of a body on the API door."),
    limit!(number connections, 1..=1_000_000, "Open connections of all clients."),
    limit!(
        number connections_per_client, 1..=1_000_000,
        "Open connections of one IPv4 address or IPv6 /64; trusted proxies are exempt."
    ),
    limit!(number http2_streams, 1..=10_000, "Streams of one HTTP/2 connection."),
    limit!(
        number http2_resets, 1..=100_000,
        "Streams one HTTP/2 client may reset within http2_reset_window_seconds."
    ),
    limit!(seconds http2_reset_window, 1..=3600, "The window of http2_resets."),
    limit!(
        number requests_in_flight, 1..=1_000_000,
        "Requests in flight over all doors; more get 429."
    ),
    limit!(
        seconds agent_first_event, 1..=86_400,
        "The time in which a stream of the built-in agent platform has to say what it is for."
    ),
    limit!(
        number agent_sessions, 1..=1_000_000,
        "Turns of the built-in agent platform at once; more get UNAVAILABLE."
    ),
    limit!(
        number agent_outstanding_actions, 1..=1024,
        "Actions of one turn that wait for its client's answer; more wait inside."
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_default_is_in_its_range() {
        for key in LIMITS {
            let Kind::Number { minimum, maximum } = key.kind else {
                panic!("{} is no number", key.path);
            };
            let default = key.default.text(crate::config::Mode::Public);
            let default: u64 = default.parse().expect("a number");
            assert!((minimum..=maximum).contains(&default), "{}", key.path);
        }
    }

    #[test]
    fn each_field_has_its_key() {
        let fields = format!("{:?}", crate::config::Limits::default());
        let fields = fields.split(": ").count() - 1;
        assert_eq!(fields, LIMITS.len());
    }
}
