//! Access inside a test, with a clock that the test moves.

use std::{
    sync::Arc,
    time::{Duration, Instant, UNIX_EPOCH},
};

use duogate::{
    access::{
        Access, Audience, AuthenticationError, Caller, SourceState, SourceStatus, Surroundings,
    },
    config::{Config, LoadOptions, load},
    foundation::{Clock, Shutdown, ShutdownTrigger, SystemRandomness, Tasks},
    telemetry::{ExpositionFormat, Metrics, expose},
};
use http::{HeaderMap, HeaderName};
use serde_json::{Value, json};

use super::clock::MovableClock;

/// Access with everything it stands on.
pub(crate) struct Judge {
    pub(crate) access: Access,
    audience: Audience,
    pub(crate) clock: MovableClock,
    pub(crate) tasks: Tasks,
    metrics: Arc<Metrics>,
    trigger: ShutdownTrigger,
    shutdown: Shutdown,
}

impl Judge {
    /// Starts with these variables of the environment; a public server without a portal, unless
    /// they say otherwise.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_for(Audience::Gateway, variables)
    }

    /// The same for one of the services.
    pub(crate) fn start_for(audience: Audience, variables: &[(&str, &str)]) -> Self {
        let clock = MovableClock::new(Duration::from_millis(20));
        let (trigger, shutdown) = ShutdownTrigger::new();
        let (metrics, tasks) = (Arc::new(Metrics::new()), Tasks::new());
        let around = surroundings(&clock, &metrics, &tasks, &shutdown);
        let access = Access::start(&configuration(variables), audience, &around, None).unwrap();
        Self {
            access,
            audience,
            clock,
            tasks,
            metrics,
            trigger,
            shutdown,
        }
    }

    /// Starts with one GitLab instance.
    pub(crate) fn of(url: &str) -> Self {
        Self::start(&[("DUOGATE_GITLAB__0__URL", url)])
    }

    /// Another configuration, as a reload puts it in force.
    pub(crate) fn reload(&mut self, variables: &[(&str, &str)]) {
        let around = surroundings(&self.clock, &self.metrics, &self.tasks, &self.shutdown);
        let config = configuration(variables);
        self.access = Access::start(&config, self.audience, &around, Some(&self.access)).unwrap();
    }

    /// Waits until every source answered once.
    pub(crate) async fn ready(self) -> Self {
        self.until(|sources| {
            let mut sources = sources.iter();
            sources.all(|source| source.state == SourceState::Current)
        })
        .await;
        self
    }

    /// Waits until the sources do as wished, for ten seconds at most.
    #[track_caller]
    pub(crate) fn until(
        &self,
        wished: impl Fn(&[SourceStatus]) -> bool,
    ) -> impl Future<Output = ()> {
        let begin = Instant::now();
        async move {
            loop {
                let sources = self.access.sources();
                if wished(&sources) {
                    return;
                }
                assert!(begin.elapsed() < Duration::from_secs(10), "{sources:?}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    }

    /// What becomes of a token with the headers that GitLab sends beside it.
    pub(crate) async fn judge(&self, token: &str) -> Result<Arc<Caller>, AuthenticationError> {
        self.access
            .authenticate(&headers(&[("authorization", &format!("Bearer {token}"))]))
            .await
    }

    /// The same as the text of the wire, `ok` where it is accepted.
    pub(crate) async fn verdict(&self, token: &str) -> String {
        match self.judge(token).await {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// The claims of a GitLab's token at this moment, with changes; `"absent"` leaves one out.
    pub(crate) fn claims(&self, changes: &Value) -> Value {
        let now = self.now();
        let mut claims = json!({
            "iss": "https://gitlab.example.com", "sub": INSTANCE, "jti": "1",
            "aud": ["gitlab-ai-gateway", "gitlab-duo-workflow-service"],
            "iat": now, "nbf": now - 5, "exp": now + 3600,
            "gitlab_realm": "self-managed", "scopes": ["complete_code", "duo_classic_chat"],
        });
        for (name, value) in changes.as_object().unwrap() {
            if value == "absent" {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    }

    /// Seconds since 1970 on the clock of the test.
    pub(crate) fn now(&self) -> i64 {
        let now = self.clock.now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(now.as_secs()).unwrap()
    }

    /// A sample such as `duogate_key_fetches_total{outcome="ok"}`.
    pub(crate) fn metric(&self, sample: &str) -> u64 {
        let text = expose(&self.metrics, ExpositionFormat::Text);
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(sample)?.trim().parse().ok());
        value.unwrap_or_default()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.trigger
            .advance(duogate::foundation::ShutdownPhase::Cut);
    }
}

fn surroundings(
    clock: &MovableClock,
    metrics: &Arc<Metrics>,
    tasks: &Tasks,
    shutdown: &Shutdown,
) -> Surroundings {
    Surroundings {
        clock: Arc::new(clock.clone()),
        randomness: Arc::new(SystemRandomness),
        metrics: Arc::clone(metrics),
        tasks: tasks.clone(),
        shutdown: shutdown.clone(),
    }
}

fn configuration(variables: &[(&str, &str)]) -> Config {
    let always = [
        ("DUOGATE_DOMAINS", "edge.test"),
        ("DUOGATE_CUSTOMERS_PORTAL", ""),
    ];
    let given = |name: &str| variables.iter().any(|(given, _)| *given == name);
    let missing = always.iter().filter(|(name, _)| !given(name));
    let environment = variables.iter().chain(missing);
    let options = LoadOptions {
        environment: environment
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..LoadOptions::default()
    };
    load(&options).unwrap().config
}

/// The headers of a request of GitLab, with those given over them; an empty value leaves one out.
pub(crate) fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let usual = [
        ("x-gitlab-authentication-type", "oidc"),
        ("x-gitlab-realm", "self-managed"),
        ("x-gitlab-instance-id", INSTANCE),
        ("x-gitlab-global-user-id", "user"),
    ];
    for (name, value) in usual.iter().chain(pairs) {
        let name: HeaderName = name.parse().unwrap();
        if value.is_empty() {
            headers.remove(&name);
        } else {
            headers.insert(name, value.parse().unwrap());
        }
    }
    headers
}

/// The GitLab instance of the tests.
pub(crate) const INSTANCE: &str = "6a3d0f5e-0000-4000-8000-000000000001";
