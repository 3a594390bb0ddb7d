//! How an answer of a model becomes the bytes of a stream: in each of the three framings that share
//! one content type (http-api 8, row 15), and in the chat's.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use http::{HeaderValue, Response, header};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::time::{Instant, Sleep};

use super::{
    chat_events::ChatEvents, cleaning::Cleaner, prompts::usage_of, spaced_json::spaced_json,
};
use crate::{
    http::{AccessEntry, BodyError, ResponseBody},
    model::{Answer, Event, FinishReason, ModelError, Usage},
};

/// How pieces are written.
#[derive(Debug)]
pub(super) enum Framing {
    /// The text and nothing else (v1 prompts, v2 and v3 code).
    Text,
    /// One compact JSON object for each piece and line, then one with the usage (v2 prompts).
    Lines {
        /// The key under `usage`.
        model: String,
    },
    /// Server-sent events as the v4 route writes them.
    Events {
        /// What stands in `stream_start`, until it was sent.
        start: Option<Value>,
        /// A comment goes out when nothing else does.
        ping: Pin<Box<Sleep>>,
    },
    /// The chat's lines, which tell failures too.
    Chat(Box<ChatEvents>),
}

impl Framing {
    /// Events that begin with some metadata (http-api 2.3).
    pub(super) fn events(metadata: Value) -> Self {
        Self::Events {
            start: Some(metadata),
            ping: Box::pin(tokio::time::sleep(PING)),
        }
    }

    fn begin(&mut self) -> Option<Bytes> {
        let Self::Events { start, .. } = self else {
            return None;
        };
        let metadata = start.take()?;
        Some(event("stream_start", &json!({ "metadata": metadata })))
    }

    fn text(&mut self, text: String) -> Option<Bytes> {
        if text.is_empty() {
            return None;
        }
        match self {
            Self::Text => Some(text.into()),
            Self::Lines { .. } => Some(line(&json!({ "content": text }))),
            Self::Events { ping, .. } => {
                ping.as_mut().reset(Instant::now() + PING);
                let piece = json!({"choices": [{"delta": {"content": text}, "index": 0}]});
                Some(event("content_chunk", &piece))
            }
            Self::Chat(events) => events.text(&text),
        }
    }

    fn stopped(&mut self, reason: FinishReason) {
        if let Self::Chat(events) = self {
            events.stopped(reason);
        }
    }

    fn is_ended(&self) -> bool {
        matches!(self, Self::Chat(events) if events.is_ended())
    }

    /// What tells a failure, where there is a form for it.
    fn failed(&self, error: &ModelError) -> Option<Bytes> {
        matches!(self, Self::Chat(_)).then(|| ChatEvents::failed(error))
    }

    fn end(&mut self, usage: Option<&Usage>) -> Option<Bytes> {
        match self {
            Self::Text => None,
            Self::Lines { model } => {
                let usage = usage_of(model, usage?);
                Some(line(&json!({ "content": "", "usage": usage })))
            }
            Self::Events { .. } => Some(event("stream_end", &Value::Null)),
            Self::Chat(events) => Some(events.end(usage)),
        }
    }

    /// Ready when the client should hear that we still live.
    fn poll_ping(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        let Self::Events { ping, .. } = self else {
            return Poll::Pending;
        };
        ready!(ping.as_mut().poll(context));
        ping.as_mut().reset(Instant::now() + PING);
        Poll::Ready(Bytes::from_static(b": ping\r\n\r\n"))
    }
}

/// An answer of a model as the body of ours. A failure in the middle is told where there is a form
/// for it, else it cuts the body without its end, so that GitLab sees one (http-api 8, row 16).
#[derive(Debug)]
struct FramedAnswer {
    answer: Option<Answer>,
    framing: Framing,
    cleaner: Option<Cleaner>,
    usage: Option<Usage>,
    entry: Arc<AccessEntry>,
    /// A failure that is told a moment after the last piece.
    breaking: Option<(Pin<Box<Sleep>>, BodyError)>,
}

/// The answer to a request that wants its text as it comes.
pub(super) fn streamed(
    answer: Answer,
    framing: Framing,
    cleaner: Option<Cleaner>,
    entry: &Arc<AccessEntry>,
) -> Response<ResponseBody> {
    let body = FramedAnswer {
        answer: Some(answer),
        framing,
        cleaner,
        usage: None,
        entry: Arc::clone(entry),
        breaking: None,
    };
    let mut response = Response::new(body.boxed_unsync());
    let kind = HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

impl FramedAnswer {
    fn take(&mut self, event: Event) -> Option<Bytes> {
        match event {
            Event::Text(text) => {
                let text = match &mut self.cleaner {
                    Some(cleaner) => cleaner.push(&text),
                    None => text,
                };
                self.framing.text(text)
            }
            Event::Usage(usage) => {
                self.usage = Some(usage);
                None
            }
            Event::Finish(reason) => {
                self.framing.stopped(reason);
                None
            }
            Event::Reasoning(_) | Event::ToolCall { .. } | Event::Arguments { .. } => None,
        }
    }

    /// The next thing to send. An error comes alone, after a pause.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if let Some((moment, _)) = &mut self.breaking {
                ready!(moment.as_mut().poll(context));
                return Poll::Ready(self.breaking.take().map(|(_, error)| Err(error)));
            }
            let Some(answer) = &mut self.answer else {
                return Poll::Ready(None);
            };
            if let Some(bytes) = self.framing.begin() {
                return Poll::Ready(Some(Ok(bytes)));
            }
            let produced = match Pin::new(answer).poll_next(context) {
                Poll::Ready(Some(Ok(event))) => self.take(event),
                Poll::Ready(Some(Err(error))) => {
                    self.answer = None;
                    let _ = self.entry.failure.set(error.log());
                    if let Some(last) = self.framing.failed(&error) {
                        return Poll::Ready(Some(Ok(last)));
                    }
                    let moment = Box::pin(tokio::time::sleep(BREAKING));
                    self.breaking = Some((moment, BodyError::Upstream(error.wire())));
                    continue;
                }
                Poll::Ready(None) => return Poll::Ready(self.end().map(Ok)),
                Poll::Pending => {
                    let ping = self.framing.poll_ping(context);
                    return ping.map(|bytes| Some(Ok(bytes)));
                }
            };
            // What would follow is thrown away anyway, so the model need not write it.
            let is_cleaned = self.cleaner.as_ref().is_some_and(Cleaner::is_ended);
            let bytes = if is_cleaned || self.framing.is_ended() {
                joined(produced, self.end())
            } else {
                produced
            };
            if let Some(bytes) = bytes {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
    }

    fn end(&mut self) -> Option<Bytes> {
        self.answer = None;
        let rest = self.cleaner.take().map(|mut cleaner| cleaner.finish());
        let rest = rest.and_then(|rest| self.framing.text(rest));
        joined(rest, self.framing.end(self.usage.as_ref()))
    }
}

impl Body for FramedAnswer {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let mut ready = BytesMut::new();
        // what is there leaves together: when we lag behind the models, fewer pieces let us catch up
        while ready.len() < LARGEST_FRAME {
            match this.poll_piece(context) {
                Poll::Ready(Some(Ok(bytes))) if ready.is_empty() && this.answer.is_none() => {
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Poll::Ready(Some(Ok(bytes))) => ready.extend_from_slice(&bytes),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) if ready.is_empty() => return Poll::Ready(None),
                Poll::Pending if ready.is_empty() => return Poll::Pending,
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Poll::Ready(Some(Ok(Frame::data(ready.freeze()))))
    }
}

fn joined(first: Option<Bytes>, second: Option<Bytes>) -> Option<Bytes> {
    match (first, second) {
        (Some(first), Some(second)) => Some([first, second].concat().into()),
        (first, second) => first.or(second),
    }
}

/// A line of v2 prompts.
fn line(object: &Value) -> Bytes {
    format!("{object}\n").into()
}

/// An event with the name first, CRLF, and spaces in its JSON, since clients were written against
/// that (http-api 2.3).
fn event(name: &str, data: &Value) -> Bytes {
    format!("event: {name}\r\ndata: {}\r\n\r\n", spaced_json(data)).into()
}

/// What one frame of HTTP/2 holds.
const LARGEST_FRAME: usize = 16 * 1024;

/// A reset stream of HTTP/2 takes along what was not written yet; what the model said before it
/// failed gets this long to leave.
const BREAKING: Duration = Duration::from_millis(50);

/// Proxies and load balancers cut streams that are silent for half a minute (http-api 2.3).
const PING: Duration = Duration::from_secs(15);
