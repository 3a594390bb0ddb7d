//! Every rule of the gate: what it answers and says.

use http::StatusCode;

/// A rule of HTTP/1 that a client broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct GateViolation {
    /// The name of its constant, for metrics.
    pub rule: &'static str,
    /// The status of the answer.
    pub status: StatusCode,
    /// One sentence for the client and the log; never anything the client sent.
    pub detail: &'static str,
}

/// What the gate's hook is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateVerdict {
    /// The name of the rule, `HOST_MISSING`.
    pub rule: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// Which rule was broken, as a sentence.
    pub reason: &'static str,
}

impl From<GateViolation> for GateVerdict {
    fn from(violation: GateViolation) -> Self {
        Self {
            rule: violation.rule,
            status: violation.status.as_u16(),
            reason: violation.detail,
        }
    }
}

macro_rules! violations {
    ($($name:ident = $status:ident, $detail:literal;)*) => {
        impl GateViolation {
            $(
                #[doc = $detail]
                pub const $name: Self = Self {
                    rule: stringify!($name),
                    status: StatusCode::$status,
                    detail: $detail,
                };
            )*
        }
    };
}

violations! {
    // Lines
    BARE_LINE_FEED = BAD_REQUEST, "A line of the request head ends in a bare line feed; end lines with CRLF.";
    BARE_CARRIAGE_RETURN = BAD_REQUEST, "The request head contains a bare carriage return.";
    LEADING_LINES = BAD_REQUEST, "More than one empty line precedes the request.";
    HEAD_TOO_LARGE = REQUEST_HEADER_FIELDS_TOO_LARGE, "The request head is too large.";
    TOO_MANY_FIELDS = REQUEST_HEADER_FIELDS_TOO_LARGE, "The request head has too many fields.";
    HEAD_TIMEOUT = REQUEST_TIMEOUT, "The request head did not arrive in time.";
    // Request line
    REQUEST_LINE = BAD_REQUEST, "The request line is not a method, a target and a version with single spaces between.";
    METHOD = BAD_REQUEST, "The request method is not a token of at most 32 characters.";
    CONNECT = BAD_REQUEST, "This server is not a tunnel: CONNECT is refused.";
    TARGET = BAD_REQUEST, "The request target is neither a path, nor an http or https URL, nor an asterisk with OPTIONS.";
    TARGET_CHARACTER = BAD_REQUEST, "The request target contains a character that URLs must not contain; percent-encode it.";
    TARGET_FRAGMENT = BAD_REQUEST, "The request target contains a fragment.";
    TARGET_TOO_LONG = URI_TOO_LONG, "The request target is too long.";
    TARGET_AUTHORITY = BAD_REQUEST, "The request target names another host than the Host field.";
    VERSION = BAD_REQUEST, "The request line does not end in an HTTP version.";
    VERSION_UNSUPPORTED = HTTP_VERSION_NOT_SUPPORTED, "This connection speaks HTTP/1.1 and HTTP/1.0 only.";
    // Fields
    FOLDED_LINE = BAD_REQUEST, "A field of the request head begins with white space; folded lines are refused.";
    FIELD_COLON = BAD_REQUEST, "A line of the request head has no colon.";
    FIELD_NAME = BAD_REQUEST, "A field name of the request head is empty or contains a character that is not allowed.";
    FIELD_VALUE = BAD_REQUEST, "A field value of the request head contains a control character.";
    HOST_MISSING = BAD_REQUEST, "The request has no Host field.";
    HOST_REPEATED = BAD_REQUEST, "The request has more than one Host field.";
    HOST = BAD_REQUEST, "The Host field is not a host name or address with an optional port.";
    CONTENT_LENGTH = BAD_REQUEST, "The Content-Length field is not a plain decimal number.";
    CONTENT_LENGTH_REPEATED = BAD_REQUEST, "The request has more than one Content-Length field.";
    TRANSFER_ENCODING = BAD_REQUEST, "The Transfer-Encoding field is not exactly chunked.";
    TRANSFER_ENCODING_REPEATED = BAD_REQUEST, "The request has more than one Transfer-Encoding field.";
    TRANSFER_ENCODING_VERSION = BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding.";
    BOTH_LENGTHS = BAD_REQUEST, "The request has both Content-Length and Transfer-Encoding.";
    EXPECT = EXPECTATION_FAILED, "The only expectation this server meets is 100-continue.";
    // Chunked bodies
    CHUNK_SIZE = BAD_REQUEST, "A chunk size is not a hexadecimal number.";
    CHUNK_SIZE_OVERFLOW = BAD_REQUEST, "A chunk size is too large.";
    CHUNK_EXTENSION = BAD_REQUEST, "A chunk extension is malformed.";
    CHUNK_EXTENSION_LENGTH = BAD_REQUEST, "A chunk extension is too long.";
    CHUNK_LINE_END = BAD_REQUEST, "A line of the chunked body does not end in CRLF.";
    CHUNK_DATA_END = BAD_REQUEST, "A chunk is longer than its size says.";
    TRAILER = BAD_REQUEST, "A trailer field is malformed.";
    TRAILER_FORBIDDEN = BAD_REQUEST, "A trailer field is one that must stand in the head.";
    TRAILERS_TOO_LARGE = REQUEST_HEADER_FIELDS_TOO_LARGE, "The trailers are too large.";
}
