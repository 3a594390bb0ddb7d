//! GitLab's API, asked by the client in its user's name.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{ExecutorError, HttpAnswer, Outbox};
use crate::agent::proto::{RunHttpRequest, action};

/// Asks GitLab (agent-platform 4.1). Cheap to clone.
#[derive(Clone, Debug)]
pub struct GitLab {
    outbox: Arc<Outbox>,
}

impl GitLab {
    /// GitLab behind this stream's client.
    pub fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox }
    }

    /// Sends a request; `path` begins with `/` and has its query with it, `body` is JSON text.
    /// Failures that pass are tried again; the last answer is given whatever its status.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
    ) -> Result<HttpAnswer, ExecutorError> {
        let request = request(method, path, body);
        self.attempts(|| self.once(request.clone())).await
    }

    /// Sends a request once and does not wait for what comes of it.
    pub async fn leave_behind(&self, method: &str, path: &str, body: String) {
        let request = request(method, path, Some(body));
        let action = action::Action::RunHttpRequest(request);
        self.outbox.leave_behind(action).await;
    }

    /// Asks GraphQL; gives `data`.
    pub async fn graphql(&self, query: &str, variables: Value) -> Result<Value, ExecutorError> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let request = request("POST", "/api/graphql", Some(body));
        let answer = self.attempts(|| async {
            let answer = timeout(GRAPHQL, self.once(request.clone())).await;
            answer.unwrap_or(Err(ExecutorError::TimedOut))
        });
        data(&answer.await?)
    }

    async fn once(&self, request: RunHttpRequest) -> Result<HttpAnswer, ExecutorError> {
        let (method, path) = (request.method.clone(), request.path.clone());
        let action = action::Action::RunHttpRequest(request);
        let sent = Instant::now();
        let answer = HttpAnswer::read(self.outbox.ask(action).await?)?;
        let measures = self.outbox.measures();
        measures.responded(&method, &path, sent.elapsed());
        Ok(answer)
    }

    async fn attempts<F>(&self, once: impl Fn() -> F) -> Result<HttpAnswer, ExecutorError>
    where
        F: Future<Output = Result<HttpAnswer, ExecutorError>>,
    {
        let mut pause = FIRST_PAUSE;
        for _ in 1..ATTEMPTS {
            let result = once().await;
            let passes = match &result {
                Ok(answer) => answer.status >= 500,
                Err(error) => error.is_passing(),
            };
            if !passes {
                return result;
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        once().await
    }
}

/// How GitLab's GraphQL calls the session with this number.
pub fn workflow_global_id(number: &str) -> String {
    format!("gid://gitlab/Ai::DuoWorkflows::Workflow/{number}")
}

fn request(method: &str, path: &str, body: Option<String>) -> RunHttpRequest {
    RunHttpRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        body,
    }
}

/// GraphQL says in its body how it went, whatever the status.
fn data(answer: &HttpAnswer) -> Result<Value, ExecutorError> {
    let body: Result<Value, _> = serde_json::from_str(&answer.body);
    let Ok(Value::Object(mut body)) = body else {
        return Err(ExecutorError::NotJson(answer.status));
    };
    match body.get("errors") {
        None | Some(Value::Null) => Ok(body.remove("data").unwrap_or_default()),
        Some(errors) => Err(ExecutorError::GraphQl(errors.to_string())),
    }
}

/// A request and two more, as the contract has it (agent-platform 4.1).
const ATTEMPTS: u32 = 3;

/// Between the first two attempts; doubled for each one more.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// For an attempt of GraphQL; it is asked before anything happens, and users wait for it.
const GRAPHQL: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        agent::proto::{ActionResponse, HttpResponse, action_response::ResponseType},
        foundation::SystemRandomness,
    };

    /// A client that answers with these statuses, one after the other, and counts.
    async fn asked(statuses: &[i32], error: &str) -> (Result<HttpAnswer, ExecutorError>, usize) {
        let (sender, mut sent) = mpsc::channel(1);
        let outbox = Arc::new(Outbox::new(sender, 8, Arc::new(SystemRandomness)));
        let gitlab = GitLab::new(Arc::clone(&outbox));
        let mut statuses = statuses.iter();
        let mut count = 0;
        let mut request = Box::pin(gitlab.request("GET", "/api/v4/user", None));
        let result = loop {
            tokio::select! {
                result = &mut request => break result,
                action = sent.recv() => {
                    count += 1;
                    outbox.answer(ActionResponse {
                        request_id: action.unwrap().unwrap().request_id,
                        response_type: Some(ResponseType::HttpResponse(HttpResponse {
                            status_code: *statuses.next().unwrap(),
                            error: error.to_owned(),
                            ..HttpResponse::default()
                        })),
                    });
                }
            }
        };
        (result, count)
    }

    #[tokio::test(start_paused = true)]
    async fn failures_that_pass_are_tried_three_times() {
        let (answer, count) = asked(&[500, 503, 200], "").await;
        assert_eq!((answer.ok().unwrap().status, count), (200, 3));
        let (answer, count) = asked(&[500, 500, 502, 200], "").await;
        assert_eq!((answer.ok().unwrap().status, count), (502, 3));
        let (answer, count) = asked(&[404, 200], "").await;
        assert_eq!((answer.ok().unwrap().status, count), (404, 1));
        let (answer, count) = asked(&[0, 0, 0, 0], "read: connection reset by peer").await;
        assert_eq!((answer.is_err(), count), (true, 3));
        let (answer, count) = asked(&[0, 0], "unknown host key").await;
        assert_eq!((answer.is_err(), count), (true, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn graphql_does_not_wait_for_ever() {
        let (sender, _sent) = mpsc::channel(8);
        let outbox = Arc::new(Outbox::new(sender, 8, Arc::new(SystemRandomness)));
        let answer = GitLab::new(outbox).graphql("query", json!({})).await;
        assert_eq!(answer, Err(ExecutorError::TimedOut));
    }

    #[test]
    fn graphql_says_in_its_body_how_it_went() {
        let read = |body: &str| {
            data(&HttpAnswer {
                status: 502,
                body: body.to_owned(),
                next_page: None,
            })
        };
        assert_eq!(read(r#"{"data": 1}"#), Ok(json!(1)));
        assert_eq!(read("<html>"), Err(ExecutorError::NotJson(502)));
        assert_eq!(read("[]"), Err(ExecutorError::NotJson(502)));
        let refused = read(r#"{"errors": [{"message": "no"}], "data": null}"#);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.starts_with("GraphQL errors: "), "{refused}");
    }
}
