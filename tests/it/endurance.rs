//! Renewals, reloads and swapped files together, while streams are open; then the end in order.

use std::{path::Path, thread, time::Duration};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{
    Duogate, Process, Settings, Standin, command,
    mock_authority::{Behaviour, MockAuthority, Validation},
    python, run,
};

#[test]
fn twenty_renewals_reloads_and_file_swaps_lose_no_stream() {
    let upstreams = Upstreams::start();
    let (mut renewing, authority) = renewing(&upstreams);
    let mut reading = reading(&upstreams);
    let mut long = open_streams(&renewing, &authority.issuer, &upstreams, STREAMS);
    let root = reading.root().to_owned();
    let mut short = open_streams(&reading, &root, &upstreams, FEW_STREAMS);

    thread::scope(|scope| {
        scope.spawn(|| renew(&renewing));
        scope.spawn(|| reload(&renewing));
        scope.spawn(|| swap_certificates(&reading));
    });
    for streams in long.iter().chain(&short) {
        assert!(!streams.output().contains("ended"), "{}", streams.output());
    }
    assert_eq!(authority.certificates().len(), 1 + ROUNDS);
    assert_eq!(authority.orders().len(), 1 + ROUNDS);

    reading.terminate();
    let status = reading.wait(Duration::from_secs(20));
    assert_eq!(status.code(), Some(0), "{}", reading.log());
    let few = FEW_STREAMS;
    assert_eq!(ends(&mut short[0]), json!({"sse": {"cut": few}}));
    let cut = json!({"websocket": {"1001": few}, "grpc": {"UNAVAILABLE": few}});
    assert_eq!(ends(&mut short[1]), cut);

    renewing.terminate();
    upstreams.web.process.signal(Signal::USR1);
    long[1].signal(Signal::USR1);
    let status = renewing.wait(Duration::from_secs(30));
    assert_eq!(status.code(), Some(0), "{}", renewing.log());
    assert_eq!(ends(&mut long[0]), json!({"sse": {"whole": STREAMS}}));
    let whole = json!({"websocket": {"1001": STREAMS}, "grpc": {"OK": STREAMS}});
    assert_eq!(ends(&mut long[1]), whole);
}

struct Upstreams {
    web: Standin,
    echo: Standin,
    platform: Standin,
}

impl Upstreams {
    fn start() -> Self {
        Self {
            web: Standin::start("http_api", &[]),
            echo: Standin::start("websocket_echo", &[]),
            platform: Standin::start("grpc_service", &[]),
        }
    }

    fn behind(&self, settings: Settings) -> Settings {
        settings
            .gateway(&self.web.url())
            .agent_platform(&self.platform.url())
            .set("limits.connections_per_client", 1000)
    }
}

/// A Duogate with certificates of an authority that looks for its challenges; streams have time
/// to end.
fn renewing(upstreams: &Upstreams) -> (Duogate, MockAuthority) {
    let authority = MockAuthority::start();
    let settings = Settings::public().acme(&authority.directory(), &authority.root);
    let (http, https) = (settings.http(), settings.https());
    authority.change(|behaviour: &mut Behaviour| {
        behaviour.validation = Validation::Real { http, https };
    });
    let settings = upstreams.behind(settings);
    let edge = settings.set("drain.grace_seconds", 6).start();
    edge.valid_certificate();
    (edge, authority)
}

/// A Duogate with certificates from files; its streams outlive the grace.
fn reading(upstreams: &Upstreams) -> Duogate {
    let settings = upstreams.behind(Settings::public());
    settings.set("drain.grace_seconds", 1).start()
}

/// Events from one upstream; after a reload WebSockets from another. Streams go on at the upstream
/// they began with.
fn open_streams(edge: &Duogate, root: &Path, upstreams: &Upstreams, count: usize) -> [Process; 2] {
    let events = streams(edge, root, count, &["sse"]);
    let mut file = edge.configuration();
    file["gateway"] = upstreams.echo.url().into();
    edge.reload(&file, "ok");
    [events, streams(edge, root, count, &["websocket", "grpc"])]
}

fn streams(edge: &Duogate, root: &Path, count: usize, kinds: &[&str]) -> Process {
    let mut command = python("clients/streams_client.py");
    command.arg(edge.https().to_string()).arg(root);
    command.arg(count.to_string()).args(kinds);
    let mut streams = Process::start("streams_client", command);
    streams.line_with("open", Duration::from_secs(60));
    streams
}

/// How the streams ended, by kind.
fn ends(streams: &mut Process) -> Value {
    streams.wait(Duration::from_secs(20));
    let output = streams.output();
    serde_json::from_str(output.lines().last().unwrap()).unwrap()
}

/// As an operator renews.
fn renew(edge: &Duogate) {
    let mut shown = edge.valid_certificate();
    for _ in 0..ROUNDS {
        let mut renew = command(env!("CARGO_BIN_EXE_duogate"));
        renew.env_clear().env("PATH", "/usr/bin:/bin");
        renew.env("DUOGATE_LISTEN__ADMIN", edge.admin().to_string());
        renew.args(["certs", "renew", "edge.test"]);
        run(renew, Duration::from_secs(20)).success();
        edge.next_certificate(&shown);
        // a wish that comes while the attempt still ends would be taken for the same one
        shown = edge.valid_certificate();
        assert_eq!(shown["failures"], 0, "{shown}");
    }
}

/// One by signal, one because the file changed, and so on.
fn reload(edge: &Duogate) {
    let mut file = edge.configuration();
    for round in 0..ROUNDS {
        file["drain"]["delay_seconds"] = (round % 2).into();
        edge.reload(&file, "ok");
        file["limits"]["connections_per_client"] = (1001 + round).into();
        let before = edge.reloads("ok");
        edge.replace_configuration(&file.to_string());
        edge.wait_for_reload("ok", before);
    }
}

fn swap_certificates(edge: &Duogate) {
    for round in 0..ROUNDS {
        edge.swap_certificate();
        if round % 4 == 0 {
            edge.reload(&edge.configuration(), "ok");
        }
        // two looks may see both halves of the pair as one change or as two
        edge.wait_for_outcome("certificate_file_reloads", "ok", round as u64);
    }
    assert_eq!(edge.outcomes("certificate_file_reloads", "failed"), 0);
}

/// Of renewals, of reloads, of file swaps.
const ROUNDS: usize = 20;

/// Of each kind.
const STREAMS: usize = 50;

/// Of each kind, where the grace cuts them.
const FEW_STREAMS: usize = 10;
