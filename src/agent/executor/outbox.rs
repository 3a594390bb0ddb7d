//! Actions on their way out, and the answers to them.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use prost::Message;
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{Instant, timeout},
};
use tonic::Status;

use super::{
    ExecutorError,
    measures::{ExecutorMeasures, class},
};
use crate::{
    agent::proto::{Action, ActionResponse, action, action_response::ResponseType},
    foundation::{Randomness, random_uuid},
};

/// Sends actions on a session's stream (agent-platform 3.7).
pub struct Outbox {
    sender: mpsc::Sender<Result<Action, Status>>,
    waiting: Mutex<VecDeque<Waiting>>,
    places: Semaphore,
    randomness: Arc<dyn Randomness>,
    measures: ExecutorMeasures,
}

/// An action that has no answer yet; the oldest first.
struct Waiting {
    id: String,
    is_http: bool,
    answer: oneshot::Sender<ActionResponse>,
}

impl Outbox {
    /// An outbox that sends here; at most `outstanding` actions are without answer at once, the
    /// rest wait for their turn.
    pub fn new(
        sender: mpsc::Sender<Result<Action, Status>>,
        outstanding: usize,
        randomness: Arc<dyn Randomness>,
    ) -> Self {
        Self {
            sender,
            waiting: Mutex::default(),
            places: Semaphore::new(outstanding),
            randomness,
            measures: ExecutorMeasures::default(),
        }
    }

    /// The same, and tells these metrics how long answers take.
    #[must_use]
    pub fn measured(self, measures: ExecutorMeasures) -> Self {
        Self { measures, ..self }
    }

    pub(super) fn measures(&self) -> &ExecutorMeasures {
        &self.measures
    }

    /// Sends an action and waits for its answer, for as long as the client likes: whoever does
    /// not want to wait drops the future.
    pub async fn ask(&self, action: action::Action) -> Result<ActionResponse, ExecutorError> {
        let place = self.places.acquire().await;
        let _place = place.map_err(|_| ExecutorError::Gone)?;
        let is_http = matches!(action, action::Action::RunHttpRequest(_));
        let action = self.number(action)?;
        let permit = self.sender.reserve().await;
        let permit = permit.map_err(|_| ExecutorError::Gone)?;
        let (answer, answered) = oneshot::channel();
        let id = action.request_id.clone();
        self.waiting().push_back(Waiting {
            id: id.clone(),
            is_http,
            answer,
        });
        let entry = Entry { outbox: self, id };
        let (class, size) = about(&action);
        let sent = Instant::now();
        permit.send(Ok(action));
        let answer = answered.await.map_err(|_| ExecutorError::Gone)?;
        let took = sent.elapsed();
        self.measures.answered(class, took);
        tracing::debug!(
            request_id = entry.id,
            action_class = class,
            payload_size = size,
            duration_s = took.as_secs_f64(),
            "an action was answered"
        );
        Ok(answer)
    }

    /// Sends what has no answer, made when there is room for it; none: there is nothing to send.
    pub async fn tell(
        &self,
        compose: impl FnOnce() -> Option<action::Action>,
    ) -> Result<(), ExecutorError> {
        let permit = self.sender.reserve().await;
        let permit = permit.map_err(|_| ExecutorError::Gone)?;
        if let Some(action) = compose() {
            let action = self.number(action)?;
            let (class, size) = about(&action);
            tracing::debug!(
                request_id = action.request_id,
                action_class = class,
                payload_size = size,
                "an action was sent"
            );
            permit.send(Ok(action));
        }
        Ok(())
    }

    /// Sends an action whose answer nobody will read, if there is room for it soon.
    pub async fn leave_behind(&self, action: action::Action) {
        let room = timeout(LEAVING, self.sender.reserve()).await;
        if let (Ok(action), Ok(Ok(permit))) = (self.number(action), room) {
            permit.send(Ok(action));
        }
    }

    /// Gives an answer to whoever waits for it. Early clients leave its id empty: then it is the
    /// oldest action of its kind that is answered. Ids that nobody waits for are not looked at:
    /// clients answer twice, late, or what was never asked.
    pub fn answer(&self, response: ActionResponse) {
        let mut waiting = self.waiting();
        let place = if response.request_id.is_empty() {
            let is_http = matches!(response.response_type, Some(ResponseType::HttpResponse(_)));
            waiting.iter().position(|entry| entry.is_http == is_http)
        } else {
            let id = &response.request_id;
            waiting.iter().position(|entry| entry.id == *id)
        };
        let entry = place.and_then(|place| waiting.remove(place));
        drop(waiting);
        if let Some(entry) = entry {
            // whoever asked may have left in this moment
            drop(entry.answer.send(response));
        }
    }

    /// Returns once nobody takes actions any more.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }

    /// Gives it a new id. Larger ones than clients take are not sent.
    fn number(&self, action: action::Action) -> Result<Action, ExecutorError> {
        let action = Action {
            request_id: random_uuid(self.randomness.as_ref()),
            action: Some(action),
        };
        if action.encoded_len() > MESSAGE_BYTES {
            return Err(ExecutorError::TooLarge);
        }
        Ok(action)
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        // nothing panics while it is held, and the list is right after each step
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Outbox")
            .field("waiting", &self.waiting().len())
            .finish_non_exhaustive()
    }
}

/// An action's kind and its size in bytes, which is all that is told of it.
fn about(action: &Action) -> (&'static str, usize) {
    let class = action.action.as_ref().map_or("none", class);
    (class, action.encoded_len())
}

/// Takes the action off the list when whoever asked leaves.
struct Entry<'o> {
    outbox: &'o Outbox,
    id: String,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.outbox.waiting().retain(|entry| entry.id != self.id);
    }
}

/// A client that still reads takes what stands before it in that time.
const LEAVING: Duration = Duration::from_secs(1);

/// Clients take messages of this size (agent-platform 1.4).
const MESSAGE_BYTES: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::join};

    use super::*;
    use crate::{
        agent::proto::{HttpResponse, ListDirectory, PlainTextResponse, RunHttpRequest},
        foundation::SystemRandomness,
    };

    type Sent = mpsc::Receiver<Result<Action, Status>>;

    fn outbox(outstanding: usize) -> (Outbox, Sent) {
        let (sender, receiver) = mpsc::channel(8);
        let outbox = Outbox::new(sender, outstanding, Arc::new(SystemRandomness));
        (outbox, receiver)
    }

    fn http() -> action::Action {
        action::Action::RunHttpRequest(RunHttpRequest::default())
    }

    fn list() -> action::Action {
        action::Action::ListDirectory(ListDirectory::default())
    }

    fn plain(id: &str, text: &str) -> ActionResponse {
        ActionResponse {
            request_id: id.to_owned(),
            response_type: Some(ResponseType::PlainTextResponse(PlainTextResponse {
                response: text.to_owned(),
                error: String::new(),
            })),
        }
    }

    fn body(text: &str) -> ActionResponse {
        ActionResponse {
            request_id: String::new(),
            response_type: Some(ResponseType::HttpResponse(HttpResponse {
                body: text.to_owned(),
                ..HttpResponse::default()
            })),
        }
    }

    fn id(sent: &mut Sent) -> String {
        sent.try_recv().unwrap().unwrap().request_id
    }

    fn is_waiting<F: Future + Unpin>(future: &mut F) -> bool {
        future.now_or_never().is_none()
    }

    #[tokio::test]
    async fn answers_find_their_actions_in_any_order() {
        let (outbox, mut sent) = outbox(8);
        let mut first = Box::pin(outbox.ask(list()));
        let mut second = Box::pin(outbox.ask(list()));
        assert!(is_waiting(&mut first) && is_waiting(&mut second));
        let (one, two) = (id(&mut sent), id(&mut sent));
        assert_ne!(one, two);
        outbox.answer(plain("unknown", "x"));
        outbox.answer(plain(&two, "2"));
        outbox.answer(plain(&two, "twice"));
        outbox.answer(plain(&one, "1"));
        let (first, second) = join(first, second).await;
        assert_eq!(first.unwrap(), plain(&one, "1"));
        assert_eq!(second.unwrap(), plain(&two, "2"));
    }

    #[tokio::test]
    async fn an_empty_id_answers_the_oldest_of_its_kind() {
        let (outbox, _sent) = outbox(8);
        let mut listed = Box::pin(outbox.ask(list()));
        let mut asked = Box::pin(outbox.ask(http()));
        let mut later = Box::pin(outbox.ask(http()));
        assert!(is_waiting(&mut listed) && is_waiting(&mut asked) && is_waiting(&mut later));
        outbox.answer(body("first"));
        outbox.answer(plain("", "list"));
        assert_eq!(asked.await.unwrap(), body("first"));
        assert_eq!(listed.await.unwrap(), plain("", "list"));
        assert!(is_waiting(&mut later));
    }

    #[tokio::test]
    async fn what_is_never_answered_is_bounded_and_leaves_nothing() {
        let (outbox, mut sent) = outbox(1);
        let mut first = Box::pin(outbox.ask(list()));
        let mut second = Box::pin(outbox.ask(list()));
        assert!(is_waiting(&mut first) && is_waiting(&mut second));
        let one = id(&mut sent);
        assert!(sent.try_recv().is_err(), "the second waits for its place");
        drop(first);
        outbox.answer(plain(&one, "late"));
        assert!(is_waiting(&mut second));
        outbox.answer(plain(&id(&mut sent), "2"));
        assert!(second.await.is_ok());
        assert!(outbox.waiting().is_empty());
    }

    #[tokio::test]
    async fn four_mebibytes_are_sent_and_not_one_byte_more() {
        let (outbox, mut sent) = outbox(8);
        let action = |bytes: usize| {
            action::Action::RunHttpRequest(RunHttpRequest {
                body: Some("x".repeat(bytes)),
                ..RunHttpRequest::default()
            })
        };
        let half = MESSAGE_BYTES / 2;
        let overhead = outbox.number(action(half)).unwrap().encoded_len() - half;
        let largest = action(MESSAGE_BYTES - overhead);
        outbox.tell(|| Some(largest)).await.unwrap();
        assert!(sent.try_recv().is_ok());
        let larger = outbox.ask(action(MESSAGE_BYTES - overhead + 1)).await;
        assert_eq!(larger, Err(ExecutorError::TooLarge));
        drop(sent);
        assert_eq!(outbox.ask(list()).await, Err(ExecutorError::Gone));
    }
}
