//! Renewal information (RFC 9773): when certificates are renewed, and what the order replaces.

#![expect(
    clippy::disallowed_methods,
    reason = "windows are told in the machine's time"
)]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use duogate::{
    app::{self, Services},
    listener::InheritedSockets,
};
use serde_json::Value;
use time::{
    OffsetDateTime,
    format_description::well_known::{Rfc2822, Rfc3339},
};

use super::support::{
    Settings,
    clock::MovableClock,
    mock_authority::{Behaviour, MockAuthority, RenewalInfo, Replaces, Step},
};

fn edge(authority: &MockAuthority) -> Settings {
    Settings::public().acme(&authority.directory(), &authority.root)
}

/// What each order, refused ones too, said that it replaces.
fn replaced(authority: &MockAuthority) -> Vec<Option<String>> {
    let orders = authority.requests(Step::NewOrder);
    let told = orders
        .iter()
        .map(|order| order.payload["replaces"].as_str());
    told.map(|told| told.map(ToOwned::to_owned)).collect()
}

#[test]
fn a_window_in_the_past_renews_once_whatever_the_authority_says_of_replaces() {
    let cases = [
        (Replaces::Echoed, 0),
        (Replaces::Silent, 0),
        (Replaces::AlreadyReplaced, 1),
        (Replaces::Malformed, 1),
    ];
    let running = cases.map(|(replaces, refused)| {
        let authority = MockAuthority::with(Behaviour {
            life: Duration::from_secs(200),
            replaces,
            ..Behaviour::default()
        });
        let now = SystemTime::now();
        authority.move_window(0, now - 2 * HOUR, now - HOUR);
        let server = edge(&authority).start();
        // at least a twentieth of the life lies between two orders, so it is seen in time
        let first = server.certificate_with("a first one", |shown| shown["serial"].is_string());
        (server, first, authority, replaces, refused)
    });
    for (server, first, authority, replaces, refused) in running {
        let renewed = server.next_certificate(&first);
        assert_eq!(renewed["failures"], 0, "{replaces:?}: {renewed}");
        // nothing is due any more once the successor's window is known
        authority.wait_for(Step::RenewalInfo, 2, Duration::from_secs(20));
        let certificates = authority.certificates();
        assert_eq!(certificates.len(), 2, "{replaces:?}");
        assert_eq!(authority.orders().len(), 2, "{replaces:?}");
        let mut wanted = vec![None, Some(certificates[0].identifier.clone())];
        wanted.extend(vec![None; refused]);
        let history = authority.history();
        assert_eq!(replaced(&authority), wanted, "{replaces:?}: {history:#?}");
    }
}

#[test]
fn a_window_ahead_is_shown_and_its_moment_outlives_a_restart() {
    let authority = MockAuthority::with(Behaviour {
        renewal_info: RenewalInfo {
            explanation: Some("https://ca.test/why".to_owned()),
            ..RenewalInfo::default()
        },
        ..Behaviour::default()
    });
    let start = SystemTime::now() + 10 * DAY;
    authority.move_window(0, start, start + 10 * DAY);
    let chosen = |shown: &Value| shown["window_chosen"].is_string();
    let server = edge(&authority).start();
    let before = server.certificate_with("a window", chosen);
    assert_eq!(before["window_explanation"], "https://ca.test/why");
    let moment = |name: &str| {
        let text = before[name].as_str().unwrap();
        OffsetDateTime::parse(text, &Rfc3339).unwrap()
    };
    let (from, at, to) = (
        moment("window_start"),
        moment("window_chosen"),
        moment("window_end"),
    );
    assert_eq!(to - from, 10 * DAY, "{before}");
    assert!((from..=to).contains(&at), "{before}");
    let server = server.kill().start();
    let after = server.certificate_with("a window", chosen);
    for name in ["serial", "window_start", "window_chosen", "window_end"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_eq!(authority.count(Step::RenewalInfo), 1, "it was told when");
    assert_eq!(authority.orders().len(), 1);
}

/// A Duogate of this process and its authority, both on a clock of the test.
struct Life {
    clock: MovableClock,
    authority: MockAuthority,
    _running: app::Running,
    _settings: Settings,
}

impl Life {
    /// Until the first certificate is there and its window was asked for.
    async fn start(prepare: impl FnOnce(&MockAuthority)) -> Self {
        let clock = MovableClock::new(Duration::from_millis(5));
        let authority = MockAuthority::on(Arc::new(clock.clone()), Behaviour::default());
        prepare(&authority);
        let settings = edge(&authority);
        let services = Services {
            clock: Arc::new(clock.clone()),
            ..Services::default()
        };
        let config = settings.loaded().config;
        let running = app::start(config, services, InheritedSockets::default())
            .await
            .unwrap();
        let life = Self {
            clock,
            authority,
            _running: running,
            _settings: settings,
        };
        life.authority
            .wait_for(Step::RenewalInfo, 1, Duration::from_secs(20));
        // the answer is read as well: a clock that is moved while it is on its way looks like a long wait for it
        life.at(Duration::ZERO).await;
        life
    }

    /// This long after the start, after whoever waits has looked at the clock.
    async fn at(&self, after: Duration) {
        self.clock.travel(after).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absurd_pauses_are_kept_between_a_minute_and_a_day() {
    let date = |ahead: Duration| {
        let moment = OffsetDateTime::from(SystemTime::now() + ahead);
        moment.format(&Rfc2822).unwrap().replace("+0000", "GMT")
    };
    let cases = [
        (Some("0"), MINUTE),
        (Some("315360000"), DAY),
        (Some(DATE), 2 * HOUR),
        (Some("-5"), 6 * HOUR),
        (Some("tomorrow"), 6 * HOUR),
        (None, 6 * HOUR),
    ];
    for (retry_after, pause) in cases {
        // counted from now, not from when the first case began
        let retry_after = retry_after.map(|said| match said {
            DATE => date(pause),
            said => said.to_owned(),
        });
        let life = Life::start(|authority| {
            authority.change(|behaviour| {
                behaviour.renewal_info.retry_after.clone_from(&retry_after);
            });
        })
        .await;
        // a busy machine may have needed half a minute until here
        life.at(pause.saturating_sub(MINUTE / 2)).await;
        let asked = life.authority.count(Step::RenewalInfo);
        assert_eq!(asked, 1, "{retry_after:?}: before its time");
        life.at(pause + MINUTE / 2).await;
        life.authority
            .wait_for(Step::RenewalInfo, 2, Duration::from_secs(20));
        life.at(pause + MINUTE / 2).await;
        let asked = life.authority.count(Step::RenewalInfo);
        assert_eq!(asked, 2, "{retry_after:?}: more than once");
        assert_eq!(life.authority.orders().len(), 1, "{retry_after:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_windows_leave_the_decision_to_the_life_without_a_storm() {
    let backwards =
        r#"{"suggestedWindow":{"start":"2026-02-02T00:00:00Z","end":"2026-01-01T00:00:00Z"}}"#;
    for text in ["{\"suggestedWin", "<html>", "{}", backwards] {
        let life = Life::start(|authority| authority.garble_window(0, text)).await;
        life.at(HOUR / 2).await;
        let asked = life.authority.count(Step::RenewalInfo);
        assert_eq!(asked, 1, "{text}: again within the hour");
        life.at(55 * DAY).await;
        assert_eq!(life.authority.orders().len(), 1, "{text}: too early");
        life.at(61 * DAY).await;
        life.authority
            .wait_for(Step::Certificate, 2, Duration::from_secs(20));
        life.at(61 * DAY).await;
        assert_eq!(life.authority.orders().len(), 2, "{text}: one renewal");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_in_the_last_twentieth_of_the_life_is_not_waited_for() {
    let life = Life::start(|authority| {
        let end = SystemTime::now() + 90 * DAY;
        authority.move_window(0, end - 2 * HOUR, end - HOUR);
    })
    .await;
    life.at(84 * DAY).await;
    assert_eq!(life.authority.orders().len(), 1, "the window is followed");
    life.at(86 * DAY).await;
    life.authority
        .wait_for(Step::Certificate, 2, Duration::from_secs(20));
    assert_eq!(life.authority.orders().len(), 2);
}

/// A moment in the place of seconds.
const DATE: &str = "the date";

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
