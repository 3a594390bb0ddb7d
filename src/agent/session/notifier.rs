//! What clients are shown of a session while its turn runs (agent-platform 3.8).

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::status::{is_pause, shown_status};
use crate::{
    agent::{
        executor::{ExecutorError, Outbox},
        proto::{NewCheckpoint, TokenBreakdown, action},
    },
    flow::{LogEntry, Plan, State},
};

/// Sends `newCheckpoint`s. Each is composed in the moment in which there is room for it, from what
/// is newest then, so a slow client gets fewer of them and never an old one.
#[derive(Debug)]
pub(super) struct Notifier {
    outbox: Arc<Outbox>,
    goal: String,
    is_incremental: bool,
    /// Whether the client shows calls whose arguments are still coming.
    shows_calls: bool,
    shown: Mutex<Shown>,
    changed: Notify,
    sent: Notify,
}

/// What is to be shown, and how much of it was.
#[derive(Debug, Default)]
struct Shown {
    status: &'static str,
    log: Vec<LogEntry>,
    plan: Plan,
    usage: HashMap<String, TokenBreakdown>,
    /// The model's text so far, behind the log.
    streaming: Option<LogEntry>,
    /// Calls that have begun and are in no state yet, behind the model's text.
    begun: Vec<LogEntry>,
    /// The entry from which on a client that takes a part of the log has to hear again.
    cursor: Option<String>,
    /// Counts changes, and those that were sent.
    changes: u64,
    sent: u64,
    /// A pause that is told with the end of the turn, so that clients see one.
    is_held: bool,
    /// Not only streamed text.
    is_urgent: bool,
    last: Option<Instant>,
}

impl Notifier {
    /// Nothing is shown yet.
    pub(super) fn new(outbox: Arc<Outbox>, goal: String, capabilities: &HashSet<String>) -> Self {
        Self {
            outbox,
            goal,
            is_incremental: capabilities.contains("incremental_streaming"),
            shows_calls: capabilities.contains("tool_call_streaming"),
            shown: Mutex::default(),
            changed: Notify::new(),
            sent: Notify::new(),
        }
    }

    /// Sends whatever is to be shown, until a message is too large or the client is gone.
    pub(super) async fn run(&self) -> ExecutorError {
        loop {
            self.due().await;
            let told = self.outbox.tell(|| self.compose()).await;
            self.sent.notify_waiters();
            if let Err(error) = told {
                return error;
            }
        }
    }

    /// The state after a step. `limit` is the model's window in tokens.
    pub(super) fn snapshot(&self, state: &State, usage: HashMap<String, TokenBreakdown>) {
        let mut shown = self.shown();
        shown.status = shown_status(state.status);
        shown.log.clone_from(&state.log);
        shown.plan.clone_from(&state.plan);
        shown.usage = usage;
        shown.streaming = None;
        if !state.is_calling() {
            shown.begun.clear();
        }
        shown.is_held = is_pause(state.status);
        shown.is_urgent = true;
        self.change(shown);
    }

    /// The model's text so far.
    pub(super) fn text(&self, entry: &LogEntry) {
        let mut shown = self.shown();
        match &mut shown.streaming {
            Some(known) if known.message_id == entry.message_id => {
                // it only grows: of a long answer all of it would be copied again for each word
                match entry.content.get(known.content.len()..) {
                    Some(more) => known.content.push_str(more),
                    None => known.content.clone_from(&entry.content),
                }
            }
            streaming => *streaming = Some(entry.clone()),
        }
        shown.is_held = false;
        self.change(shown);
    }

    /// Calls that the model has begun, all of them.
    pub(super) fn calls(&self, entries: &[LogEntry]) {
        let mut shown = self.shown();
        if !self.shows_calls || shown.begun.len() == entries.len() {
            return;
        }
        shown.begun = entries.to_vec();
        shown.is_held = false;
        self.change(shown);
    }

    /// One entry more, which no state holds.
    pub(super) fn append(&self, entry: LogEntry) {
        let mut shown = self.shown();
        shown.log.push(entry);
        shown.is_urgent = true;
        self.change(shown);
    }

    /// The turn is over in another way: this is all that is shown now.
    pub(super) fn replace(&self, status: &'static str, log: Vec<LogEntry>) {
        let mut shown = self.shown();
        shown.status = status;
        shown.log = log;
        shown.streaming = None;
        shown.begun.clear();
        shown.is_held = false;
        shown.is_urgent = true;
        self.change(shown);
    }

    /// The turn is over: tells a pause that was held back, and returns once everything is sent.
    /// Something else has to drive [`Self::run`] meanwhile.
    pub(super) async fn flush(&self) {
        loop {
            let sent = self.sent.notified();
            tokio::pin!(sent);
            sent.as_mut().enable();
            let is_sent = {
                let mut shown = self.shown();
                shown.is_held = false;
                shown.changes == shown.sent
            };
            if is_sent {
                return;
            }
            self.changed.notify_one();
            sent.await;
        }
    }

    fn change(&self, mut shown: MutexGuard<'_, Shown>) {
        shown.changes += 1;
        drop(shown);
        self.changed.notify_one();
    }

    /// Returns when something is to be sent. Streamed text waits for its turn.
    async fn due(&self) {
        loop {
            let due = self.shown().due();
            match due {
                None => self.changed.notified().await,
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.changed.notified() => {}
                },
            }
        }
    }

    /// None if what there was is shown by now.
    fn compose(&self) -> Option<action::Action> {
        let mut shown = self.shown();
        if shown.changes == shown.sent {
            return None;
        }
        let checkpoint = shown.checkpoint(self.is_incremental);
        let message = NewCheckpoint {
            status: shown.status.to_owned(),
            checkpoint,
            goal: self.goal.clone(),
            errors: Vec::new(),
            agent_context_usage: shown.usage.clone(),
        };
        let last = shown.streaming.as_ref().or(shown.log.last());
        shown.cursor = last.map(|entry| entry.message_id.clone());
        shown.sent = shown.changes;
        shown.is_urgent = false;
        shown.last = Some(Instant::now());
        Some(action::Action::NewCheckpoint(message))
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        // nothing panics while it is held, and what is shown is right after each step
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shown {
    /// When the next message goes; none: there is nothing to say.
    fn due(&self) -> Option<Instant> {
        if self.changes == self.sent || self.is_held {
            return None;
        }
        let now = Instant::now();
        let paced = self.last.filter(|_| !self.is_urgent);
        Some(paced.map_or(now, |last| last + TEXT_PAUSE))
    }

    /// The JSON text inside the message (agent-platform 4.9).
    fn checkpoint(&self, is_incremental: bool) -> String {
        let entries = self.log.iter().chain(&self.streaming);
        let entries = entries.chain(&self.begun);
        let known = self.cursor.as_ref().filter(|_| is_incremental);
        let known = known.and_then(|id| entries.clone().position(|it| it.message_id == *id));
        let checkpoint = Checkpoint {
            channel_values: Channels {
                ui_chat_log: entries.skip(known.unwrap_or_default()).collect(),
                plan: &self.plan,
            },
        };
        serde_json::to_string(&checkpoint).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Checkpoint<'s> {
    channel_values: Channels<'s>,
}

#[derive(Serialize)]
struct Channels<'s> {
    ui_chat_log: Vec<&'s LogEntry>,
    plan: &'s Plan,
}

/// Streamed text is told twenty times a second: people read no faster, and each message may carry
/// the whole log (agent-platform 3.8).
const TEXT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use serde_json::{Value, json};
    use tokio::sync::mpsc;
    use tonic::Status;

    use super::*;
    use crate::{agent::proto::Action, flow, foundation::SystemRandomness};

    type Sent = mpsc::Receiver<Result<Action, Status>>;

    fn notifier(capabilities: &[&str]) -> (Notifier, Sent) {
        let (sender, sent) = mpsc::channel(1);
        let outbox = Arc::new(Outbox::new(sender, 8, Arc::new(SystemRandomness)));
        let capabilities = capabilities.iter().map(|name| (*name).to_owned()).collect();
        let notifier = Notifier::new(outbox, "goal".to_owned(), &capabilities);
        (notifier, sent)
    }

    fn entry(id: &str, content: &str) -> LogEntry {
        let entry = json!({"message_type": "agent", "message_id": id, "content": content});
        serde_json::from_value(entry).unwrap()
    }

    fn state(status: flow::Status, ids: &[&str]) -> State {
        State {
            status,
            log: ids.iter().map(|id| entry(id, "")).collect(),
            ..State::default()
        }
    }

    /// The status and the ids of the next message.
    fn next(sent: &mut Sent) -> Option<(String, Vec<String>)> {
        let action = sent.try_recv().ok()?.unwrap().action;
        let Some(action::Action::NewCheckpoint(message)) = action else {
            panic!("no checkpoint");
        };
        let checkpoint: Value = serde_json::from_str(&message.checkpoint).unwrap();
        let log = checkpoint["channel_values"]["ui_chat_log"]
            .as_array()
            .unwrap();
        let ids = log
            .iter()
            .map(|entry| entry["message_id"].as_str().unwrap().to_owned());
        Some((message.status, ids.collect()))
    }

    fn told(status: &str, ids: &[&str]) -> (String, Vec<String>) {
        let ids = ids.iter().map(|id| (*id).to_owned());
        (status.to_owned(), ids.collect())
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_one_message_and_text_has_its_pace() {
        let (notifier, mut sent) = notifier(&[]);
        let mut run = Box::pin(notifier.run());
        notifier.snapshot(&state(flow::Status::Execution, &["a"]), HashMap::new());
        notifier.snapshot(&state(flow::Status::Execution, &["a", "b"]), HashMap::new());
        assert!((&mut run).now_or_never().is_none());
        assert_eq!(next(&mut sent), Some(told("RUNNING", &["a", "b"])));
        notifier.text(&entry("c", "x"));
        notifier.text(&entry("c", "xy"));
        assert!((&mut run).now_or_never().is_none());
        assert_eq!(next(&mut sent), None, "50 ms have not passed");
        let _ = tokio::time::timeout(TEXT_PAUSE, &mut run).await;
        assert_eq!(next(&mut sent), Some(told("RUNNING", &["a", "b", "c"])));
    }

    #[tokio::test]
    async fn a_part_of_the_log_begins_with_what_was_told_last() {
        let (notifier, mut sent) = notifier(&["incremental_streaming"]);
        let mut run = Box::pin(notifier.run());
        let mut show = |ids: &[&str]| {
            notifier.snapshot(&state(flow::Status::Execution, ids), HashMap::new());
            assert!((&mut run).now_or_never().is_none());
            next(&mut sent)
        };
        assert_eq!(show(&["a", "b"]), Some(told("RUNNING", &["a", "b"])));
        assert_eq!(show(&["a", "b", "c"]), Some(told("RUNNING", &["b", "c"])));
        assert_eq!(show(&["d"]), Some(told("RUNNING", &["d"])));
    }

    #[tokio::test]
    async fn a_call_is_shown_from_its_first_word_until_it_has_an_answer() {
        let (notifier, mut sent) = notifier(&["tool_call_streaming"]);
        let mut run = Box::pin(notifier.run());
        let mut shown = || {
            assert!((&mut run).now_or_never().is_none());
            next(&mut sent)
        };
        let calling = |ids: &[&str]| {
            let mut state = state(flow::Status::Execution, ids);
            let said = flow::AiMessage {
                tool_calls: vec![flow::Call::default()],
                ..flow::AiMessage::default()
            };
            state.conversation.of_mut("a").push(flow::Message::Ai(said));
            state
        };
        notifier.calls(&[entry("call", "")]);
        assert_eq!(shown(), Some(told("", &["call"])));
        notifier.snapshot(&calling(&["a"]), HashMap::new());
        assert_eq!(shown(), Some(told("RUNNING", &["a", "call"])));
        notifier.snapshot(&state(flow::Status::Execution, &["a", "b"]), HashMap::new());
        assert_eq!(shown(), Some(told("RUNNING", &["a", "b"])));
    }

    #[tokio::test]
    async fn clients_that_do_not_know_begun_calls_are_not_shown_any() {
        let (notifier, mut sent) = notifier(&[]);
        notifier.calls(&[entry("call", "")]);
        assert!(notifier.run().now_or_never().is_none());
        assert_eq!(next(&mut sent), None);
    }

    #[tokio::test]
    async fn a_pause_is_told_once_at_the_end() {
        let (notifier, mut sent) = notifier(&[]);
        let mut run = Box::pin(notifier.run());
        notifier.snapshot(&state(flow::Status::InputRequired, &["a"]), HashMap::new());
        assert!((&mut run).now_or_never().is_none());
        assert_eq!(next(&mut sent), None);
        tokio::select! {
            error = &mut run => panic!("{error}"),
            () = notifier.flush() => {}
        }
        assert_eq!(next(&mut sent), Some(told("INPUT_REQUIRED", &["a"])));
        assert_eq!(next(&mut sent), None);
    }

    #[tokio::test]
    async fn a_log_beyond_what_clients_take_is_an_error() {
        let (notifier, _sent) = notifier(&[]);
        let large = entry("a", &"x".repeat(5 << 20));
        notifier.replace("RUNNING", vec![large]);
        assert_eq!(notifier.run().await, ExecutorError::TooLarge);
    }
}
