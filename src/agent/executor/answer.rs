//! What clients answer.

use super::ExecutorError;
use crate::{
    agent::proto::{
        ActionResponse, PlainTextResponse, ScheduleNotificationResponse,
        action_response::ResponseType,
    },
    foundation::beginning,
};

/// GitLab's answer, as a client passed it on.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The HTTP status.
    pub status: i32,
    /// The body; Workhorse cuts it at 4 MiB.
    pub body: String,
    /// The page that follows, where the client passes on headers; Workhorse does not.
    pub next_page: Option<String>,
}

impl HttpAnswer {
    /// Takes the answer to a request (agent-platform 3.7).
    pub(super) fn read(response: ActionResponse) -> Result<Self, ExecutorError> {
        match response.response_type {
            Some(ResponseType::HttpResponse(answer)) if answer.error.is_empty() => {
                let mut headers = answer.headers.into_iter();
                let next_page = headers.find(|(name, _)| name.eq_ignore_ascii_case(NEXT_PAGE));
                Ok(Self {
                    status: answer.status_code,
                    body: answer.body,
                    next_page: next_page
                        .map(|(_, page)| page)
                        .filter(|page| !page.is_empty()),
                })
            }
            Some(ResponseType::HttpResponse(answer)) => Err(ExecutorError::Http(answer.error)),
            Some(ResponseType::PlainTextResponse(answer)) if !answer.error.is_empty() => {
                Err(failed(answer))
            }
            _ => Err(ExecutorError::NoFields),
        }
    }

    /// Whether GitLab did it.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Takes the answer to any other action (agent-platform 3.7).
pub fn plain_text(response: ActionResponse) -> Result<String, ExecutorError> {
    match response.response_type {
        Some(ResponseType::PlainTextResponse(answer)) if answer.error.is_empty() => {
            Ok(answer.response)
        }
        Some(ResponseType::PlainTextResponse(answer)) => Err(failed(answer)),
        Some(ResponseType::HttpResponse(answer)) if !answer.error.is_empty() => {
            Err(ExecutorError::Http(answer.error))
        }
        Some(ResponseType::HttpResponse(answer)) => Ok(answer.body),
        _ => Err(ExecutorError::NoFields),
    }
}

/// Takes the answer to a notification that was asked for (agent-platform 6.2).
pub fn scheduled(response: ActionResponse) -> Result<ScheduleNotificationResponse, ExecutorError> {
    match response.response_type {
        Some(ResponseType::ScheduleNotificationResponse(answer)) => Ok(answer),
        Some(ResponseType::PlainTextResponse(answer)) if !answer.error.is_empty() => {
            Err(failed(answer))
        }
        _ => Err(ExecutorError::NoFields),
    }
}

fn failed(answer: PlainTextResponse) -> ExecutorError {
    ExecutorError::Action {
        said: answer.error,
        response: beginning(&answer.response, OUTPUT).to_owned(),
    }
}

/// Bytes that are kept of what a command printed before it failed: a model reads no more of a result
/// that long (agent-platform 6.4).
const OUTPUT: usize = 100 * 1024;

const NEXT_PAGE: &str = "x-next-page";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::proto::HttpResponse;

    fn http(status_code: i32, error: &str) -> ActionResponse {
        response(Some(ResponseType::HttpResponse(HttpResponse {
            headers: [("X-Next-Page".to_owned(), "2".to_owned())].into(),
            status_code,
            body: "body".to_owned(),
            error: error.to_owned(),
        })))
    }

    fn plain(error: &str) -> ActionResponse {
        response(Some(ResponseType::PlainTextResponse(PlainTextResponse {
            response: "text".to_owned(),
            error: error.to_owned(),
        })))
    }

    fn response(response_type: Option<ResponseType>) -> ActionResponse {
        ActionResponse {
            request_id: String::new(),
            response_type,
        }
    }

    #[test]
    fn answers_are_taken_as_their_kind_says() {
        let answer = HttpAnswer::read(http(200, "")).ok().unwrap();
        assert_eq!(
            (answer.status, answer.next_page.as_deref()),
            (200, Some("2"))
        );
        let failed = HttpAnswer::read(http(0, "no route")).err().unwrap();
        assert_eq!(failed.to_string(), "HTTP action error: no route");
        let failed = HttpAnswer::read(plain("no")).err().unwrap();
        assert_eq!(failed.to_string(), "Action error: no");
        let other = HttpAnswer::read(plain("")).err();
        assert_eq!(other, Some(ExecutorError::NoFields));
        assert_eq!(plain_text(plain("")).unwrap(), "text");
        assert_eq!(plain_text(http(200, "")).unwrap(), "body");
        assert_eq!(plain_text(response(None)), Err(ExecutorError::NoFields));
        let other = ScheduleNotificationResponse::default();
        let other = response(Some(ResponseType::ScheduleNotificationResponse(other)));
        assert_eq!(plain_text(other), Err(ExecutorError::NoFields));
    }
}
