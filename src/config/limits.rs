//! Every bound of the process by name, with its default and the reason for it.

use std::time::Duration;

/// Bounds; each field is a key under `limits:`, durations with `_seconds` behind the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A TLS handshake that takes longer is not a client of ours: 10 s.
    pub tls_handshake: Duration,
    /// From the first byte of a request head to its last, and from connect to a first head: 10 s.
    pub request_head: Duration,
    /// The pause a request body may make: 60 s. Not on gRPC and WebSocket.
    pub request_body_idle: Duration,
    /// Below this many bytes per second, counted after `request_body_rate_after`, an upload is an
    /// attack on memory: 256.
    pub request_body_minimum_rate: u64,
    /// Slow starts are forgiven this long: 30 s.
    pub request_body_rate_after: Duration,
    /// The pause a client may make in taking an answer that waits for it: 60 s. It holds a
    /// connection to the upstream and a place among `requests_in_flight`. Not on gRPC and
    /// WebSocket, where an agent may be busy for as long as it likes.
    pub response_body_idle: Duration,
    /// An idle kept-alive connection is closed after 5 minutes.
    pub keep_alive_idle: Duration,
    /// A PROXY header has to come at once: 5 s.
    pub proxy_header: Duration,
    /// Connecting to an upstream: 5 s; it is a neighbour.
    pub upstream_connect: Duration,
    /// GitLab's longest timeout is 600 s, so an answer's head may take that long; on gRPC, where
    /// it may come with the first message, `upstream_stream_idle` counts.
    pub upstream_headers: Duration,
    /// The pause of an upstream's answer: 600 s.
    pub upstream_idle: Duration,
    /// The same on gRPC, WebSocket, SSE and NDJSON, where reasoning models fall silent: 1 h.
    pub upstream_stream_idle: Duration,
    /// A kept HTTP/1 connection to an upstream that idles this long is closed: 4 s. uvicorn, which
    /// serves the official gateway, closes its own after 5 s, and a request that meets that close is
    /// lost.
    pub upstream_keep_alive_idle: Duration,
    /// Connections are replaced after 5 minutes so that a moved name is noticed.
    pub upstream_connection_age: Duration,
    /// Connections to one upstream at once: 1 024; more only queue inside it.
    pub upstream_connections: usize,
    /// Bytes of a request head: 64 KiB. GitLab's metadata carries two tokens and a model's JSON.
    pub request_head_bytes: usize,
    /// Fields of a request head: 200.
    pub request_head_fields: usize,
    /// Bytes of a request target: 16 KiB.
    pub request_target_bytes: usize,
    /// Bytes of a body on the API door: 32 MiB; Rails sends at most a few.
    pub api_body_bytes: u64,
    /// Open connections of all clients: 50 000.
    pub connections: usize,
    /// Open connections of one IPv4 address or IPv6 /64: 1 024.
    pub connections_per_client: usize,
    /// Streams of one HTTP/2 connection: 250.
    pub http2_streams: u32,
    /// Streams one HTTP/2 client may reset within `http2_reset_window`: 100.
    pub http2_resets: u32,
    /// The window of `http2_resets`: 10 s.
    pub http2_reset_window: Duration,
    /// Requests in flight over all doors: 8 192, several times the useful peak.
    pub requests_in_flight: usize,
    /// A stream of the agent platform that says nothing for 5 minutes after it was opened: whoever
    /// opens one has something to begin.
    pub agent_first_event: Duration,
    /// Turns of the agent platform at once: 4 096. Each holds its session's state, of a few hundred
    /// kilobytes as a rule and some megabytes at most.
    pub agent_sessions: usize,
    /// Actions of one turn that wait for the client's answer: 64. More wait inside; clients carry
    /// them out one by one.
    pub agent_outstanding_actions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tls_handshake: Duration::from_secs(10),
            request_head: Duration::from_secs(10),
            request_body_idle: Duration::from_secs(60),
            request_body_minimum_rate: 256,
            request_body_rate_after: Duration::from_secs(30),
            response_body_idle: Duration::from_secs(60),
            keep_alive_idle: Duration::from_secs(300),
            proxy_header: Duration::from_secs(5),
            upstream_connect: Duration::from_secs(5),
            upstream_headers: Duration::from_secs(600),
            upstream_idle: Duration::from_secs(600),
            upstream_stream_idle: Duration::from_secs(3600),
            upstream_keep_alive_idle: Duration::from_secs(4),
            upstream_connection_age: Duration::from_secs(300),
            upstream_connections: 1024,
            request_head_bytes: 64 * 1024,
            request_head_fields: 200,
            request_target_bytes: 16 * 1024,
            api_body_bytes: 32 * 1024 * 1024,
            connections: 50_000,
            connections_per_client: 1024,
            http2_streams: 250,
            http2_resets: 100,
            http2_reset_window: Duration::from_secs(10),
            requests_in_flight: 8192,
            agent_first_event: Duration::from_secs(300),
            agent_sessions: 4096,
            agent_outstanding_actions: 64,
        }
    }
}
