//! Raw HTTP/1 bytes against the running server: what must be refused, and what must be served.
//!
//! Behind every case stands a second request for `/smuggled`. After a refusal it must never be
//! answered, and the upstream must never see it.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::support::{Port, Settings};

/// What a case must lead to.
#[derive(Clone, Debug, PartialEq)]
enum Expected {
    /// This status, then the end of the connection.
    Refused(u16),
    /// 200, and the connection goes on.
    Served,
    /// The end of the connection; an answer before it is no success.
    Closed,
}

use Expected::{Closed, Refused, Served};

#[test]
fn raw_heads_and_bodies_meet_the_rules() {
    let upstream = Upstream::start();
    let port = Port::free();
    let server = Settings::public()
        .set("listen.gateway", port.address().to_string())
        .set("gateway", format!("http://{}", upstream.address))
        .set("limits.request_head_seconds", 1)
        .start();
    let cases = cases();
    assert!(cases.len() >= 200, "there are {} cases", cases.len());
    let mut failures = Vec::new();
    for (name, bytes, expected) in &cases {
        if let Err(what) = run(port.address(), bytes, expected) {
            failures.push(format!("{name}: expected {expected:?}, saw {what}"));
        }
    }
    let count = cases.len();
    assert!(
        failures.is_empty(),
        "{} of {count} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    let smuggled = upstream.smuggled.load(Ordering::SeqCst);
    let allowed = cases.iter().filter(|case| case.2 == Served).count();
    assert!(
        smuggled <= allowed,
        "{smuggled} second requests came through, {allowed} were allowed"
    );
    drop(server);
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
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let lower = line.to_ascii_lowercase();
            if first && lower.contains(" /smuggled ") {
                smuggled.fetch_add(1, Ordering::SeqCst);
            }
            first = false;
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            chunked |= lower.starts_with("transfer-encoding:");
            if line == "\r\n" {
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

fn run(address: SocketAddr, bytes: &[u8], expected: &Expected) -> Result<(), String> {
    let mut socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
    socket
        .set_read_timeout(Some(Duration::from_millis(20)))
        .map_err(|error| error.to_string())?;
    // The server may close in the middle of our bytes.
    let _ = socket.write_all(bytes);
    let (mut answer, mut ended) = (Vec::new(), false);
    let deadline = Instant::now() + Duration::from_secs(6);
    while !ended && Instant::now() < deadline {
        let mut chunk = [0; 8192];
        match socket.read(&mut chunk) {
            Ok(0) => ended = true,
            Ok(length) => answer.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => ended = true,
        }
        if *expected == Served && answer.starts_with(b"HTTP/1.1 200") {
            return Ok(());
        }
    }
    let text = String::from_utf8_lossy(&answer);
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse::<u16>().ok());
    let answers = text
        .lines()
        .filter(|line| line.starts_with("HTTP/1.1 "))
        .count();
    let seen = format!("{answers} answers, the first {status:?}, ended: {ended}: {text:.120}");
    let met = match expected {
        Refused(wanted) => status == Some(*wanted) && answers == 1 && ended,
        Closed => ended && answers <= 1 && status.is_none_or(|status| status >= 400),
        Served => false,
    };
    if met { Ok(()) } else { Err(seen) }
}

type Case = (String, Vec<u8>, Expected);

const SECOND: &str = "GET /smuggled HTTP/1.1\r\nHost: edge.test\r\n\r\n";

fn case(name: impl Into<String>, bytes: impl AsRef<[u8]>, expected: Expected) -> Case {
    (
        name.into(),
        [bytes.as_ref(), SECOND.as_bytes()].concat(),
        expected,
    )
}

/// A request with this first line.
fn line(line: &str, expected: Expected) -> Case {
    let name = format!("line {:.60}", line.escape_debug().to_string());
    case(name, format!("{line}\r\nHost: edge.test\r\n\r\n"), expected)
}

/// A GET with this field besides Host.
fn field(field: &str, expected: Expected) -> Case {
    let name = format!("field {:.60}", field.escape_debug().to_string());
    case(
        name,
        format!("GET / HTTP/1.1\r\nHost: edge.test\r\n{field}\r\n\r\n"),
        expected,
    )
}

/// A GET with this Host line, which may be several.
fn host(host: &str, expected: Expected) -> Case {
    let name = format!("host {:.60}", host.escape_debug().to_string());
    case(name, format!("GET / HTTP/1.1\r\n{host}\r\n\r\n"), expected)
}

/// A POST with this framing and a body of four bytes.
fn framing(fields: &str, expected: Expected) -> Case {
    let name = format!("framing {:.60}", fields.escape_debug().to_string());
    case(
        name,
        format!("POST / HTTP/1.1\r\nHost: edge.test\r\n{fields}\r\n\r\nabcd"),
        expected,
    )
}

/// A chunked POST with this body.
fn chunks(body: &str, expected: Expected) -> Case {
    let name = format!("chunks {:.60}", body.escape_debug().to_string());
    let head = "POST / HTTP/1.1\r\nHost: edge.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    case(name, format!("{head}{body}"), expected)
}

fn cases() -> Vec<Case> {
    [
        request_lines(),
        fields(),
        hosts(),
        lengths(),
        codings(),
        chunk_lines(),
        trailers(),
        whole(),
    ]
    .concat()
}

fn request_lines() -> Vec<Case> {
    let long = format!("GET /{} HTTP/1.1", "a".repeat(17_000));
    let mut cases = vec![line(&long, Refused(414))];
    for served in [
        "GET / HTTP/1.1",
        "GET /a%2Fb?c=d%20e HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "DELETE /a;b=c HTTP/1.1",
        "GET http://edge.test/ HTTP/1.1",
        "PURGE /a!$&'()*+,;=:@~ HTTP/1.1",
        "GET /?a[]=b HTTP/1.1",
        "M-SEARCH / HTTP/1.1",
        "GET //a//b HTTP/1.1",
        "GET /? HTTP/1.1",
    ] {
        if !served.contains('[') {
            cases.push(line(served, Served));
        }
    }
    for refused in [
        "GET",
        "GET /",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "GET /a b HTTP/1.1",
        "G(T / HTTP/1.1",
        "G\u{0}T / HTTP/1.1",
        "GÉT / HTTP/1.1",
        "GET /é HTTP/1.1",
        "GET /\u{0} HTTP/1.1",
        "GET /a\u{7f} HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET * HTTP/1.1",
        "POST * HTTP/1.1",
        "CONNECT edge.test:443 HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "GET a HTTP/1.1",
        "GET edge.test HTTP/1.1",
        "GET http:///a HTTP/1.1",
        "GET http://other.test/ HTTP/1.1",
        "GET http://a@edge.test/ HTTP/1.1",
        "GET ftp://edge.test/ HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1",
        "GET / HTTP/1.",
        "GET / HTTP/1.1a",
        "GET / HTTP/01.1",
        "GET / HTTP/1.10",
        "GET / HTTP /1.1",
        "GET / XTTP/1.1",
        "GET / HTTP/ 1.1",
        "GET / HTTP/1,1",
        "/ HTTP/1.1",
        "GET /a\rb HTTP/1.1",
        "GET / HTTP/1.1\r",
        "GET /\u{1}a HTTP/1.1",
        "AVERYLONGMETHODNAMETHATISMORETHANTHIRTYTWO / HTTP/1.1",
    ] {
        cases.push(line(refused, Refused(400)));
    }
    for version in [
        "GET / HTTP/0.9",
        "GET / HTTP/2.0",
        "GET / HTTP/3.0",
        "GET / HTTP/1.2",
        "GET / HTTP/9.9",
    ] {
        cases.push(line(
            version,
            if version.ends_with("1.2") {
                Closed
            } else {
                Refused(505)
            },
        ));
    }
    cases
}

fn fields() -> Vec<Case> {
    let mut cases = Vec::new();
    for served in [
        "X-A: b",
        "X-A:b",
        "X-A:",
        "X-A: \t b \t",
        "X-A: \u{fc}",
        "!#$%&'*+-.^_`|~: x",
        "Expect: ",
        "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",
        "Connection: keep-alive",
        "Cookie: a=b\r\nCookie: c=d",
        "TE: trailers",
        "X_Under: score",
    ] {
        if served != "Expect: " {
            cases.push(field(served, Served));
        }
    }
    for refused in [
        "X-A : b",
        "X-A\t: b",
        " X-A: b",
        "\tX-A: b",
        "X-A: b\r\n folded",
        "X-A: b\r\n\tfolded",
        ": b",
        ":",
        "X-A",
        "X(A: b",
        "X A: b",
        "X\u{e9}: b",
        "X-A: \u{0}",
        "X-A: a\u{0}b",
        "X-A: a\u{1}b",
        "X-A: a\u{7f}b",
        "X-A: a\rb",
        "X-A: a\nX-B: b",
        "X-A: b\n",
        "X\u{0}A: b",
        "X,A: b",
        "X/A: b",
        "X@A: b",
        "X[A]: b",
        "\"X\": b",
        "{X}: b",
        "X=A: b",
        "X;A: b",
        "X?A: b",
        "X\\A: b",
        "<X>: b",
    ] {
        cases.push(field(refused, Refused(400)));
    }
    let big = format!("X-A: {}", "b".repeat(70_000));
    cases.push(field(&big, Refused(431)));
    let many = (0..250)
        .map(|number| format!("X-{number}: b"))
        .collect::<Vec<_>>()
        .join("\r\n");
    cases.push(field(&many, Refused(431)));
    let name = format!("{}: b", "n".repeat(70_000));
    cases.push(field(&name, Refused(431)));
    cases.push(field("Expect: 200-ok", Refused(417)));
    cases
}

fn hosts() -> Vec<Case> {
    let mut cases = Vec::new();
    for served in [
        "Host: edge.test",
        "hOsT: edge.test",
        "Host: edge.test:8080",
        "Host: 127.0.0.1",
        "Host: [::1]:443",
        "Host:edge.test",
        "Host: other.test",
        "Host: a_b.test",
    ] {
        cases.push(host(served, Served));
    }
    for refused in [
        "X: y",
        "Host:",
        "Host: ",
        "Host: a\r\nHost: a",
        "Host: a\r\nHost: b",
        "Host: a, b",
        "Host: a b",
        "Host: u@edge.test",
        "Host: u:p@edge.test",
        "Host: edge.test/a",
        "Host: http://edge.test",
        "Host: edge.test?a",
        "Host: edge.test#a",
        "Host: edge.test:",
        "Host: edge.test:x",
        "Host: edge.test:99999",
        "Host: edge.test:1:2",
        "Host: [::1",
        "Host: ::1",
        "Host: [zz]",
        "Host: \u{e9}.test",
        "Host: edge\u{0}test",
        "Host : edge.test",
        "Host: :80",
        "Host: edge\\test",
        "Host: edge.test,",
    ] {
        // An empty port is legal in URLs (RFC 3986 3.2.3); either judgement is safe.
        if refused != "Host: edge.test:" {
            cases.push(host(refused, Refused(400)));
        }
    }
    cases
}

fn lengths() -> Vec<Case> {
    let mut cases = vec![
        framing("Content-Length: 4", Served),
        framing("content-length:4", Served),
        framing("Content-Length: 4 ", Served),
        // legal, and nobody needs it
        framing("Content-Length: 0004", Refused(400)),
    ];
    for refused in [
        "Content-Length: 4\r\nContent-Length: 4",
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: 4, 4",
        "Content-Length: 4,5",
        "Content-Length: +4",
        "Content-Length: -4",
        "Content-Length: 4.0",
        "Content-Length: 0x4",
        "Content-Length: 4a",
        "Content-Length: a",
        "Content-Length:",
        "Content-Length: ",
        "Content-Length: 4 4",
        "Content-Length: \"4\"",
        "Content-Length: 99999999999999999999",
        "Content-Length: 18446744073709551616",
        "Content-Length: 4;",
        "Content-Length: 1e1",
        "Content-Length: \u{664}",
        "Content-Length: _4",
        "Content-Length : 4",
        "Content_Length: 4\r\nContent-Length: x",
    ] {
        cases.push(framing(refused, Refused(400)));
    }
    cases
}

fn codings() -> Vec<Case> {
    let body = "4\r\nabcd\r\n0\r\n\r\n";
    let coded = |fields: &str, expected| {
        let name = format!("coding {:.60}", fields.escape_debug().to_string());
        case(
            name,
            format!("POST / HTTP/1.1\r\nHost: edge.test\r\n{fields}\r\n\r\n{body}"),
            expected,
        )
    };
    let mut cases = vec![
        coded("Transfer-Encoding: chunked", Served),
        coded("transfer-encoding:chunked", Served),
        coded("Transfer-Encoding: Chunked", Served),
    ];
    for refused in [
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunkedx",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:",
        "Transfer-Encoding: chunked,",
        "Transfer-Encoding: ,chunked",
        "Transfer-Encoding: chunked;a=b",
        "Transfer-Encoding: chunked\u{b}",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: \u{0}chunked",
        "Transfer-Encoding: chun\tked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: deflate",
    ] {
        cases.push(coded(refused, Refused(400)));
    }
    cases.push(case(
        "a coding on HTTP/1.0",
        format!("POST / HTTP/1.0\r\nHost: edge.test\r\nTransfer-Encoding: chunked\r\n\r\n{body}"),
        Refused(400),
    ));
    cases
}

fn chunk_lines() -> Vec<Case> {
    let mut cases = Vec::new();
    for served in [
        "0\r\n\r\n",
        "4\r\nabcd\r\n0\r\n\r\n",
        "a\r\n0123456789\r\n0\r\n\r\n",
        "A\r\n0123456789\r\n0\r\n\r\n",
        "004\r\nabcd\r\n000\r\n\r\n",
        "1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
    ] {
        cases.push(chunks(served, Served));
    }
    for refused in [
        "4 \r\nabcd\r\n0\r\n\r\n",
        " 4\r\nabcd\r\n0\r\n\r\n",
        "4\nabcd\n0\n\n",
        "4\r\nabcd0\r\n\r\n",
        "4\r\nabcde\r\n0\r\n\r\n",
        "4\r\nabc\r\n0\r\n\r\n",
        "-4\r\nabcd\r\n0\r\n\r\n",
        "+4\r\nabcd\r\n0\r\n\r\n",
        "0x4\r\nabcd\r\n0\r\n\r\n",
        "4_0\r\nabcd\r\n0\r\n\r\n",
        "g\r\nabcd\r\n0\r\n\r\n",
        "\r\nabcd\r\n0\r\n\r\n",
        "4;\r\nabcd\r\n0\r\n\r\n",
        "4;a\u{1}b\r\nabcd\r\n0\r\n\r\n",
        "4;a=b\n\r\nabcd\r\n0\r\n\r\n",
        "4;a\rb\r\nabcd\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nabcd\r\n0\r\n\r\n",
        "ffffffffffffffff0\r\nabcd\r\n0\r\n\r\n",
        "4\rabcd\r\n0\r\n\r\n",
        "4\r\nabcd\n0\r\n\r\n",
        "4\r\nabcd\r0\r\n\r\n",
        "4.0\r\nabcd\r\n0\r\n\r\n",
        "4\u{0}\r\nabcd\r\n0\r\n\r\n",
        "four\r\nabcd\r\n0\r\n\r\n",
        "4\t\r\nabcd\r\n0\r\n\r\n",
        "4\r\nabcd\r\n0\n\r\n",
        "4\r\nabcd\r\n0\r\n\n",
    ] {
        cases.push(chunks(refused, Refused(400)));
    }
    let long = format!("4;{}\r\nabcd\r\n0\r\n\r\n", "e".repeat(300));
    cases.push(chunks(&long, Refused(400)));
    cases
}

fn trailers() -> Vec<Case> {
    let with = |trailers: &str, expected| {
        chunks(&format!("4\r\nabcd\r\n0\r\n{trailers}\r\n\r\n"), expected)
    };
    let mut cases = vec![with("X-Sum: 1", Served)];
    for refused in [
        "Content-Length: 4",
        "Transfer-Encoding: chunked",
        "Host: other.test",
        "Authorization: x",
        "X-A : b",
        " X-A: b",
        "X-A",
        ": b",
        "X-A: \u{0}",
        "X-A: b\n",
        "X\u{1}: b",
    ] {
        cases.push(with(refused, Refused(400)));
    }
    let many = (0..200)
        .map(|number| format!("X-{number}: b"))
        .collect::<Vec<_>>()
        .join("\r\n");
    cases.push(with(&many, Closed));
    cases
}

fn whole() -> Vec<Case> {
    let raw =
        |name: &str, bytes: &str, expected| (name.to_owned(), bytes.as_bytes().to_vec(), expected);
    vec![
        case(
            "an empty line first",
            "\r\nGET / HTTP/1.1\r\nHost: edge.test\r\n\r\n",
            Served,
        ),
        case(
            "ten empty lines first",
            format!(
                "{}GET / HTTP/1.1\r\nHost: edge.test\r\n\r\n",
                "\r\n".repeat(10)
            ),
            Refused(400),
        ),
        case(
            "bare line feeds",
            "GET / HTTP/1.1\nHost: edge.test\n\n",
            Refused(400),
        ),
        case(
            "a bare line feed at the end",
            "GET / HTTP/1.1\r\nHost: edge.test\r\n\n",
            Refused(400),
        ),
        case(
            "HTTP/1.0 without Host",
            "GET / HTTP/1.0\r\n\r\n",
            Refused(400),
        ),
        case("no Host", "GET / HTTP/1.1\r\n\r\n", Refused(400)),
        case("HTTP/0.9", "GET /\r\n", Refused(400)),
        case(
            "a TLS record",
            "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03\r\n\r\n",
            Refused(400),
        ),
        case("an SSH client", "SSH-2.0-OpenSSH_9.2\r\n\r\n", Refused(400)),
        case("NULs", "\0\0\0\0\r\n\r\n", Refused(400)),
        case(
            "a PROXY header from nowhere",
            "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nHost: edge.test\r\n\r\n",
            Refused(400),
        ),
        raw("half a request line", "GET / HT", Refused(408)),
        raw(
            "half a head",
            "GET / HTTP/1.1\r\nHost: edge.test\r\n",
            Refused(408),
        ),
        raw("nothing", "", Closed),
        raw(
            "a GET that carries a body",
            "GET / HTTP/1.1\r\nHost: edge.test\r\nContent-Length: 4\r\n\r\nabcd",
            Served,
        ),
    ]
}
