//! HTTP/2 frames of a client's own making (RFC 9113 4.1), their fields without compression.

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const ACK: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
pub(crate) const PADDED: u8 = 8;
pub(crate) const WITH_PRIORITY: u8 = 32;

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    frame_of_length(payload.len(), kind, flags, stream, payload)
}

fn frame_of_length(length: usize, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).expect("a short frame").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

pub(crate) fn preface() -> Vec<u8> {
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()
}

/// Preface and empty SETTINGS.
pub(crate) fn start() -> Vec<u8> {
    [preface(), frame(SETTINGS, 0, 0, &[])].concat()
}

/// A field as a literal without indexing (RFC 7541 6.2.2), its name and value uncompressed.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        integer(&mut bytes, text.len());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// An integer with a prefix of seven bits (RFC 7541 5.1).
fn integer(bytes: &mut Vec<u8>, mut value: usize) {
    if value < 127 {
        bytes.push(u8::try_from(value).expect("below 127"));
        return;
    }
    bytes.push(127);
    value -= 127;
    while value >= 128 {
        bytes.push(u8::try_from(value % 128).expect("below 128") | 128);
        value /= 128;
    }
    bytes.push(u8::try_from(value).expect("below 128"));
}

pub(crate) fn fields(list: &[(&str, &str)]) -> Vec<u8> {
    list.iter()
        .flat_map(|(name, value)| field(name, value))
        .collect()
}

pub(crate) const PSEUDO: [(&str, &str); 4] = [
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/monitoring/healthz"),
    (":authority", "edge.test"),
];

pub(crate) fn get_fields(more: &[(&str, &str)]) -> Vec<u8> {
    [fields(&PSEUDO), fields(more)].concat()
}

pub(crate) fn headers(stream: u32, flags: u8, block: &[u8]) -> Vec<u8> {
    frame(HEADERS, flags, stream, block)
}

/// A whole request.
pub(crate) fn get(stream: u32) -> Vec<u8> {
    headers(stream, END_STREAM | END_HEADERS, &get_fields(&[]))
}

pub(crate) fn get_with(more: &[(&str, &str)]) -> Vec<u8> {
    [
        start(),
        headers(1, END_STREAM | END_HEADERS, &get_fields(more)),
    ]
    .concat()
}

/// A request whose pseudo-header fields are these.
pub(crate) fn pseudo(list: &[(&str, &str)]) -> Vec<u8> {
    [start(), headers(1, END_STREAM | END_HEADERS, &fields(list))].concat()
}

/// The head of a request whose body follows.
pub(crate) fn open(stream: u32, more: &[(&str, &str)]) -> Vec<u8> {
    let mut list = PSEUDO.to_vec();
    list[0].1 = "POST";
    list[2].1 = "/v1/x";
    let block = [fields(&list), fields(more)].concat();
    headers(stream, END_HEADERS, &block)
}

pub(crate) fn setting(identifier: u16, value: u32) -> Vec<u8> {
    [
        identifier.to_be_bytes().to_vec(),
        value.to_be_bytes().to_vec(),
    ]
    .concat()
}

pub(crate) fn after_start(parts: &[Vec<u8>]) -> Vec<u8> {
    [start(), parts.concat()].concat()
}

/// A WINDOW_UPDATE.
pub(crate) fn window_update(stream: u32, increment: u32) -> Vec<u8> {
    frame(WINDOW_UPDATE, 0, stream, &increment.to_be_bytes())
}

/// The setting INITIAL_WINDOW_SIZE.
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

/// A whole request for a path.
pub(crate) fn get_of(stream: u32, path: &str) -> Vec<u8> {
    let mut list = PSEUDO;
    list[2].1 = path;
    headers(stream, END_STREAM | END_HEADERS, &fields(&list))
}
