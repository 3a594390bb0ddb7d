//! A stream of a model server while it is being read.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep};

use super::{
    Event, ModelError, error::ErrorKind, provider::StreamDecoder, redaction::Redaction,
    refusal::DecodeError, told::Told,
};
use crate::{foundation::Tasks, upstream::ServiceBody};

/// Turns the bytes of an answer into events.
#[derive(Debug)]
pub(super) struct ModelStream {
    /// Absent once nothing more will come.
    body: Option<ServiceBody>,
    decoder: Box<dyn StreamDecoder>,
    pub(super) told: Told,
    /// `host:port`
    place: String,
    redaction: Redaction,
    idle: Duration,
    /// Rings when the server was silent for too long.
    alarm: Pin<Box<Sleep>>,
    progress: Progress,
    /// Told once the events before it were taken.
    failure: Option<ModelError>,
    tasks: Tasks,
}

/// How far an answer has come.
#[derive(Debug, Default)]
struct Progress {
    /// Bytes of text and thoughts.
    said: usize,
    /// Bytes since the last event that said something.
    unsaid: usize,
}

impl ModelStream {
    /// Reads a body. What follows the end of an answer is read by a task, so that the connection
    /// can serve the next call.
    pub(super) fn new(
        body: ServiceBody,
        decoder: Box<dyn StreamDecoder>,
        told: Told,
        place: String,
        redaction: Redaction,
        idle: Duration,
        tasks: Tasks,
    ) -> Self {
        Self {
            body: Some(body),
            decoder,
            told,
            place,
            redaction,
            idle,
            alarm: Box::pin(tokio::time::sleep(idle)),
            progress: Progress::default(),
            failure: None,
            tasks,
        }
    }

    /// Waits for the first event or the end.
    pub(super) async fn begin(&mut self) -> Result<(), ModelError> {
        std::future::poll_fn(|context| self.poll_fill(context)).await
    }

    /// Ready once an event is there, or nothing more will come.
    pub(super) fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ModelError>> {
        while self.told.events.is_empty() && self.body.is_some() {
            match self.poll_body(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    self.body = None;
                    self.failure = Some(error);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        match self.failure.take_if(|_| self.told.events.is_empty()) {
            Some(error) => Poll::Ready(Err(error)),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_body(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ModelError>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(Ok(()));
        };
        match Pin::new(body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else {
                    return Poll::Ready(Ok(()));
                };
                let read = self.read(&data);
                let silence = Instant::now() + self.patience();
                self.alarm.as_mut().reset(silence);
                Poll::Ready(read)
            }
            Poll::Ready(Some(Err(_))) if self.is_over() => Poll::Ready(self.end()),
            Poll::Ready(Some(Err(error))) => Poll::Ready(self.fail(ErrorKind::Cut, error.reason())),
            Poll::Ready(None) => Poll::Ready(self.end()),
            Poll::Pending if self.told.is_done => {
                self.leave();
                Poll::Ready(Ok(()))
            }
            Poll::Pending => match self.alarm.as_mut().poll(context) {
                Poll::Ready(()) if self.is_over() => Poll::Ready(self.end()),
                Poll::Ready(()) => {
                    let silence = format!("silent for {:?}", self.idle);
                    Poll::Ready(self.fail(ErrorKind::Timeout, silence))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }

    /// A model that has stopped may still count its tokens, but not for long.
    fn patience(&self) -> Duration {
        if self.told.is_finished {
            self.idle.min(AFTER_FINISH)
        } else {
            self.idle
        }
    }

    fn read(&mut self, data: &[u8]) -> Result<(), ModelError> {
        let known = self.told.events.len();
        let read = self.decoder.push(data, &mut self.told);
        self.count(known, data.len());
        read.map_err(|error| self.none(error))?;
        let progress = &self.progress;
        if progress.said > LARGEST_ANSWER || progress.unsaid > LARGEST_ANSWER {
            return self.fail(ErrorKind::TooLarge, String::new());
        }
        Ok(())
    }

    /// Counts the events behind the first `known`, and the bytes that they came in.
    fn count(&mut self, known: usize, bytes: usize) {
        self.progress.unsaid += bytes;
        for event in self.told.events.range(known..) {
            self.progress.unsaid = 0;
            if let Event::Text(text) | Event::Reasoning(text) | Event::Arguments { text, .. } =
                event
            {
                self.progress.said += text.len();
            }
        }
    }

    /// The body has ended.
    fn end(&mut self) -> Result<(), ModelError> {
        self.body = None;
        let read = self.decoder.finish(&mut self.told);
        read.map_err(|error| self.none(error))?;
        if self.is_over() {
            return Ok(());
        }
        let reason = "the stream ended before the answer did".to_owned();
        self.fail(ErrorKind::Cut, reason)
    }

    /// The answer is whole, but the body has not ended yet.
    fn leave(&mut self) {
        let Some(mut body) = self.body.take() else {
            return;
        };
        self.tasks.spawn("end of a model's stream", async move {
            let mut rest = 0;
            let ending = async {
                while let Some(Ok(frame)) = body.frame().await {
                    rest += frame.into_data().map_or(0, |data| data.len());
                    if rest > LARGEST_REST {
                        return;
                    }
                }
            };
            let _ = tokio::time::timeout(AFTER_DONE, ending).await;
        });
    }

    /// Nothing is missing where the stream ends now.
    fn is_over(&self) -> bool {
        self.told.is_done || self.told.is_finished
    }

    fn none(&self, error: DecodeError) -> ModelError {
        ModelError::decoding(self.place.clone(), error, &self.redaction)
    }

    fn fail(&self, kind: ErrorKind, detail: String) -> Result<(), ModelError> {
        Err(ModelError::new(kind, self.place.clone(), detail))
    }
}

/// No answer within any model's bound of tokens is larger.
pub(super) const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

/// The count of tokens follows at once, where it comes at all.
const AFTER_FINISH: Duration = Duration::from_secs(2);

/// For the last chunk of a body, which servers send apart.
const AFTER_DONE: Duration = Duration::from_secs(1);

/// Nothing belongs behind the end.
const LARGEST_REST: usize = 64 * 1024;
