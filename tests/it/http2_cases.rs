//! Raw HTTP/2 frames against the running server: the rules that h2spec checks, and floods.
//!
//! Every case writes bytes of its own making to the port that takes cleartext HTTP/2 and names
//! what must come back. Where RFC 9113 calls for a stream error a connection error is as good,
//! and where it calls for a connection error the end of the connection is as good.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use super::support::{
    Port, Settings,
    frames::{
        ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PADDED, PING, PRIORITY,
        PSEUDO, PUSH_PROMISE, RST_STREAM, SETTINGS, WINDOW_UPDATE, WITH_PRIORITY, after_start,
        field, fields, frame, get, get_fields, get_with, headers, open, preface, pseudo, setting,
        start, window_update,
    },
};

/// What a case must lead to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    /// The request on this stream is answered with a head.
    Served(u32),
    /// The connection ends, with GOAWAY or without.
    ConnectionEnds,
    /// This stream is reset, or the connection ends.
    StreamEnds(u32),
    /// This stream is reset, answered with a refusal, or the connection ends; it is not served.
    Refused(u32),
    /// A PING is answered.
    PingAnswered,
    /// SETTINGS are acknowledged.
    SettingsAcknowledged,
    /// A DATA frame of this length comes.
    Data(usize),
}

use Expected::{
    ConnectionEnds, Data, PingAnswered, Refused, Served, SettingsAcknowledged, StreamEnds,
};

#[test]
fn raw_frames_meet_the_rules() {
    let port = Port::free();
    let server = Settings::public()
        .set("listen.gateway", port.address().to_string())
        .set("limits.request_head_seconds", 2)
        .start();
    let mut failures = Vec::new();
    let cases = cases();
    let count = cases.len();
    for (name, bytes, expected) in cases {
        if let Err(what) = run(port.address(), &bytes, expected) {
            failures.push(format!("{name}: expected {expected:?}, saw {what}"));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {count} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    // Nobody else was affected.
    run(port.address(), &[start(), get(1)].concat(), Served(1)).expect("the server still serves");
    drop(server);
}

/// Nobody thins them unnoticed.
#[test]
fn there_are_so_many_cases() {
    let cases = cases();
    assert!(cases.len() >= 130, "there are {} cases", cases.len());
    let mut names: Vec<_> = cases.iter().map(|case| case.0).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
}

/// What came back on one connection.
#[derive(Debug, Default)]
struct Seen {
    frames: Vec<(u8, u8, u32, Vec<u8>)>,
    ended: bool,
}

impl Seen {
    fn has(&self, expected: Expected) -> bool {
        let on = |kind, stream| {
            self.frames
                .iter()
                .any(|frame| frame.0 == kind && frame.2 == stream)
        };
        let over = self.ended || on(GOAWAY, 0);
        match expected {
            Served(stream) => on(HEADERS, stream),
            ConnectionEnds => over,
            StreamEnds(stream) => over || on(RST_STREAM, stream),
            Refused(stream) => over || on(RST_STREAM, stream) || self.status(stream) >= 400,
            PingAnswered => self
                .frames
                .iter()
                .any(|frame| frame.0 == PING && frame.1 & ACK != 0),
            SettingsAcknowledged => self
                .frames
                .iter()
                .any(|frame| frame.0 == SETTINGS && frame.1 & ACK != 0),
            Data(length) => self
                .frames
                .iter()
                .any(|frame| frame.0 == DATA && frame.3.len() == length),
        }
    }

    /// The status of an answer, as far as the static table of HPACK tells it.
    fn status(&self, stream: u32) -> u16 {
        let head = self
            .frames
            .iter()
            .find(|frame| frame.0 == HEADERS && frame.2 == stream);
        match head.and_then(|frame| frame.3.first()) {
            Some(0x88) => 200,
            Some(0x8c) => 400,
            Some(0x8d) => 404,
            Some(0x8e) => 500,
            // 401, 413, 431 and others are literals with the indexed name :status
            Some(_) => 499,
            None => 0,
        }
    }
}

fn run(address: SocketAddr, bytes: &[u8], expected: Expected) -> Result<(), String> {
    let mut socket = TcpStream::connect(address).map_err(|error| error.to_string())?;
    socket
        .set_read_timeout(Some(Duration::from_millis(50)))
        .map_err(|error| error.to_string())?;
    // A server that ends the connection in the middle of our bytes is an outcome, not an error.
    let _ = socket.write_all(bytes);
    let mut seen = Seen::default();
    let mut buffer = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(8);
    while Instant::now() < deadline && !seen.ended && !seen.has(expected) {
        let mut chunk = [0; 16_384];
        match socket.read(&mut chunk) {
            Ok(0) => seen.ended = true,
            Ok(length) => buffer.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(_) => seen.ended = true,
        }
        take_frames(&mut buffer, &mut seen);
    }
    if seen.has(expected) {
        let served =
            matches!(expected, StreamEnds(stream) | Refused(stream) if seen.status(stream) == 200);
        return if served {
            Err(format!("the stream was served: {seen:?}"))
        } else {
            Ok(())
        };
    }
    let kinds: Vec<_> = seen.frames.iter().map(|frame| (frame.0, frame.2)).collect();
    Err(format!("frames {kinds:?}, ended: {}", seen.ended))
}

fn take_frames(buffer: &mut Vec<u8>, seen: &mut Seen) {
    while buffer.len() >= 9 {
        let length = u32::from_be_bytes([0, buffer[0], buffer[1], buffer[2]]) as usize;
        if buffer.len() < 9 + length {
            return;
        }
        let stream = u32::from_be_bytes([buffer[5], buffer[6], buffer[7], buffer[8]]);
        let payload = buffer[9..9 + length].to_vec();
        seen.frames
            .push((buffer[3], buffer[4], stream & 0x7fff_ffff, payload));
        buffer.drain(..9 + length);
    }
}

type Case = (&'static str, Vec<u8>, Expected);

fn cases() -> Vec<Case> {
    [
        beginnings(),
        framing(),
        streams(),
        blocks(),
        settings(),
        flow(),
        messages(),
        floods(),
    ]
    .concat()
}

#[rustfmt::skip]
fn beginnings() -> Vec<Case> {
    let late = [preface(), frame(PING, 0, 0, &[0; 8])].concat();
    vec![
        ("a plain request", after_start(&[get(1)]), Served(1)),
        ("two requests", after_start(&[get(1), get(3)]), Served(3)),
        ("a PING", after_start(&[frame(PING, 0, 0, b"12345678")]), PingAnswered),
        ("no SETTINGS after the preface", late, ConnectionEnds),
        ("garbage behind half a preface", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_vec(), ConnectionEnds),
        ("a preface that never ends", b"PRI * HTTP/2.0\r\n".to_vec(), ConnectionEnds),
        ("a preface and silence", preface(), ConnectionEnds),
        ("unknown frame types are ignored", after_start(&[frame(0xfe, 0, 0, b"x"), get(1)]), Served(1)),
        ("unknown flags are ignored", after_start(&[frame(PING, 0xfe, 0, &[0; 8])]), PingAnswered),
        ("the reserved bit is ignored", after_start(&[frame(PING, 0, 0x8000_0000, &[0; 8])]), PingAnswered),
        ("SETTINGS are acknowledged", start(), SettingsAcknowledged),
        ("unknown settings are ignored", after_start(&[frame(SETTINGS, 0, 0, &setting(0xff, 1)), get(1)]), Served(1)),
    ]
}

#[rustfmt::skip]
fn framing() -> Vec<Case> {
    let big = vec![0; 16_385];
    vec![
        ("DATA above the frame size", after_start(&[open(1, &[]), frame(DATA, END_STREAM, 1, &big)]), StreamEnds(1)),
        ("HEADERS above the frame size", after_start(&[frame(HEADERS, 5, 1, &big)]), ConnectionEnds),
        ("PING of 6 bytes", after_start(&[frame(PING, 0, 0, &[0; 6])]), ConnectionEnds),
        ("PING on a stream", after_start(&[frame(PING, 0, 1, &[0; 8])]), ConnectionEnds),
        ("RST_STREAM of 3 bytes", after_start(&[open(1, &[]), frame(RST_STREAM, 0, 1, &[0; 3])]), ConnectionEnds),
        ("RST_STREAM on stream 0", after_start(&[frame(RST_STREAM, 0, 0, &[0; 4])]), ConnectionEnds),
        ("RST_STREAM on an idle stream", after_start(&[frame(RST_STREAM, 0, 1, &[0; 4])]), ConnectionEnds),
        ("PRIORITY of 4 bytes", after_start(&[frame(PRIORITY, 0, 1, &[0; 4])]), StreamEnds(1)),
        ("PRIORITY on stream 0", after_start(&[frame(PRIORITY, 0, 0, &[0, 0, 0, 3, 1])]), ConnectionEnds),
        ("GOAWAY on a stream", after_start(&[frame(GOAWAY, 0, 1, &[0; 8])]), ConnectionEnds),
        ("WINDOW_UPDATE of 3 bytes", after_start(&[frame(WINDOW_UPDATE, 0, 0, &[0; 3])]), ConnectionEnds),
        ("PUSH_PROMISE from a client", after_start(&[get(1), frame(PUSH_PROMISE, 4, 1, &[0, 0, 0, 2])]), ConnectionEnds),
        ("SETTINGS above the frame size", after_start(&[frame(SETTINGS, 0, 0, &setting(0xff, 1).repeat(2731))]), ConnectionEnds),
        ("PING of 9 bytes", after_start(&[frame(PING, 0, 0, &[0; 9])]), ConnectionEnds),
        ("PING that acknowledges is not answered", after_start(&[frame(PING, ACK, 0, &[0; 8]), get(1)]), Served(1)),
        ("RST_STREAM of 5 bytes", after_start(&[open(1, &[]), frame(RST_STREAM, 0, 1, &[0; 5])]), ConnectionEnds),
        ("PRIORITY of 6 bytes", after_start(&[frame(PRIORITY, 0, 1, &[0; 6])]), StreamEnds(1)),
        ("GOAWAY of 7 bytes", after_start(&[frame(GOAWAY, 0, 0, &[0; 7])]), ConnectionEnds),
        ("WINDOW_UPDATE of 5 bytes", after_start(&[frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 9, 9])]), ConnectionEnds),
        ("RST_STREAM with an unknown code", after_start(&[open(1, &[]), frame(RST_STREAM, 0, 1, &[0, 0, 0, 0xff]), get(3)]), Served(3)),
        ("DATA of exactly the frame size", after_start(&[open(1, &[]), frame(DATA, END_STREAM, 1, &big[1..])]), Served(1)),
        ("padded DATA", after_start(&[open(1, &[]), frame(DATA, PADDED | END_STREAM, 1, &[2, 1, 0, 0])]), Served(1)),
        ("padded HEADERS", after_start(&[frame(HEADERS, PADDED | 5, 1, &[vec![2], get_fields(&[]), vec![0, 0]].concat())]), Served(1)),
        ("HEADERS with a priority", after_start(&[frame(HEADERS, WITH_PRIORITY | 5, 1, &[vec![0, 0, 0, 3, 16], get_fields(&[])].concat())]), Served(1)),
        ("HEADERS whose padding is all there is", after_start(&[frame(HEADERS, PADDED | 5, 1, &[0])]), Refused(1)),
        ("DATA padded beyond its end", after_start(&[open(1, &[]), frame(DATA, PADDED | END_STREAM, 1, &[9, 1, 1])]), ConnectionEnds),
        ("HEADERS padded beyond their end", after_start(&[frame(HEADERS, PADDED | 5, 1, &[200, 0x82])]), ConnectionEnds),
    ]
}

#[rustfmt::skip]
fn streams() -> Vec<Case> {
    let continuation = |stream| frame(CONTINUATION, END_HEADERS, stream, &[]);
    vec![
        ("a request on an even stream", after_start(&[get(2)]), ConnectionEnds),
        ("a request on stream 0", after_start(&[get(0)]), ConnectionEnds),
        ("DATA on stream 0", after_start(&[frame(DATA, END_STREAM, 0, b"x")]), ConnectionEnds),
        ("DATA on an idle stream", after_start(&[frame(DATA, END_STREAM, 1, b"x")]), ConnectionEnds),
        ("WINDOW_UPDATE on an idle stream", after_start(&[frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 9])]), ConnectionEnds),
        ("CONTINUATION on an idle stream", after_start(&[continuation(1)]), ConnectionEnds),
        ("CONTINUATION without a block", after_start(&[get(1), continuation(1)]), ConnectionEnds),
        ("CONTINUATION on stream 0", after_start(&[headers(1, END_STREAM, &get_fields(&[])), continuation(0)]), ConnectionEnds),
        ("a smaller stream number", after_start(&[get(5), get(3)]), ConnectionEnds),
        ("DATA after the end of a stream", after_start(&[open(1, &[]), frame(DATA, END_STREAM, 1, b"x"), frame(DATA, END_STREAM, 1, b"x")]), StreamEnds(1)),
        ("a stream that depends on itself", after_start(&[frame(HEADERS, WITH_PRIORITY | 5, 1, &[vec![0, 0, 0, 1, 16], get_fields(&[])].concat())]), StreamEnds(1)),
        ("HEADERS after the end of a stream", after_start(&[get(1), headers(1, 5, &fields(&[("x", "y")])), frame(DATA, END_STREAM, 1, b"x")]), ConnectionEnds),
        ("more streams than are allowed", after_start(&[(0..260).flat_map(|number| open(number * 2 + 1, &[("content-length", "9")])).collect()]), StreamEnds(519)),
        ("PRIORITY that depends on itself", after_start(&[open(1, &[]), frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 16])]), StreamEnds(1)),
        ("PRIORITY on an idle stream", after_start(&[frame(PRIORITY, 0, 7, &[0, 0, 0, 0, 16]), get(9)]), Served(9)),
        ("a second head without an end", after_start(&[open(1, &[]), headers(1, END_HEADERS, &fields(&[("x", "y")]))]), StreamEnds(1)),
    ]
}

#[rustfmt::skip]
fn blocks() -> Vec<Case> {
    let split = |middle: Vec<u8>| {
        let block = get_fields(&[]);
        after_start(&[
            headers(1, END_STREAM, &block[..9]),
            middle,
            frame(CONTINUATION, END_HEADERS, 1, &block[9..]),
        ])
    };
    vec![
        ("a block in two frames", split(Vec::new()), Served(1)),
        ("a block in five frames, one without bytes", after_start(&[headers(1, END_STREAM, &[]), get_fields(&[]).chunks(30).flat_map(|piece| frame(CONTINUATION, 0, 1, piece)).collect(), frame(CONTINUATION, END_HEADERS, 1, &[])]), Served(1)),
        ("HEADERS of the same stream inside a block", split(get(1)), ConnectionEnds),
        ("SETTINGS inside a block", split(frame(SETTINGS, 0, 0, &[])), ConnectionEnds),
        ("PRIORITY inside a block", split(frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 16])), ConnectionEnds),
        ("a CONTINUATION of another stream inside a block", split(frame(CONTINUATION, END_HEADERS, 3, &[])), ConnectionEnds),
        ("DATA inside a block", split(frame(DATA, 0, 1, b"x")), ConnectionEnds),
        ("PING inside a block", split(frame(PING, 0, 0, &[0; 8])), ConnectionEnds),
        ("another stream inside a block", split(get(3)), ConnectionEnds),
        ("an unknown frame inside a block", split(frame(0xfe, 0, 0, b"x")), ConnectionEnds),
        ("a block that never ends", after_start(&[headers(1, END_STREAM, &get_fields(&[]))]), ConnectionEnds),
        ("an index that is not in the table", after_start(&[headers(1, 5, &[0xff, 0xff, 0x7f])]), ConnectionEnds),
        ("index 0", after_start(&[headers(1, 5, &[0x80])]), ConnectionEnds),
        ("a string longer than its block", after_start(&[headers(1, 5, &[0, 1, b'a', 120, b'b'])]), ConnectionEnds),
        ("a Huffman string with wrong padding", after_start(&[headers(1, 5, &[0, 1, b'a', 0x81, 0x00])]), ConnectionEnds),
        ("a table size beyond the setting", after_start(&[headers(1, 5, &[&[0x3f, 0xff, 0xff, 0x7f], get_fields(&[]).as_slice()].concat())]), ConnectionEnds),
        ("a table size at the end of a block", after_start(&[headers(1, 5, &[get_fields(&[]).as_slice(), &[0x20]].concat())]), ConnectionEnds),
    ]
}

#[rustfmt::skip]
fn settings() -> Vec<Case> {
    let with = |payload: Vec<u8>| after_start(&[frame(SETTINGS, 0, 0, &payload)]);
    vec![
        ("SETTINGS acknowledged with content", after_start(&[frame(SETTINGS, ACK, 0, &setting(1, 1))]), ConnectionEnds),
        ("SETTINGS on a stream", after_start(&[frame(SETTINGS, 0, 1, &[])]), ConnectionEnds),
        ("SETTINGS of 5 bytes", with(vec![0; 5]), ConnectionEnds),
        ("ENABLE_PUSH of 2", with(setting(2, 2)), ConnectionEnds),
        ("a window above 2^31-1", with(setting(4, 0x8000_0000)), ConnectionEnds),
        ("a frame size below 2^14", with(setting(5, 16_383)), ConnectionEnds),
        ("a frame size above 2^24-1", with(setting(5, 16_777_216)), ConnectionEnds),
        ("SETTINGS of a push that is off", [preface(), frame(SETTINGS, 0, 0, &setting(2, 0)), get(1)].concat(), Served(1)),
        ("the largest frame size", [preface(), frame(SETTINGS, 0, 0, &setting(5, 16_777_215)), get(1)].concat(), Served(1)),
        ("the same setting twice, the last one counts", [preface(), frame(SETTINGS, 0, 0, &[setting(4, 0), setting(4, 1)].concat()), get(1)].concat(), Data(1)),
        ("a window of three bytes", [preface(), frame(SETTINGS, 0, 0, &setting(4, 3)), get(1)].concat(), Data(3)),
        ("no table for HPACK", [preface(), frame(SETTINGS, 0, 0, &setting(1, 0)), get(1), get(3)].concat(), Served(3)),
        ("no window at first", [preface(), frame(SETTINGS, 0, 0, &setting(4, 0)), get(1), frame(SETTINGS, 0, 0, &setting(4, 99))].concat(), Served(1)),
    ]
}

#[rustfmt::skip]
fn flow() -> Vec<Case> {
    vec![
        ("an update of 0 on the connection", after_start(&[window_update(0, 0)]), ConnectionEnds),
        ("an update of 0 on a stream", after_start(&[open(1, &[]), window_update(1, 0)]), StreamEnds(1)),
        ("a window beyond its maximum", after_start(&[window_update(0, 0x7fff_ffff), window_update(0, 0x7fff_ffff)]), ConnectionEnds),
        ("a stream's window beyond its maximum", after_start(&[open(1, &[("authorization", "x")]), window_update(1, 0x7fff_ffff), window_update(1, 0x7fff_ffff)]), StreamEnds(1)),
    ]
}

#[rustfmt::skip]
fn messages() -> Vec<Case> {
    let mut twice = PSEUDO.to_vec();
    twice.push((":path", "/"));
    let mut late = vec![("x", "y")];
    late.extend(PSEUDO);
    let without = |name: &str| {
        let list: Vec<_> = PSEUDO.iter().copied().filter(|field| field.0 != name).collect();
        pseudo(&list)
    };
    let mut connect = PSEUDO.to_vec();
    connect[0].1 = "CONNECT";
    let trailers = |list: &[(&str, &str)], flags| {
        after_start(&[open(1, &[]), frame(DATA, 0, 1, b"x"), headers(1, flags, &fields(list))])
    };
    let length = |length: &str| {
        after_start(&[open(1, &[("content-length", length)]), frame(DATA, END_STREAM, 1, b"test")])
    };
    vec![
        ("a name in upper case", get_with(&[("X-Upper", "y")]), Refused(1)),
        ("connection", get_with(&[("connection", "keep-alive")]), Refused(1)),
        ("transfer-encoding", get_with(&[("transfer-encoding", "chunked")]), Refused(1)),
        ("keep-alive", get_with(&[("keep-alive", "5")]), Refused(1)),
        ("proxy-connection", get_with(&[("proxy-connection", "keep-alive")]), Refused(1)),
        ("upgrade", get_with(&[("upgrade", "h2c")]), Refused(1)),
        ("te other than trailers", get_with(&[("te", "gzip")]), Refused(1)),
        ("te: trailers", get_with(&[("te", "trailers")]), Served(1)),
        ("an unknown pseudo-header", get_with(&[(":test", "x")]), Refused(1)),
        (":status in a request", get_with(&[(":status", "200")]), Refused(1)),
        ("a pseudo-header twice", pseudo(&twice), Refused(1)),
        ("a pseudo-header behind a field", pseudo(&late), Refused(1)),
        ("no :method", without(":method"), Refused(1)),
        ("no :scheme", without(":scheme"), Refused(1)),
        ("no :path", without(":path"), Refused(1)),
        ("no :authority and no host", without(":authority"), Refused(1)),
        ("an empty :path", pseudo(&[PSEUDO[0], PSEUDO[1], (":path", ""), PSEUDO[3]]), Refused(1)),
        ("host other than :authority", get_with(&[("host", "other.test")]), Refused(1)),
        ("user information in :authority", pseudo(&[PSEUDO[0], PSEUDO[1], PSEUDO[2], (":authority", "a@edge.test")]), Refused(1)),
        ("a line end in a value", get_with(&[("x", "a\r\nb")]), Refused(1)),
        ("CR in a value", get_with(&[("x", "a\rb")]), Refused(1)),
        ("LF in a value", get_with(&[("x", "a\nb")]), Refused(1)),
        ("a colon in a name", get_with(&[("a:b", "c")]), Refused(1)),
        ("an empty name", get_with(&[("", "c")]), Refused(1)),
        ("NUL in a name", get_with(&[("a\0b", "c")]), Refused(1)),
        ("a path that is no path", pseudo(&[PSEUDO[0], PSEUDO[1], (":path", "monitoring"), PSEUDO[3]]), Refused(1)),
        ("a space in :path", pseudo(&[PSEUDO[0], PSEUDO[1], (":path", "/a b"), PSEUDO[3]]), Refused(1)),
        ("a space in :method", pseudo(&[(":method", "GE T"), PSEUDO[1], PSEUDO[2], PSEUDO[3]]), Refused(1)),
        ("an empty :method", pseudo(&[(":method", ""), PSEUDO[1], PSEUDO[2], PSEUDO[3]]), Refused(1)),
        ("a space in :authority", pseudo(&[PSEUDO[0], PSEUDO[1], PSEUDO[2], (":authority", "edge test")]), Refused(1)),
        (":protocol without CONNECT", get_with(&[(":protocol", "websocket")]), Refused(1)),
        ("two hosts", pseudo(&[PSEUDO[0], PSEUDO[1], PSEUDO[2], ("host", "edge.test"), ("host", "other.test")]), Refused(1)),
        ("NUL in a value", get_with(&[("x", "a\0b")]), Refused(1)),
        ("a space in a name", get_with(&[("a b", "c")]), Refused(1)),
        ("CONNECT without a protocol", pseudo(&connect), Refused(1)),
        ("a pseudo-header in trailers", trailers(&[(":method", "GET")], END_STREAM | END_HEADERS), Refused(1)),
        ("trailers without the end", trailers(&[("x", "y")], END_HEADERS), StreamEnds(1)),
        ("content-length below the sum", length("1"), Refused(1)),
        ("content-length above the sum", length("9"), Refused(1)),
        ("content-length that is no number", length("x"), Refused(1)),
        ("two content-lengths", after_start(&[open(1, &[("content-length", "4"), ("content-length", "5")]), frame(DATA, END_STREAM, 1, b"test")]), Refused(1)),
    ]
}

#[rustfmt::skip]
fn floods() -> Vec<Case> {
    let resets: Vec<u8> = (0..300_u32)
        .flat_map(|number| [open(number * 2 + 1, &[]), frame(RST_STREAM, 0, number * 2 + 1, &[0, 0, 0, 8])].concat())
        .collect();
    let continuations: Vec<u8> =
        (0..500).flat_map(|_| frame(CONTINUATION, 0, 1, &field("x", "y"))).collect();
    let many = |part: Vec<u8>, count: usize| [start(), part.repeat(count)].concat();
    let long = "v".repeat(16_000);
    let list: Vec<_> = (0..6).map(|_| ("x", long.as_str())).collect();
    let block = get_fields(&list);
    let mut pieces = vec![headers(1, END_STREAM, &block[..16_000])];
    for piece in block[16_000..].chunks(16_000) {
        pieces.push(frame(CONTINUATION, 0, 1, piece));
    }
    pieces.push(frame(CONTINUATION, END_HEADERS, 1, &[]));
    vec![
        ("300 streams opened and reset", after_start(&[resets]), ConnectionEnds),
        ("500 CONTINUATIONs", after_start(&[headers(1, END_STREAM, &get_fields(&[])), continuations]), ConnectionEnds),
        ("200 SETTINGS", many(frame(SETTINGS, 0, 0, &[]), 200), ConnectionEnds),
        ("5 000 PINGs", many(frame(PING, 0, 0, &[0; 8]), 5000), ConnectionEnds),
        ("5 000 empty DATA", after_start(&[open(1, &[]), frame(DATA, 0, 1, &[]).repeat(5000)]), ConnectionEnds),
        ("5 000 PRIORITYs", many(frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 1]), 5000), ConnectionEnds),
        ("a head of 96 000 bytes", after_start(&pieces), Refused(1)),
        ("20 PINGs", many(frame(PING, 0, 0, &[0; 8]), 20), PingAnswered),
    ]
}
