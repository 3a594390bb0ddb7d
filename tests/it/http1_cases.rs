//! Raw HTTP/1 bytes against the running server: what must be refused, and what must be served.
//!
//! Behind every case that must be refused stands a second, well-formed request for `/smuggled`:
//! it must never be answered, and no upstream may see it. The table is sent twice: to the real
//! binary that forwards to an upstream, each case whole; and to the edge inside this process,
//! each case whole, in small pieces and byte by byte.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::task::JoinSet;

use crate::support::{Port, Settings, edge::Edge, wire::Wire};

mod table;

/// The statuses that must come back, in order. A refusal is the last and ends the connection.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    bytes: Vec<u8>,
    statuses: Vec<u16>,
}

impl Case {
    fn refused(name: impl Into<String>, bytes: impl Into<Vec<u8>>, status: u16) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            statuses: vec![status],
        }
    }

    fn served(name: impl Into<String>, bytes: impl Into<Vec<u8>>, requests: usize) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            statuses: vec![200; requests],
        }
    }

    fn is_refusal(&self) -> bool {
        self.statuses.last().is_some_and(|status| *status >= 400)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_requests_through_the_binary_to_an_upstream() {
    let upstream = Upstream::start();
    let port = Port::free();
    let server = Settings::public()
        .set("listen.gateway", port.address().to_string())
        .set("gateway", format!("http://{}", upstream.address))
        .start();
    all_meet_the_rules(port.address(), &[usize::MAX]).await;
    let smuggled = upstream.smuggled.load(Ordering::SeqCst);
    assert_eq!(smuggled, 0, "smuggled requests came through");
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_requests_in_pieces() {
    let edge = Edge::start();
    all_meet_the_rules(edge.address, &[usize::MAX, 7, 1]).await;
    let seen = edge.door.seen.lock().expect("no test panics in there");
    let smuggled = seen.iter().filter(|line| line.contains("smuggled")).count();
    assert_eq!(smuggled, 0, "a smuggled request was served");
}

/// Nobody thins them unnoticed.
#[test]
fn there_are_so_many_cases() {
    let cases = table::cases();
    assert!(cases.len() >= 300, "there are {} cases", cases.len());
    let refusals = cases.iter().filter(|case| case.is_refusal()).count();
    assert!(refusals >= 220, "{refusals} of them are refused");
    let mut names: Vec<_> = cases.iter().map(|case| &case.name).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
}

/// Runs every case in pieces of each length.
async fn all_meet_the_rules(address: SocketAddr, pieces: &'static [usize]) {
    let cases = table::cases();
    let count = cases.len();
    let mut running = JoinSet::new();
    let mut failures = Vec::new();
    for case in cases {
        if running.len() >= AT_ONCE {
            let ended: Vec<String> = running.join_next().await.unwrap().unwrap();
            failures.extend(ended);
        }
        running.spawn(async move { run_in_pieces(address, &case, pieces).await });
    }
    while let Some(ended) = running.join_next().await {
        failures.extend(ended.unwrap());
    }
    assert!(
        failures.is_empty(),
        "{} failures in {count} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

async fn run_in_pieces(address: SocketAddr, case: &Case, pieces: &[usize]) -> Vec<String> {
    let mut failures = Vec::new();
    for piece in pieces {
        // Byte by byte takes too long for the few large cases.
        if *piece == 1 && case.bytes.len() > 4000 {
            continue;
        }
        if let Err(what) = run(address, case, *piece).await {
            failures.push(format!("{} (pieces of {piece}): {what}", case.name));
        }
    }
    failures
}

async fn run(address: SocketAddr, case: &Case, piece: usize) -> Result<(), String> {
    let mut wire = Wire::connect(address).await;
    let mut bytes = case.bytes.clone();
    if case.is_refusal() {
        bytes.extend(b"GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n");
    }
    wire.send_in_pieces(&bytes, piece).await;
    for expected in &case.statuses {
        let Some(answer) = wire.answer().await else {
            return Err(format!("closed instead of {expected}"));
        };
        if answer.status != *expected {
            let (status, body) = (answer.status, answer.body);
            return Err(format!("{status} instead of {expected}: {body}"));
        }
        if answer.status >= 400 {
            check_refusal(&answer.head, &answer.body)?;
        }
    }
    if case.is_refusal() {
        return match wire.answer().await {
            None => Ok(()),
            Some(answer) => Err(format!("one more answer: {}", answer.status)),
        };
    }
    if wire.is_quiet(Duration::from_millis(30)).await {
        Ok(())
    } else {
        Err("more answers than requests, or closed".to_owned())
    }
}

/// A refusal says who refused, why, and that the connection ends.
fn check_refusal(head: &str, body: &str) -> Result<(), String> {
    let json: serde_json::Value =
        serde_json::from_str(body).map_err(|error| format!("body {body:?}: {error}"))?;
    let head = head.to_ascii_lowercase();
    let wanted = [
        "server: duogate/",
        "content-type: application/json",
        "connection: close",
    ];
    match wanted.iter().find(|field| !head.contains(*field)) {
        Some(field) => Err(format!("no {field} in {head}")),
        None if json["detail"].is_string() => Ok(()),
        None => Err(format!("no detail in {body}")),
    }
}

/// Reads each request whole and answers 200; counts requests for `/smuggled`.
struct Upstream {
    address: SocketAddr,
    smuggled: Arc<AtomicUsize>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let smuggled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&smuggled);
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let count = Arc::clone(&count);
                thread::spawn(move || serve(socket, &count));
            }
        });
        Self { address, smuggled }
    }
}

fn serve(socket: TcpStream, smuggled: &AtomicUsize) -> Option<()> {
    let mut writer = socket.try_clone().ok()?;
    let mut reader = BufReader::new(socket);
    loop {
        let (mut length, mut chunked, mut first) = (0, false, true);
        loop {
            // Values may hold bytes that are no UTF-8.
            let mut line = Vec::new();
            if reader.read_until(b'\n', &mut line).ok()? == 0 {
                return None;
            }
            let lower = String::from_utf8_lossy(&line).to_ascii_lowercase();
            if first && lower.contains("/smuggled") {
                smuggled.fetch_add(1, Ordering::SeqCst);
            }
            first = false;
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            chunked |= lower.starts_with("transfer-encoding:");
            if line == b"\r\n" {
                break;
            }
        }
        if chunked {
            read_chunks(&mut reader)?;
        } else {
            std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink()).ok()?;
        }
        writer
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .ok()?;
    }
}

fn read_chunks(reader: &mut impl BufRead) -> Option<()> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let length = u64::from_str_radix(line.trim(), 16).ok()?;
        if length == 0 {
            while reader.read_line(&mut line).ok()? > 2 {}
            return Some(());
        }
        std::io::copy(&mut reader.take(length + 2), &mut std::io::sink()).ok()?;
    }
}

/// Enough to be quick, few enough for a small machine.
const AT_ONCE: usize = 32;
