//! Listening sockets: options, bounds, descriptors, sockets that a service manager hands over.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use duogate::{
    config::{Limits, Listen},
    foundation::{ListenerKind, ShutdownPhase, ShutdownTrigger, Tasks},
    listener::{AcceptSettings, BindRequest, Incoming, InheritedSockets, bind, run},
    telemetry::Metrics,
};
use socket2::SockRef;

use crate::support::{Port, Settings, command, edge::Edge, get, wire::Wire};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn bind_one(kind: ListenerKind, address: &str) -> duogate::listener::Listener {
    let address = address.parse().unwrap();
    let request = BindRequest { kind, address };
    let mut listeners = bind(&[request], InheritedSockets::default()).unwrap();
    listeners.pop().unwrap()
}

fn accept_settings(limits: &Limits) -> Arc<ArcSwap<AcceptSettings>> {
    let metrics = Arc::new(Metrics::new());
    let settings = AcceptSettings::new(&Listen::default(), limits, metrics, Tasks::new());
    Arc::new(ArcSwap::from_pointee(settings))
}

#[tokio::test]
async fn accepted_sockets_do_not_delay_and_are_probed() {
    let listener = bind_one(ListenerKind::Https, "[::]:0");
    let port = listener.address().port();
    let (trigger, shutdown) = ShutdownTrigger::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let accepted = Arc::clone(&seen);
    let tasks = Tasks::new();
    let settings = accept_settings(&Limits::default());
    let note = move |incoming: Incoming| {
        let socket = incoming.stream.socket();
        let options = SockRef::from(socket);
        accepted.lock().unwrap().push((
            socket.nodelay().unwrap(),
            options.keepalive().unwrap(),
            options.tcp_keepalive_time().unwrap(),
            incoming.stream.peer().ip().to_string(),
        ));
    };
    tasks.spawn("accept", run(listener, settings, note, shutdown));
    // An IPv4 client of the dual-stack socket is told by its IPv4 address.
    let _client = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    let expected = (true, true, Duration::from_secs(60), "127.0.0.1".to_owned());
    let until = Instant::now() + Duration::from_secs(5);
    while seen.lock().unwrap().is_empty() && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(*seen.lock().unwrap(), [expected]);
    trigger.advance(ShutdownPhase::Draining);
    tasks.finished().await;
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn connections_above_the_bounds_are_closed_at_once() {
    for (connections, connections_per_client, outcome) in
        [(3, 100, "total"), (100, 3, "per_client")]
    {
        let limits = Limits {
            connections,
            connections_per_client,
            ..Limits::default()
        };
        let edge = Edge::with(&limits, &Listen::default());
        let mut open = Vec::new();
        for number in 0..5 {
            let mut wire = Wire::connect(edge.address).await;
            wire.send(GET).await;
            assert_eq!(
                wire.answer().await.is_some(),
                number < 3,
                "{outcome} {number}"
            );
            open.push(wire);
        }
        let refused = format!("duogate_connections_refused_total{{outcome=\"{outcome}\"}}");
        assert_eq!(edge.metric(&refused), 2);
        assert_eq!(
            edge.metric("duogate_connections_open{listener=\"gateway\"}"),
            3
        );
        open.clear();
        let until = Instant::now() + Duration::from_secs(5);
        while edge.metric("duogate_connections_open{listener=\"gateway\"}") > 0 {
            assert!(Instant::now() < until, "places do not come back");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut wire = Wire::connect(edge.address).await;
        wire.send(GET).await;
        assert!(wire.answer().await.is_some());
    }
}

#[tokio::test]
async fn clients_of_trusted_proxies_have_no_bound_of_their_own() {
    let limits = Limits {
        connections_per_client: 1,
        ..Limits::default()
    };
    let listen = Listen {
        trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()],
        ..Listen::default()
    };
    let edge = Edge::with(&limits, &listen);
    let mut open = Vec::new();
    for _ in 0..5 {
        let mut wire = Wire::connect(edge.address).await;
        wire.send(GET).await;
        assert!(wire.answer().await.is_some());
        open.push(wire);
    }
}

#[test]
fn every_port_that_cannot_be_had_is_named_with_a_remedy() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let mut server = Settings::public()
        .set("listen.gateway", taken.as_str())
        .set("listen.agent_platform", "203.0.113.1:50052")
        .spawn();
    let status = server.wait(Duration::from_secs(20));
    assert!(!status.success());
    let log = server.log();
    assert!(
        log.contains("listen.gateway") && log.contains(&taken),
        "{log}"
    );
    assert!(log.contains("ss -ltnp"), "{log}");
    assert!(log.contains("listen.agent_platform"), "{log}");
    assert!(TcpStream::connect(server.http()).is_err());
}

#[test]
fn without_descriptors_the_server_waits_and_goes_on() {
    let mut limited = command("sh");
    // The hard limit counts: the soft one is raised at the start.
    limited.args([
        "-c",
        "ulimit -n 64; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_duogate"),
    ]);
    let mut server = Settings::public().spawn_by(limited);
    server.wait_until_ready(Duration::from_secs(20));
    let address = server.http();
    let crowd: Vec<TcpStream> = (0..100)
        .map_while(|_| TcpStream::connect(address).ok())
        .collect();
    assert_eq!(
        crowd.len(),
        100,
        "the kernel keeps what is not accepted yet"
    );
    server.log_line("accept failed");
    drop(crowd);
    let until = Instant::now() + Duration::from_secs(10);
    while get(server.admin(), "/healthz").is_none_or(|answer| answer.status != 200) {
        assert!(
            Instant::now() < until,
            "it does not come back:\n{}",
            server.log()
        );
        thread::sleep(Duration::from_millis(50));
    }
    let lines = server.log().matches("accept failed").count();
    assert!(lines <= 10, "{lines} lines about one storm");
    let metrics = server.operator("/metrics").body;
    let errors = metrics.lines().find_map(|line| {
        line.strip_prefix("duogate_accept_errors_total ")?
            .parse::<u64>()
            .ok()
    });
    assert!(errors.is_some_and(|errors| errors > 0), "{errors:?}");
}

/// What a service manager does: the socket becomes descriptor 3, the variables name it.
fn handed_over(socket: &TcpListener) -> std::process::Command {
    rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::empty()).unwrap();
    let mut shell = command("sh");
    let script = format!(
        "exec 3<&{}; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"",
        socket.as_raw_fd()
    );
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_duogate")]);
    shell
}

#[test]
fn an_inherited_socket_is_served() {
    let port = Port::free();
    let socket = TcpListener::bind(port.address()).unwrap();
    // A connection made before the process exists waits in the socket.
    let early: SocketAddr = port.address();
    let early = thread::spawn(move || get(early, "/monitoring/healthz"));
    let mut server = Settings::public()
        .set("listen.gateway", port.address().to_string())
        .spawn_by(handed_over(&socket));
    server.wait_until_ready(Duration::from_secs(20));
    let answer = early.join().unwrap();
    assert!(
        answer.is_some_and(|answer| answer.status == 200),
        "{}",
        server.log()
    );
}

#[test]
fn an_inherited_socket_that_nothing_asks_for_is_an_error() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let mut server = Settings::public().spawn_by(handed_over(&socket));
    assert!(!server.wait(Duration::from_secs(20)).success());
    assert!(server.log().contains(&address), "{}", server.log());
}

#[test]
fn systemd_hands_sockets_over() {
    let activate = "/usr/bin/systemd-socket-activate";
    if !std::path::Path::new(activate).exists() {
        return crate::support::skip("systemd-socket-activate is not installed");
    }
    let port = Port::free();
    let mut wrapper = command(activate);
    wrapper.args([
        "--listen",
        &port.address().to_string(),
        env!("CARGO_BIN_EXE_duogate"),
    ]);
    let mut server = Settings::public()
        .set("listen.gateway", port.address().to_string())
        .spawn_by(wrapper);
    // The wrapper starts the server on the first connection.
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = get(port.address(), "/monitoring/healthz");
        if answer.is_some_and(|answer| answer.status == 200) {
            break;
        }
        assert!(Instant::now() < until, "{}", server.log());
        thread::sleep(Duration::from_millis(50));
    }
    server.terminate();
    assert!(
        server.wait(Duration::from_secs(20)).success(),
        "{}",
        server.log()
    );
}
