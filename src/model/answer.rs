//! An answer as it comes.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt};

use super::{
    Event, FinishReason, ModelError, ToolCall, Usage, Whole, measures::CallMeasure, places::Place,
    reasoning::ThoughtFilter, stream::ModelStream, told::Told,
};

/// A stream of [`Event`]s that ends with the answer, or with the error that ended it. Tokens are
/// told once, at the end, however often the server counts. Dropping it ends the call at the server.
#[derive(Debug)]
pub struct Answer {
    heard: Heard,
    /// Absent once the text is over.
    thoughts: Option<ThoughtFilter>,
    usage: Option<Usage>,
    /// The model wants a tool.
    calls: bool,
    measure: CallMeasure,
    /// The place at the server that this answer takes.
    place: Option<Place>,
}

/// What a server said.
#[derive(Debug)]
pub(super) enum Heard {
    /// All of it.
    Whole(Told),
    /// The beginning.
    Stream(Box<ModelStream>),
}

impl Answer {
    pub(super) fn new(
        heard: Heard,
        thoughts: ThoughtFilter,
        measure: CallMeasure,
        place: Option<Place>,
    ) -> Self {
        Self {
            heard,
            thoughts: Some(thoughts),
            usage: None,
            calls: false,
            measure,
            place,
        }
    }

    /// What the server calls the model, else what it was asked for.
    pub fn model_name(&self) -> &str {
        match &self.heard {
            Heard::Whole(told) => &told.model,
            Heard::Stream(stream) => &stream.told.model,
        }
    }

    /// Waits for all of it.
    pub async fn collect(mut self) -> Result<Whole, ModelError> {
        let mut whole = Whole::default();
        let mut indexes = Vec::new();
        while let Some(event) = self.next().await {
            match event? {
                Event::Text(text) if whole.text.is_empty() => whole.text = text,
                Event::Text(text) => whole.text.push_str(&text),
                Event::Usage(usage) => whole.usage = Some(usage),
                Event::Finish(reason) => whole.finish = reason,
                Event::ToolCall { index, id, name } => {
                    indexes.push(index);
                    let arguments = String::new();
                    whole.tool_calls.push(ToolCall {
                        id,
                        name,
                        arguments,
                    });
                }
                Event::Arguments { index, text } => {
                    let at = indexes.iter().rposition(|known| *known == index);
                    if let Some(call) = at.and_then(|at| whole.tool_calls.get_mut(at)) {
                        call.arguments.push_str(&text);
                    }
                }
                Event::Reasoning(_) => {}
            }
        }
        for call in &mut whole.tool_calls {
            if call.arguments.is_empty() {
                "{}".clone_into(&mut call.arguments);
            }
        }
        Ok(whole)
    }

    /// What belongs to the answer of an event; none for a piece of a thought.
    fn take(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Text(text) => {
                let text = match &mut self.thoughts {
                    Some(thoughts) => thoughts.push(text),
                    None => text,
                };
                if text.is_empty() {
                    return None;
                }
                self.measure.text();
                Some(Event::Text(text))
            }
            Event::Usage(usage) => {
                self.usage = Some(usage);
                self.measure.usage(usage);
                None
            }
            Event::Finish(reason) => {
                // some servers say that the model is done, or nothing
                let reason = match reason {
                    FinishReason::Stop | FinishReason::Other if self.calls => {
                        FinishReason::ToolCalls
                    }
                    other => other,
                };
                self.measure.finish(reason);
                Some(Event::Finish(reason))
            }
            Event::ToolCall { .. } => {
                self.calls = true;
                self.measure.text();
                Some(event)
            }
            Event::Arguments { .. } => {
                self.measure.text();
                Some(event)
            }
            Event::Reasoning(text) => Some(Event::Reasoning(text)),
        }
    }

    /// What is left once the server has said everything.
    fn rest(&mut self) -> Option<Event> {
        self.place = None;
        let held = self.thoughts.take().map(|mut thoughts| thoughts.finish());
        if let Some(held) = held
            && !held.is_empty()
        {
            self.measure.text();
            return Some(Event::Text(held));
        }
        self.usage.take().map(Event::Usage)
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Event>, ModelError>> {
        match &mut self.heard {
            Heard::Whole(told) => Poll::Ready(Ok(told.events.pop_front())),
            Heard::Stream(stream) => stream
                .poll_fill(context)
                .map_ok(|()| stream.told.events.pop_front()),
        }
    }
}

impl Stream for Answer {
    type Item = Result<Event, ModelError>;

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Event, ModelError>>> {
        let this = self.get_mut();
        loop {
            match this.poll_event(context) {
                Poll::Ready(Ok(Some(event))) => {
                    if let Some(event) = this.take(event) {
                        return Poll::Ready(Some(Ok(event)));
                    }
                }
                Poll::Ready(Ok(None)) => return Poll::Ready(this.rest().map(Ok)),
                Poll::Ready(Err(error)) => {
                    // what was held back belongs to an answer that is none
                    this.thoughts = None;
                    this.usage = None;
                    this.measure.fail(&error);
                    if let Some(mut place) = this.place.take() {
                        place.judge(&error);
                    }
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
