//! The table of cases.

use super::Case;

/// Every case, with a name of its own.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(served());
    cases.extend(request_lines());
    cases.extend(hosts());
    cases.extend(fields());
    cases.extend(lengths());
    cases.extend(transfer_codings());
    cases.extend(chunks());
    cases.extend(sizes());
    cases.extend(pipelines());
    cases
}

/// `GET / HTTP/1.1` with a Host and more lines, each with its CRLF.
fn get(more: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: a.example\r\n{more}\r\n").into_bytes()
}

/// `POST /` with a Host, more lines and a body.
fn post(more: &str, body: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: a.example\r\n{more}\r\n{body}").into_bytes()
}

fn chunked(body: &str) -> Vec<u8> {
    post("Transfer-Encoding: chunked\r\n", body)
}

fn named(group: &str, name: &str) -> String {
    format!("{group}: {name}")
}

#[rustfmt::skip] // a line for each case
fn served() -> Vec<Case> {
    [
        ("plain GET", get("")),
        ("one empty line before", [b"\r\n".to_vec(), get("")].concat()),
        ("HTTP/1.0 with Host and keep-alive", b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n".to_vec()),
        ("absolute target", b"GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\n\r\n".to_vec()),
        ("absolute target, other case", b"GET HTTPS://A.Example HTTP/1.1\r\nHost: a.example\r\n\r\n".to_vec()),
        ("OPTIONS of the server", b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("matrix parameter", b"DELETE /a;b=c HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("punctuation in the target", b"PURGE /a!$&'()*+,;=:@~ HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("hyphen in the method", b"M-SEARCH / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("empty path segments", b"GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("empty query", b"GET /? HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("TE", get("TE: trailers\r\nConnection: TE\r\n")),
        ("encoded slash", b"GET /api/v4/projects/a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("brackets in query", b"GET /?a[]=1 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("Host with port", b"GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n".to_vec()),
        ("Host is IPv6", b"GET / HTTP/1.1\r\nHost: [::1]:443\r\n\r\n".to_vec()),
        ("Host in capitals without space", b"GET / HTTP/1.1\r\nHOST:a\r\n\r\n".to_vec()),
        ("Host padded with blanks", b"GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n".to_vec()),
        ("empty field value", get("X-Empty:\r\n")),
        ("tab in a value", get("X-Tab: a\tb\r\n")),
        ("non-ASCII value", get("X-Name: caf\u{e9}\r\n")),
        ("underscore in a name", get("X_Name: a\r\n")),
        ("all token characters in a name", get("!#$%&'*+-.^_`|~9aZ: a\r\n")),
        ("unknown method", b"PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("method of 32 characters", format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "A".repeat(32)).into_bytes()),
        ("h2c upgrade is ignored", get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n")),
        ("two cookies", get("Cookie: a=1\r\nCookie: b=2\r\n")),
        ("POST with length", post("Content-Length: 5\r\n", "hello")),
        ("POST of length zero", post("Content-Length: 0\r\n", "")),
        ("GET with a body", b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi".to_vec()),
        ("length padded with blanks", post("Content-Length: \t5 \t\r\n", "hello")),
        ("chunked", chunked("5\r\nhello\r\n0\r\n\r\n")),
        ("chunked in capitals", post("TRANSFER-ENCODING:CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n")),
        ("two chunks", chunked("1\r\na\r\nA\r\n0123456789\r\n0\r\n\r\n")),
        ("chunk size with leading zeros", chunked("0005\r\nhello\r\n000\r\n\r\n")),
        ("chunk extension", chunked("5;name=value\r\nhello\r\n0\r\n\r\n")),
        ("chunk data looks like a chunk", chunked("5\r\n0\r\n\r\n\r\n0\r\n\r\n")),
        ("trailers", chunked("0\r\nX-Checksum: abc\r\nX-Empty:\r\n\r\n")),
    ]
    .into_iter()
    .map(|(name, bytes)| Case::served(named("served", name), bytes, 1))
    .collect()
}

#[rustfmt::skip] // a line for each case
fn request_lines() -> Vec<Case> {
    let long_method = format!("{} / HTTP/1.1", "A".repeat(33));
    let lines: &[(&str, &[u8], u16)] = &[
        ("asterisk with GET", b"GET * HTTP/1.1", 400),
        ("asterisk and more with OPTIONS", b"OPTIONS *x HTTP/1.1", 400),
        ("CONNECT", b"CONNECT a.example:443 HTTP/1.1", 400),
        ("CONNECT with a path", b"CONNECT / HTTP/1.1", 400),
        ("authority target", b"GET a.example:80 HTTP/1.1", 400),
        ("relative target", b"GET index.html HTTP/1.1", 400),
        ("empty target", b"GET  HTTP/1.1", 400),
        ("no target", b"GET HTTP/1.1", 400),
        ("HTTP/0.9", b"GET /", 400),
        ("method alone", b"GET", 400),
        ("two spaces before the target", b"GET  / HTTP/1.1", 400),
        ("two spaces before the version", b"GET /  HTTP/1.1", 400),
        ("tab for a space", b"GET\t/ HTTP/1.1", 400),
        ("tab before the version", b"GET /\tHTTP/1.1", 400),
        ("vertical tab", b"GET /\x0BHTTP/1.1", 400),
        ("space at the end", b"GET / HTTP/1.1 ", 400),
        ("space at the beginning", b" GET / HTTP/1.1", 400),
        ("space in the target", b"GET /a b HTTP/1.1", 400),
        ("words behind the version", b"GET / HTTP/1.1 x", 400),
        ("fragment", b"GET /a#b HTTP/1.1", 400),
        ("NUL in the target", b"GET /a\0b HTTP/1.1", 400),
        ("control in the target", b"GET /a\x01b HTTP/1.1", 400),
        ("DEL in the target", b"GET /a\x7Fb HTTP/1.1", 400),
        ("non-ASCII target", b"GET /caf\xC3\xA9 HTTP/1.1", 400),
        ("byte 0xFF in the target", b"GET /\xFF HTTP/1.1", 400),
        ("backslash in the target", b"GET /a\\b HTTP/1.1", 400),
        ("angle brackets in the target", b"GET /<a> HTTP/1.1", 400),
        ("quote in the target", b"GET /\"a\" HTTP/1.1", 400),
        ("braces in the target", b"GET /{a} HTTP/1.1", 400),
        ("pipe in the target", b"GET /a|b HTTP/1.1", 400),
        ("caret in the target", b"GET /a^b HTTP/1.1", 400),
        ("grave in the target", b"GET /a`b HTTP/1.1", 400),
        ("other host than Host", b"GET http://b.example/ HTTP/1.1", 400),
        ("other port than Host", b"GET http://a.example:81/ HTTP/1.1", 400),
        ("user in the target", b"GET http://u@a.example/ HTTP/1.1", 400),
        ("absolute target without host", b"GET http:///x HTTP/1.1", 400),
        ("absolute target with another scheme", b"GET ftp://a.example/ HTTP/1.1", 400),
        ("file target", b"GET file:///etc/passwd HTTP/1.1", 400),
        ("parenthesis in the method", b"GE(T / HTTP/1.1", 400),
        ("NUL in the method", b"GE\0T / HTTP/1.1", 400),
        ("colon in the method", b"GET: / HTTP/1.1", 400),
        ("non-ASCII method", b"G\xC3\x89T / HTTP/1.1", 400),
        ("method of 33 characters", long_method.as_bytes(), 400),
        ("no method", b"/ HTTP/1.1", 400),
        ("version in small letters", b"GET / http/1.1", 400),
        ("version without minor", b"GET / HTTP/1", 400),
        ("version with two digits", b"GET / HTTP/1.10", 400),
        ("version with leading zero", b"GET / HTTP/01.1", 400),
        ("version with comma", b"GET / HTTP/1,1", 400),
        ("version without slash", b"GET / HTTP1.1", 400),
        ("version with space", b"GET / HTTP/ 1.1", 400),
        ("version of letters", b"GET / HTTP/x.y", 400),
        ("other protocol", b"GET / ICAP/1.0", 400),
        ("HTTP/1.2", b"GET / HTTP/1.2", 505),
        ("HTTP/2.0", b"GET / HTTP/2.0", 505),
        ("HTTP/3.0", b"GET / HTTP/3.0", 505),
        ("HTTP/0.9 spelled out", b"GET / HTTP/0.9", 505),
        ("HTTP/9.9", b"GET / HTTP/9.9", 505),
    ];
    let rest = b"\r\nHost: a.example\r\n\r\n";
    lines
        .iter()
        .map(|(name, line, status)| {
            let bytes = [line, &rest[..]].concat();
            Case::refused(named("request line", name), bytes, *status)
        })
        .chain([
            Case::refused("request line: TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03".to_vec(), 400),
            Case::refused("request line: two empty lines before", b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
            Case::refused("request line: bare line feed before", b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
            Case::refused("request line: bare carriage return before", b"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 400),
            Case::refused("request line: bare line feed", b"GET / HTTP/1.1\nHost: a\r\n\r\n".to_vec(), 400),
            Case::refused("request line: bare carriage return", b"GET / HTTP/1.1\rHost: a\r\n\r\n".to_vec(), 400),
            Case::refused("request line: two carriage returns", b"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n".to_vec(), 400),
            Case::refused("request line: SSH", b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(), 400),
            Case::refused("request line: PROXY header from anyone", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(), 400),
            Case::refused("request line: garbage", b"\x80\x81\x82\r\n\r\n".to_vec(), 400),
            Case::refused("request line: broken HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_vec(), 505),
        ])
        .collect()
}

#[rustfmt::skip] // a line for each case
fn hosts() -> Vec<Case> {
    [
        ("missing", "Accept: a"),
        ("repeated, the same", "Host: a\r\nHost: a"),
        ("repeated, different", "Host: a\r\nHost: b"),
        ("repeated, other case", "Host: a\r\nhOST: b"),
        ("empty", "Host:"),
        ("blank", "Host: \t "),
        ("comma", "Host: a, b"),
        ("comma without space", "Host: a,b"),
        ("user", "Host: user@a"),
        ("user and password", "Host: u:p@a"),
        ("path", "Host: a/b"),
        ("query", "Host: a?b"),
        ("fragment", "Host: a#b"),
        ("scheme", "Host: http://a"),
        ("space inside", "Host: a b"),
        ("tab inside", "Host: a\tb"),
        ("backslash", "Host: a\\b"),
        ("percent", "Host: a%2eb"),
        ("quote", "Host: \"a\""),
        ("semicolon", "Host: a;b"),
        ("non-ASCII", "Host: caf\u{e9}"),
        ("port empty", "Host: a:"),
        ("port zero", "Host: a:0"),
        ("port too large", "Host: a:65536"),
        ("port of letters", "Host: a:http"),
        ("port signed", "Host: a:+80"),
        ("port negative", "Host: a:-1"),
        ("two ports", "Host: a:1:2"),
        ("port alone", "Host: :80"),
        ("IPv6 without brackets", "Host: ::1"),
        ("IPv6 unclosed", "Host: [::1"),
        ("IPv6 with zone", "Host: [fe80::1%eth0]"),
        ("IPv6 and more", "Host: [::1]a"),
        ("brackets empty", "Host: []"),
        ("NUL", "Host: a\0b"),
        ("control", "Host: a\x01"),
        ("space before the colon", "Host : a"),
        ("name alone", "Host"),
    ]
    .into_iter()
    .map(|(name, lines)| {
        let bytes = format!("GET / HTTP/1.1\r\n{lines}\r\n\r\n");
        Case::refused(named("Host", name), bytes, 400)
    })
    .chain([
        Case::refused("Host: missing on HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 400),
        Case::refused("Host: missing with absolute target", "GET http://a/ HTTP/1.1\r\n\r\n", 400),
        Case::refused("Host: longer than any name", format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(300)), 400),
    ])
    .collect()
}

#[rustfmt::skip] // a line for each case
fn fields() -> Vec<Case> {
    let lines: &[(&str, &[u8], u16)] = &[
        ("space before the colon", b"X-A : b\r\n", 400),
        ("tab before the colon", b"X-A\t: b\r\n", 400),
        ("space in the name", b"X A: b\r\n", 400),
        ("empty name", b": b\r\n", 400),
        ("colon alone", b":\r\n", 400),
        ("no colon", b"X-A\r\n", 400),
        ("folded with a space", b"X-A: b\r\n c\r\n", 400),
        ("folded with a tab", b"X-A: b\r\n\tc\r\n", 400),
        ("line of blanks", b" \r\n", 400),
        ("NUL in the name", b"X\0A: b\r\n", 400),
        ("control in the name", b"X\x01A: b\r\n", 400),
        ("non-ASCII name", b"X-\xC3\xA9: b\r\n", 400),
        ("parenthesis in the name", b"X(A): b\r\n", 400),
        ("slash in the name", b"X/A: b\r\n", 400),
        ("quote in the name", b"\"X\": b\r\n", 400),
        ("equals in the name", b"X=A: b\r\n", 400),
        ("at in the name", b"X@A: b\r\n", 400),
        ("bracket in the name", b"[X]: b\r\n", 400),
        ("brace in the name", b"{X}: b\r\n", 400),
        ("question mark in the name", b"X?A: b\r\n", 400),
        ("backslash in the name", b"X\\A: b\r\n", 400),
        ("angle brackets in the name", b"<X>: b\r\n", 400),
        ("comma in the name", b"X,A: b\r\n", 400),
        ("semicolon in the name", b"X;A: b\r\n", 400),
        ("NUL in the value", b"X-A: a\0b\r\n", 400),
        ("control in the value", b"X-A: a\x01b\r\n", 400),
        ("backspace in the value", b"X-A: a\x08b\r\n", 400),
        ("vertical tab in the value", b"X-A: a\x0Bb\r\n", 400),
        ("form feed in the value", b"X-A: a\x0Cb\r\n", 400),
        ("escape in the value", b"X-A: \x1B[31m\r\n", 400),
        ("DEL in the value", b"X-A: a\x7Fb\r\n", 400),
        ("bare carriage return in the value", b"X-A: a\rb\r\n", 400),
        ("bare line feed in the value", b"X-A: a\nb: c\r\n", 400),
        ("line ends in line feed", b"X-A: b\n", 400),
        ("line ends in carriage return", b"X-A: b\rX-B: c\r\n", 400),
        ("line ends in two carriage returns", b"X-A: b\r\r\n", 400),
        ("head ends in line feed", b"X-A: b\r\n\n", 400),
        ("unknown expectation", b"Expect: 200-ok\r\n", 417),
        ("expectation with more", b"Expect: 100-continue, x\r\n", 417),
        ("empty expectation", b"Expect:\r\n", 417),
    ];
    let mut cases: Vec<Case> = lines
        .iter()
        .map(|(name, line, status)| {
            let start = b"GET / HTTP/1.1\r\nHost: a.example\r\n";
            let bytes = [&start[..], line, b"\r\n"].concat();
            Case::refused(named("field", name), bytes, *status)
        })
        .collect();
    let first = b"GET / HTTP/1.1\r\n Host: a\r\n\r\n".to_vec();
    cases.push(Case::refused("field: white space before the first", first, 400));
    let first = b"GET / HTTP/1.1\r\n X-A: b\r\nHost: a\r\n\r\n".to_vec();
    cases.push(Case::refused("field: folded request line", first, 400));
    cases
}

#[rustfmt::skip] // a line for each case
fn lengths() -> Vec<Case> {
    [
        ("repeated, the same", "Content-Length: 5\r\nContent-Length: 5\r\n"),
        ("repeated, different", "Content-Length: 5\r\nContent-Length: 6\r\n"),
        ("repeated, other case", "Content-Length: 5\r\ncontent-length: 0\r\n"),
        ("list", "Content-Length: 5, 5\r\n"),
        ("list without space", "Content-Length: 5,6\r\n"),
        ("plus", "Content-Length: +5\r\n"),
        ("minus", "Content-Length: -5\r\n"),
        ("minus zero", "Content-Length: -0\r\n"),
        ("hexadecimal", "Content-Length: 0x5\r\n"),
        ("hexadecimal digit", "Content-Length: a\r\n"),
        ("leading zero", "Content-Length: 05\r\n"),
        ("underscore", "Content-Length: 1_0\r\n"),
        ("fraction", "Content-Length: 5.0\r\n"),
        ("exponent", "Content-Length: 5e0\r\n"),
        ("space inside", "Content-Length: 5 5\r\n"),
        ("empty", "Content-Length:\r\n"),
        ("letters behind", "Content-Length: 5b\r\n"),
        ("quoted", "Content-Length: \"5\"\r\n"),
        ("semicolon", "Content-Length: 5;\r\n"),
        ("other digits", "Content-Length: \u{ff15}\r\n"),
        ("too many digits", "Content-Length: 18446744073709551616\r\n"),
        ("more digits still", "Content-Length: 99999999999999999999999999\r\n"),
        ("NUL", "Content-Length: 5\0\r\n"),
        ("vertical tab", "Content-Length: \x0B5\r\n"),
        ("space before the colon", "Content-Length : 5\r\n"),
        ("with chunked", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
        ("behind chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
        ("zero with chunked", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"),
        ("with identity", "Content-Length: 5\r\nTransfer-Encoding: identity\r\n"),
        ("beside its underscore twin", "Content_Length: 4\r\nContent-Length: x\r\n"),
        ("folded", "Content-Length:\r\n 5\r\n"),
    ]
    .into_iter()
    .map(|(name, lines)| {
        let bytes = post(lines, "0\r\n\r\n");
        Case::refused(named("Content-Length", name), bytes, 400)
    })
    .collect()
}

#[rustfmt::skip] // a line for each case
fn transfer_codings() -> Vec<Case> {
    [
        ("space behind", "Transfer-Encoding: chunked \r\n"),
        ("tab behind", "Transfer-Encoding: chunked\t\r\n"),
        ("tab before", "Transfer-Encoding:\tchunked\r\n"),
        ("two spaces before", "Transfer-Encoding:  chunked\r\n"),
        ("vertical tab before", "Transfer-Encoding: \x0Bchunked\r\n"),
        ("NUL behind", "Transfer-Encoding: chunked\0\r\n"),
        ("carriage return behind", "Transfer-Encoding: chunked\r\r\n"),
        ("line feed in the value", "Transfer-Encoding:\nchunked\r\n"),
        ("space before the colon", "Transfer-Encoding : chunked\r\n"),
        ("folded", "Transfer-Encoding:\r\n chunked\r\n"),
        ("tab inside", "Transfer-Encoding: chun\tked\r\n"),
        ("deflate", "Transfer-Encoding: deflate\r\n"),
        ("gzip", "Transfer-Encoding: gzip\r\n"),
        ("gzip, chunked", "Transfer-Encoding: gzip, chunked\r\n"),
        ("chunked, gzip", "Transfer-Encoding: chunked, gzip\r\n"),
        ("chunked, chunked", "Transfer-Encoding: chunked, chunked\r\n"),
        ("chunked and comma", "Transfer-Encoding: chunked,\r\n"),
        ("comma and chunked", "Transfer-Encoding: ,chunked\r\n"),
        ("identity", "Transfer-Encoding: identity\r\n"),
        ("chunked, identity", "Transfer-Encoding: chunked, identity\r\n"),
        ("xchunked", "Transfer-Encoding: xchunked\r\n"),
        ("chunkedx", "Transfer-Encoding: chunkedx\r\n"),
        ("chunk", "Transfer-Encoding: chunk\r\n"),
        ("quoted", "Transfer-Encoding: \"chunked\"\r\n"),
        ("parameter", "Transfer-Encoding: chunked;a=b\r\n"),
        ("semicolon", "Transfer-Encoding: chunked;\r\n"),
        ("dot", "Transfer-Encoding: chunked.\r\n"),
        ("empty", "Transfer-Encoding:\r\n"),
        ("non-ASCII", "Transfer-Encoding: \u{212A}hunked\r\n"),
        ("repeated", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
        ("repeated, second unknown", "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"),
        ("repeated, first unknown", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n"),
    ]
    .into_iter()
    .map(|(name, lines)| {
        let bytes = post(lines, "0\r\n\r\n");
        Case::refused(named("Transfer-Encoding", name), bytes, 400)
    })
    .chain([Case::refused(
        "Transfer-Encoding: on HTTP/1.0",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    )])
    .collect()
}

#[rustfmt::skip] // a line for each case
fn chunks() -> Vec<Case> {
    let long_extension = format!("1;{}\r\na\r\n0\r\n\r\n", "a".repeat(300));
    let many_trailers = format!("0\r\n{}\r\n", "A: b\r\n".repeat(100));
    let large_trailers = format!("0\r\nA: {}\r\n\r\n", "b".repeat(9000));
    [
        ("no size", "\r\nhello\r\n0\r\n\r\n"),
        ("letters for a size", "xyz\r\nhello\r\n0\r\n\r\n"),
        ("plus", "+5\r\nhello\r\n0\r\n\r\n"),
        ("minus", "-5\r\nhello\r\n0\r\n\r\n"),
        ("0x", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("underscore", "0_5\r\nhello\r\n0\r\n\r\n"),
        ("dot", "5.0\r\nhello\r\n0\r\n\r\n"),
        ("space before", " 5\r\nhello\r\n0\r\n\r\n"),
        ("space behind", "5 \r\nhello\r\n0\r\n\r\n"),
        ("tab behind", "5\t\r\nhello\r\n0\r\n\r\n"),
        ("space inside", "0 5\r\nhello\r\n0\r\n\r\n"),
        ("NUL behind", "5\0\r\nhello\r\n0\r\n\r\n"),
        ("17 digits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("16 digits", "FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
        ("zeros without end", "0000000000000000000000005\r\nhello\r\n0\r\n\r\n"),
        ("bare semicolon", "5;\r\nhello\r\n0\r\n\r\n"),
        ("semicolon alone", ";\r\nhello\r\n0\r\n\r\n"),
        ("space before the extension", "5 ;a=b\r\nhello\r\n0\r\n\r\n"),
        ("space behind the semicolon", "5; a=b\r\nhello\r\n0\r\n\r\n"),
        ("control in the extension", "5;a\x01\r\nhello\r\n0\r\n\r\n"),
        ("NUL in the extension", "5;a\0\r\nhello\r\n0\r\n\r\n"),
        ("carriage return in the extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("line feed in the extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
        ("line feed ends the extension", "5;a\nhello\r\n0\r\n\r\n"),
        ("non-ASCII extension", "5;\u{e9}\r\nhello\r\n0\r\n\r\n"),
        ("long extension", &long_extension),
        ("size ends in line feed", "5\nhello\r\n0\r\n\r\n"),
        ("size ends in carriage return", "5\rhello\r\n0\r\n\r\n"),
        ("size ends in two carriage returns", "5\r\r\nhello\r\n0\r\n\r\n"),
        ("data ends in line feed", "5\r\nhello\n0\r\n\r\n"),
        ("data ends in carriage return", "5\r\nhello\r0\r\n\r\n"),
        ("data does not end", "5\r\nhello0\r\n\r\n"),
        ("data longer than its size", "5\r\nhello world\r\n0\r\n\r\n"),
        ("data shorter than its size", "7\r\nhello\r\nX\r\n\r\n"),
        ("last chunk ends in line feed", "5\r\nhello\r\n0\n\n"),
        ("body ends in line feed", "5\r\nhello\r\n0\r\n\n"),
        ("trailer without colon", "0\r\nabc\r\n\r\n"),
        ("trailer with space before the colon", "0\r\nA : b\r\n\r\n"),
        ("trailer folded", "0\r\nA: b\r\n c\r\n\r\n"),
        ("trailer without name", "0\r\n: b\r\n\r\n"),
        ("trailer with NUL", "0\r\nA: \0\r\n\r\n"),
        ("trailer ends in line feed", "0\r\nA: b\n\r\n"),
        ("trailer with carriage return", "0\r\nA: b\rc\r\n\r\n"),
        ("trailer Content-Length", "0\r\nContent-Length: 5\r\n\r\n"),
        ("trailer Transfer-Encoding", "0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("trailer Host", "0\r\nHost: b\r\n\r\n"),
        ("trailer Authorization", "0\r\nauthorization: b\r\n\r\n"),
        ("trailer Connection", "0\r\nConnection: close\r\n\r\n"),
        ("many trailers", &many_trailers),
        ("large trailers", &large_trailers),
    ]
    .into_iter()
    .map(|(name, body)| Case::refused(named("chunk", name), chunked(body), 400))
    .collect()
}

#[rustfmt::skip] // a line for each case
fn sizes() -> Vec<Case> {
    let line = |length: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(length - 1));
    let lines = |count: usize| get(&"X-A: b\r\n".repeat(count));
    let value = |length: usize| get(&format!("X-A: {}\r\n", "b".repeat(length)));
    vec![
        Case::served("size: target of 16 KiB", line(16 * 1024), 1),
        Case::refused("size: target above 16 KiB", line(16 * 1024 + 1), 414),
        Case::refused("size: target of 100 KB without end", format!("GET /{}", "x".repeat(100_000)), 414),
        Case::served("size: 200 fields", lines(199), 1),
        Case::refused("size: 201 fields", lines(200), 431),
        Case::refused("size: 5000 fields", lines(5000), 431),
        Case::served("size: value of 60 KiB", value(60 * 1024), 1),
        Case::refused("size: value of 64 KiB", value(64 * 1024), 431),
        Case::refused("size: value of 200 KB without end", format!("GET / HTTP/1.1\r\nHost: a\r\nX-A: {}", "b".repeat(200_000)), 431),
        Case::refused("size: long name", get(&format!("{}: b\r\n", "X".repeat(70_000))), 431),
        Case::refused("size: method without end", "A".repeat(1000), 400),
    ]
}

#[rustfmt::skip] // a line for each case
fn pipelines() -> Vec<Case> {
    let two = [get(""), get("")].concat();
    let hundred = get("").repeat(100);
    let bodies = [
        post("Content-Length: 5\r\n", "hello"),
        chunked("5\r\nhello\r\n0\r\n\r\n"),
        get(""),
    ]
    .concat();
    let mut bad_second = Case::refused(
        "pipeline: a bad second request",
        [get(""), b"GET / HTTP/1.1\r\n\r\n".to_vec()].concat(),
        400,
    );
    bad_second.statuses = vec![200, 400];
    let mut spill = Case::refused(
        "pipeline: more than Content-Length says",
        post("Content-Length: 5\r\n", "hello world\r\n\r\n"),
        400,
    );
    spill.statuses = vec![200, 400];
    let mut behind_get = Case::refused(
        "pipeline: a body without Content-Length",
        get("").into_iter().chain(*b"a=b\r\n\r\n").collect::<Vec<u8>>(),
        400,
    );
    behind_get.statuses = vec![200, 400];
    vec![
        Case::served("pipeline: two requests", two, 2),
        Case::served("pipeline: a hundred requests", hundred, 100),
        Case::served("pipeline: bodies between", bodies, 3),
        Case::served("pipeline: empty line between", [get(""), b"\r\n".to_vec(), get("")].concat(), 2),
        bad_second,
        spill,
        behind_get,
    ]
}
