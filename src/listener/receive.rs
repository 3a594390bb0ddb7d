//! Takes a PROXY header off a connection.

use std::{io, time::Duration};

use bytes::BytesMut;
use tokio::io::AsyncReadExt;

use super::{
    RawStream,
    proxy_header::{MAXIMUM_LENGTH, Parsed, ProxyHeaderError, parse},
};

/// Why no header was had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiveError {
    #[error(transparent)]
    Header(#[from] ProxyHeaderError),
    #[error("the connection closed before its PROXY header was complete")]
    Closed,
    #[error("the PROXY header did not come within {} s", .0.as_secs())]
    Late(Duration),
    #[error("reading the PROXY header failed: {0}")]
    Io(#[from] io::Error),
}

/// Reads the header; the stream then tells the header's addresses and yields what follows it.
pub(super) async fn receive_header(
    stream: RawStream,
    deadline: Duration,
) -> Result<RawStream, ReceiveError> {
    tokio::time::timeout(deadline, receive(stream))
        .await
        .unwrap_or(Err(ReceiveError::Late(deadline)))
}

async fn receive(mut stream: RawStream) -> Result<RawStream, ReceiveError> {
    let mut buffer = BytesMut::new();
    loop {
        match parse(&buffer)? {
            Parsed::Complete { length, addresses } => {
                let rest = buffer.split_off(length).freeze();
                return Ok(stream.proxied(addresses, rest));
            }
            Parsed::Incomplete => buffer.reserve(MAXIMUM_LENGTH),
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(ReceiveError::Closed);
        }
    }
}
