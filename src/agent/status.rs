//! What a failure looks like on gRPC.

use tonic::{Code, Status};

use crate::{access::AuthenticationError, foundation::beginning};

/// Somebody who is not let in (agent-platform 2.3). While no source of keys has answered it is not
/// the caller's fault, and Workhorse tries again.
pub(super) fn unauthenticated(error: &AuthenticationError) -> Status {
    let code = match error {
        AuthenticationError::NoKeys => Code::Unavailable,
        _ => Code::Unauthenticated,
    };
    Status::new(code, error.to_string())
}

/// What a client did wrong. The text may repeat what it sent, so it is cut.
pub(super) fn invalid(text: impl Into<String>) -> Status {
    Status::invalid_argument(beginning(&text.into(), TEXT_BYTES))
}

/// tonic calls a message that is too large out of range; clients know it as resources that are
/// exhausted. Nothing else here is out of range.
pub(super) fn as_clients_know_it(status: Status) -> Status {
    if status.code() == Code::OutOfRange {
        return Status::resource_exhausted(TOO_LARGE);
    }
    status
}

/// The name of a code, as logs and metrics spell it.
pub(super) fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// The bound of a message in either direction (agent-platform 1.4).
pub(super) const MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// A client's message that is larger.
const TOO_LARGE: &str = "a message is larger than 4 MiB (4194304 bytes)";

/// C-core takes 8 KiB of metadata and percent-encoding triples a text; so this much arrives
/// everywhere.
const TEXT_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_in_whole_characters() {
        let short = invalid("x");
        assert_eq!(
            (short.code(), short.message()),
            (Code::InvalidArgument, "x")
        );
        let long = invalid("ü".repeat(1000) + "x");
        assert_eq!(long.message().len(), TEXT_BYTES);
        let odd = invalid(format!("x{}", "ü".repeat(1000)));
        assert_eq!(odd.message().len(), TEXT_BYTES - 1);
    }
}
