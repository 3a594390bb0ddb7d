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
    let (status, grpc, detail) = match error {
        UpstreamError::ConnectTimeout { .. } => (
            StatusCode::GATEWAY_TIMEOUT,
            GrpcCode::DeadlineExceeded,
            "the server behind this gateway did not accept a connection in time",
        ),
        UpstreamError::HeaderTimeout { .. } => (
            StatusCode::GATEWAY_TIMEOUT,
            GrpcCode::DeadlineExceeded,
            "the server behind this gateway did not answer in time",
        ),
        UpstreamError::Busy { .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            GrpcCode::Unavailable,
            "the server behind this gateway is busy; try again in a moment",
        ),
        UpstreamError::Protocol { .. } => (
            StatusCode::BAD_GATEWAY,
            GrpcCode::Internal,
            "the server behind this gateway sent an answer that cannot be understood",
        ),
        UpstreamError::Reset { .. } => (
            StatusCode::BAD_GATEWAY,
            GrpcCode::Unavailable,
            "the server behind this gateway closed the connection before it answered",
        ),
        _ => (
            StatusCode::BAD_GATEWAY,
            GrpcCode::Unavailable,
            "the server behind this gateway cannot be reached",
        ),
    };
    let problem = Problem::new(status, grpc, error.blame(), detail);
    if matches!(error, UpstreamError::Busy { .. }) {
        problem.with_retry_after(1)
    } else {
        problem
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

    fn problem_of(error: &UpstreamError) -> (u16, GrpcCode) {
        let problem = upstream_problem(error);
        assert!(!problem.detail.contains("a:1"), "names nothing internal");
        (problem.status.as_u16(), problem.grpc)
    }

    #[test]
    fn each_failure_of_the_upstream_has_its_status() {
        let (origin, reason) = ("a:1".to_owned(), "why".to_owned());
        let deadline = std::time::Duration::from_secs(1);
        let (host, limit) = (origin.clone(), 1);
        assert_eq!(
            problem_of(&UpstreamError::Unresolvable {
                host,
                reason: reason.clone()
            }),
            (502, GrpcCode::Unavailable)
        );
        let timeout = UpstreamError::HeaderTimeout {
            origin: origin.clone(),
            deadline,
        };
        assert_eq!(problem_of(&timeout), (504, GrpcCode::DeadlineExceeded));
        let busy = UpstreamError::Busy {
            origin: origin.clone(),
            limit,
        };
        assert_eq!(problem_of(&busy), (503, GrpcCode::Unavailable));
        assert_eq!(upstream_problem(&busy).retry_after, Some(1));
        let protocol = UpstreamError::Protocol { origin, reason };
        assert_eq!(problem_of(&protocol), (502, GrpcCode::Internal));
    }

    #[test]
    fn each_failure_of_a_body_has_its_status() {
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
