//! One request over one connection, read to its end.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, Version, response::Parts};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::{UpstreamError, UpstreamStream};
use crate::foundation::Tasks;

/// An answer with everything that belongs to it.
#[derive(Debug)]
pub struct Exchange {
    /// Status and headers.
    pub head: Parts,
    /// The body, at most 64 KiB of it.
    pub body: Bytes,
    /// What came after the body.
    pub trailers: Option<HeaderMap>,
}

/// Sends a request over a fresh connection, in HTTP/2 if it says so and in HTTP/1.1 otherwise,
/// and reads the answer to its end or to 64 KiB. `origin` names the server in errors; all of it
/// ends within `deadline`.
pub async fn exchange(
    stream: UpstreamStream,
    origin: &str,
    request: Request<Full<Bytes>>,
    tasks: &Tasks,
    deadline: Duration,
) -> Result<Exchange, UpstreamError> {
    let conversation = async {
        let response = send(stream, request, tasks).await?;
        read(response).await
    };
    match timeout(deadline, conversation).await {
        Ok(outcome) => outcome.map_err(|error| UpstreamError::from_exchange(origin, &error, true)),
        Err(_) => Err(UpstreamError::HeaderTimeout {
            origin: origin.to_owned(),
            deadline,
        }),
    }
}

async fn send(
    stream: UpstreamStream,
    request: Request<Full<Bytes>>,
    tasks: &Tasks,
) -> Result<Response<Incoming>, hyper::Error> {
    let stream = TokioIo::new(stream);
    // what breaks a connection is told to its only request
    if request.version() == Version::HTTP_2 {
        let (mut sender, connection) = http2::handshake(tasks.clone(), stream).await?;
        tasks.spawn("http2 exchange", async move {
            let _ = connection.await;
        });
        sender.send_request(request).await
    } else {
        let (mut sender, connection) = http1::handshake(stream).await?;
        tasks.spawn("http1 exchange", async move {
            let _ = connection.await;
        });
        sender.send_request(request).await
    }
}

async fn read(response: Response<Incoming>) -> Result<Exchange, hyper::Error> {
    let (head, mut incoming) = response.into_parts();
    let (mut body, mut trailers) = (BytesMut::new(), None);
    while let Some(frame) = incoming.frame().await.transpose()? {
        match frame.into_data() {
            Ok(data) => {
                let room = BODY_BYTES.saturating_sub(body.len());
                body.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
                if data.len() > room {
                    break;
                }
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    Ok(Exchange {
        head,
        body: body.freeze(),
        trailers,
    })
}

/// Who asks this way wants a status or a few words; more is not what was asked for.
const BODY_BYTES: usize = 64 * 1024;
