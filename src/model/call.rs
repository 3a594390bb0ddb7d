//! The way of a call to an answer: attempts within the caller's time.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::Instant;

use super::{
    Answer, Budget, ModelError, ModelRequest, Target,
    answer::Heard,
    claude::turn_beginning,
    echo::echo,
    error::ErrorKind,
    exchange::{Exchange, Outgoing},
    measures::{Attempt, ModelMeasures},
    places::Place,
    provider::{Refused, STALE},
    reasoning::ThoughtFilter,
    told::Told,
};
use crate::foundation::Randomness;

/// What calls need.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) exchange: Exchange,
    pub(super) randomness: Arc<dyn Randomness>,
    pub(super) measures: ModelMeasures,
}

/// A call on its way.
struct Call<'a> {
    caller: &'a Caller,
    target: &'a Target,
    request: &'a ModelRequest,
    body: Bytes,
    /// What the server was found not to take.
    refused: Refused,
    budget: Budget,
    /// Until when something has to be heard.
    deadline: Instant,
    patience: Duration,
}

impl Caller {
    /// Asks until there is an answer, a failure that will stay, or no time left.
    pub(super) async fn ask(
        &self,
        target: &Target,
        mut request: ModelRequest,
        budget: Budget,
    ) -> Result<Answer, ModelError> {
        turn_beginning(&target.identifier.model, &mut request);
        let mut measure = self.measures.begin(target, &request);
        let thoughts = ThoughtFilter::new(target.family.strip_reasoning);
        if target.is_echo() {
            let told = Told {
                events: echo(&request),
                ..Told::of(target.identifier.model.clone())
            };
            return Ok(Answer::new(Heard::Whole(told), thoughts, measure, None));
        }
        let patience = budget.patience(request.stream);
        let refused = Refused::default();
        let call = Call {
            caller: self,
            target,
            request: &request,
            body: target.provider.body(target, &request, &refused).into(),
            refused,
            budget,
            deadline: Instant::now() + patience,
            patience,
        };
        match call.answer().await {
            Ok((heard, place)) => Ok(Answer::new(heard, thoughts, measure, place)),
            Err(error) => {
                measure.fail(&error);
                Err(error)
            }
        }
    }
}

impl Call<'_> {
    /// The first thing that a server says, and the place there that the answer takes.
    async fn answer(mut self) -> Result<(Heard, Option<Place>), ModelError> {
        let mut attempt = Attempt::First;
        let mut failures = 0;
        let mut tried = Vec::new();
        loop {
            let mut place = self.target.choose(&tried, Instant::now())?;
            tried.extend(place.as_ref().map(Place::index));
            self.caller.measures.attempt(attempt);
            let error = match self.send(place.as_ref()).await {
                Ok(heard) => {
                    if let Some(place) = &mut place {
                        place.succeeded();
                    }
                    return Ok((heard, place));
                }
                Err(error) => error,
            };
            if let Some(mut place) = place {
                place.judge(&error);
            }
            if error
                .parameter
                .is_some_and(|name| self.can_do_without(name))
            {
                tried.clear();
                attempt = Attempt::Adjusted;
            } else if error.is_unsent() && self.target.has_others(&tried) {
                attempt = Attempt::Elsewhere;
            } else {
                let Some(pause) = self.pause(&error, failures) else {
                    return Err(error);
                };
                tokio::time::sleep(pause).await;
                failures += 1;
                // where there are several servers, the next attempt is another's
                if !self.target.has_others(&tried) {
                    tried.clear();
                }
                attempt = Attempt::Again;
            }
            tracing::debug!(error = error.log(), ?attempt, "a model is asked once more");
        }
    }

    /// Whether the call differs once this is left out; if so, the next attempt does without.
    fn can_do_without(&mut self, parameter: &'static str) -> bool {
        if !self.refused.note(parameter) {
            return false;
        }
        let body = self
            .target
            .provider
            .body(self.target, self.request, &self.refused);
        // other credentials make another call of the same body
        let differs = parameter == STALE || self.body != body;
        self.body = body.into();
        differs
    }

    async fn send(&self, place: Option<&Place>) -> Result<Heard, ModelError> {
        let stream = self.request.stream;
        let endpoint = place.map_or(&self.target.endpoint, Place::endpoint);
        let url = self.target.provider.url(self.target, endpoint, stream);
        let outgoing = Outgoing {
            target: self.target,
            url: &url,
            body: self.body.clone(),
            stream,
            idle: self.budget.idle,
        };
        let sent = self.caller.exchange.send(outgoing);
        let sent = tokio::time::timeout_at(self.deadline, sent).await;
        sent.unwrap_or_else(|_| {
            let detail = format!("no answer within {:?}", self.patience);
            let place = super::target::place_of(&url);
            Err(ModelError::new(ErrorKind::Timeout, place, detail))
        })
    }

    /// How long to wait before the same is tried again; none where that makes no sense.
    fn pause(&self, error: &ModelError, failures: u32) -> Option<Duration> {
        if !error.is_passing() || failures == RETRIES {
            return None;
        }
        let pause = match error.retry_after() {
            Some(seconds) => Duration::from_secs(seconds.into()),
            None => self.jittered(failures),
        };
        let fits = Instant::now() + pause < self.deadline;
        (fits && pause <= LONGEST_PAUSE).then_some(pause)
    }

    /// Longer each time, and never for all at once.
    fn jittered(&self, failures: u32) -> Duration {
        let longest = FIRST_PAUSE * 2_u32.saturating_pow(failures + 1);
        let spread = longest.saturating_sub(FIRST_PAUSE);
        FIRST_PAUSE + spread.mul_f64(self.caller.randomness.fraction())
    }
}

/// After the first attempt (models-and-prompts 1.11); a server that fails thrice is down.
const RETRIES: u32 = 2;

/// Long enough for a worker to come back, short enough for the 3 s of a check.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Who asks for more is told to come back, rather than kept.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
