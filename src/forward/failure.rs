//! What a client is told when an exchange fails before the head of an answer.

use http::{Response, StatusCode};

use super::outcome::{CLIENT_LEFT, Settlement};
use crate::{
    foundation::Blame,
    http::{BodyError, GrpcCode, Problem, RequestContext, ResponseBody},
    upstream::UpstreamError,
};

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The upstream's side, or ours towards it.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The client's side, told by this problem.
    #[error("{}", .0.detail)]
    Request(Box<Problem>),
}

impl Failure {
    /// A request that we do not forward.
    pub(super) fn request(problem: Problem) -> Self {
        Self::Request(Box::new(problem))
    }

    /// A request whose body failed.
    pub(super) fn body(error: &BodyError) -> Self {
        Self::request(body_problem(error))
    }

    /// The answer to the client; the operator's words go into the access log.
    pub(super) fn into_response(
        self,
        context: &RequestContext,
        settlement: &mut Settlement,
    ) -> Response<ResponseBody> {
        let _ = context.entry.failure.set(self.to_string());
        let problem = match self {
            Self::Upstream(error) => {
                settlement.settle(error.outcome());
                upstream_problem(&error)
            }
            Self::Request(problem) => {
                settlement.settle(CLIENT_LEFT);
                *problem
            }
        };
        problem.into_response(context.door)
    }
}

fn upstream_problem(error: &UpstreamError) -> Problem {
    let blame = error.blame();
    let unavailable = |status, detail| Problem::new(status, GrpcCode::Unavailable, blame, detail);
    match error {
        UpstreamError::ConnectTimeout { .. } => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            GrpcCode::DeadlineExceeded,
            blame,
            "the server behind this gateway did not accept a connection in time",
        ),
        UpstreamError::HeaderTimeout { .. } => Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            GrpcCode::DeadlineExceeded,
            blame,
            "the server behind this gateway did not answer in time",
        ),
        UpstreamError::Busy { .. } => unavailable(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server behind this gateway is busy; try again in a moment",
        )
        .with_retry_after(1),
        UpstreamError::Protocol { .. } => Problem::new(
            StatusCode::BAD_GATEWAY,
            GrpcCode::Internal,
            blame,
            "the server behind this gateway sent an answer that cannot be understood",
        ),
        UpstreamError::Reset { .. } => unavailable(
            StatusCode::BAD_GATEWAY,
            "the server behind this gateway closed the connection before it answered",
        ),
        UpstreamError::Unresolvable { .. }
        | UpstreamError::Refused { .. }
        | UpstreamError::Tls { .. }
        | UpstreamError::CaFile { .. }
        | UpstreamError::Target { .. }
        | UpstreamError::Client(_) => unavailable(
            StatusCode::BAD_GATEWAY,
            "the server behind this gateway cannot be reached",
        ),
    }
}

fn body_problem(error: &BodyError) -> Problem {
    let (status, grpc) = match error {
        BodyError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, GrpcCode::ResourceExhausted),
        BodyError::Idle { .. } | BodyError::TooSlow { .. } => {
            (StatusCode::REQUEST_TIMEOUT, GrpcCode::DeadlineExceeded)
        }
        _ => (StatusCode::BAD_REQUEST, GrpcCode::InvalidArgument),
    };
    Problem::new(status, grpc, Blame::Client, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_status() {
        let origin = || "a:1".to_owned();
        let deadline = std::time::Duration::from_secs(1);
        let reason = || "why".to_owned();
        let table = [
            (
                UpstreamError::Refused {
                    origin: origin(),
                    reason: reason(),
                },
                502,
                GrpcCode::Unavailable,
            ),
            (
                UpstreamError::Unresolvable {
                    host: origin(),
                    reason: reason(),
                },
                502,
                GrpcCode::Unavailable,
            ),
            (
                UpstreamError::Reset {
                    origin: origin(),
                    reason: reason(),
                    sent: true,
                },
                502,
                GrpcCode::Unavailable,
            ),
            (
                UpstreamError::ConnectTimeout {
                    origin: origin(),
                    deadline,
                },
                504,
                GrpcCode::DeadlineExceeded,
            ),
            (
                UpstreamError::HeaderTimeout {
                    origin: origin(),
                    deadline,
                },
                504,
                GrpcCode::DeadlineExceeded,
            ),
            (
                UpstreamError::Busy {
                    origin: origin(),
                    limit: 1,
                },
                503,
                GrpcCode::Unavailable,
            ),
            (
                UpstreamError::Protocol {
                    origin: origin(),
                    reason: reason(),
                },
                502,
                GrpcCode::Internal,
            ),
        ];
        for (error, status, grpc) in table {
            let problem = upstream_problem(&error);
            assert_eq!(
                (problem.status.as_u16(), problem.grpc),
                (status, grpc),
                "{error}"
            );
            assert!(!problem.detail.contains("a:1"), "names nothing internal");
        }
        for (error, status) in [
            (BodyError::TooLarge { limit: 1 }, 413),
            (BodyError::Idle { seconds: 1 }, 408),
            (BodyError::TooSlow { rate: 1 }, 408),
            (BodyError::Broken, 400),
        ] {
            assert_eq!(body_problem(&error).status.as_u16(), status);
        }
    }
}
