//! The PROXY protocol: what a load balancer in front of us says about its client.
//!
//! A pure parser of both versions of <https://www.haproxy.org/download/3.3/doc/proxy-protocol.txt>
//! over whatever bytes have arrived: [`parse`] says that more are needed, that they are no header,
//! or how long the header is and which addresses it names. It reads no socket and knows no
//! networks; who may send a header is decided by its caller. A header that leaves the addresses
//! open (`UNKNOWN`, `LOCAL`, Unix sockets) is valid and names none.
//!
//! Limits: [`MAXIMUM_LENGTH`] bytes; nothing is allocated.

mod binary;
mod parse;
mod text;

pub use parse::{MAXIMUM_LENGTH, Parsed, ProxyHeaderError, parse};
