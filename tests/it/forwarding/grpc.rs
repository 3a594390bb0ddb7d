//! gRPC: HTTP/2 towards the upstream, both ways streaming, with trailers.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use duogate::{config::Limits, foundation::Tasks};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::mpsc};

use super::edge::{Edge, Executor, Kind, PATIENCE, collect, http2_client, soon};

type Body = UnsyncBoxBody<Bytes, Broken>;
type Sender = mpsc::Sender<Result<Frame<Bytes>, Broken>>;

/// Makes a server reset its stream.
#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("broken on purpose")
    }
}

impl std::error::Error for Broken {}

/// An HTTP/2 server; returns its address and how many connections it has seen.
async fn serve<S, F>(service: S) -> (SocketAddr, Arc<AtomicUsize>)
where
    S: Fn(Request<Incoming>) -> F + Send + Clone + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    Tasks::new().spawn("server", async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let service = service.clone();
            let service = hyper::service::service_fn(move |request| {
                let answer = service(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            let connection = hyper::server::conn::http2::Builder::new(Executor)
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            Tasks::new().spawn("server connection", async move {
                let _ = connection.await;
            });
        }
    });
    (address, connections)
}

async fn edge(address: SocketAddr) -> Edge {
    Edge::start(Kind::Grpc, &format!("http://{address}"), Limits::default()).await
}

fn channel_body() -> (Sender, Body) {
    let (sender, receiver) = mpsc::channel(4);
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|frame| (frame, receiver))
    });
    (sender, StreamBody::new(stream).boxed_unsync())
}

fn grpc_answer(body: Body) -> Response<Body> {
    Response::builder()
        .header("content-type", "application/grpc")
        .body(body)
        .unwrap()
}

fn status(code: &'static str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.parse().unwrap());
    trailers
}

fn call<B>(body: B) -> Request<B> {
    Request::builder()
        .method("POST")
        .uri("https://edge.test/DuoWorkflow/ExecuteWorkflow")
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(body)
        .unwrap()
}

/// Sends everything back, then what came as trailers.
async fn echo(request: Request<Incoming>) -> Response<Body> {
    assert_eq!(request.headers().get("te").unwrap(), "trailers");
    assert_eq!(request.uri().host(), Some("edge.test"));
    let (sender, body) = channel_body();
    Tasks::new().spawn("echo", async move {
        let mut incoming = request.into_body();
        let mut trailers = status("0");
        while let Some(Ok(frame)) = incoming.frame().await {
            match frame.into_data() {
                Ok(data) => {
                    if sender.send(Ok(Frame::data(data))).await.is_err() {
                        return;
                    }
                }
                Err(frame) => trailers.extend(frame.into_trailers().unwrap()),
            }
        }
        let _ = sender.send(Ok(Frame::trailers(trailers))).await;
    });
    grpc_answer(body)
}

#[tokio::test]
async fn streams_of_20_megabytes_and_trailers_pass_both_ways() {
    let (address, _) = serve(echo).await;
    let edge = edge(address).await;
    let mut client = http2_client(edge.address).await;
    let (sender, body) = channel_body();
    let mut answer = client.send_request(call(body)).await.unwrap();
    let message = Bytes::from(vec![7_u8; 100_000]);
    for number in 0..200_usize {
        let frame = Frame::data(message.clone());
        tokio::time::timeout(PATIENCE, sender.send(Ok(frame)))
            .await
            .expect("no stall")
            .unwrap();
        // In step, as a conversation: no bound on the sum, no wait for the end.
        let mut received = 0;
        while received < message.len() {
            let frame = answer.body_mut().frame().await.unwrap().unwrap();
            received += frame.data_ref().map_or(0, Bytes::len);
        }
        assert_eq!(received, message.len(), "message {number}");
    }
    let mut last = HeaderMap::new();
    last.insert("x-last", "word".parse().unwrap());
    sender.send(Ok(Frame::trailers(last))).await.unwrap();
    drop(sender);
    let (rest, trailers) = collect(answer).await;
    assert!(rest.is_empty());
    assert_eq!(trailers.get("grpc-status").unwrap(), "0");
    assert_eq!(trailers.get("x-last").unwrap(), "word");
    soon("it is counted", || edge.outcomes("ok") == 1).await;
}

#[tokio::test]
async fn many_streams_share_few_connections() {
    let (address, connections) = serve(echo).await;
    let edge = edge(address).await;
    let client = http2_client(edge.address).await;
    let mut held = Vec::new();
    for _ in 0..100 {
        let (sender, body) = channel_body();
        let mut client = client.clone();
        let answer = client.send_request(call(body)).await.unwrap();
        held.push((sender, answer));
    }
    assert_eq!(
        connections.load(Ordering::SeqCst),
        2,
        "a second one after 90 streams"
    );
}

#[tokio::test]
async fn a_stream_that_is_cut_ends_with_a_status() {
    let (address, _) = serve(|_| async {
        let (sender, body) = channel_body();
        sender
            .try_send(Ok(Frame::data(Bytes::from_static(b"first"))))
            .unwrap();
        Tasks::new().spawn("cut", async move {
            // A reset takes back what has not been written yet.
            tokio::time::sleep(Duration::from_millis(100)).await;
            let _ = sender.send(Err(Broken)).await;
        });
        grpc_answer(body)
    })
    .await;
    let edge = edge(address).await;
    let mut client = http2_client(edge.address).await;
    let answer = client.send_request(call(Empty::<Bytes>::new())).await;
    let (_, trailers) = collect(answer.unwrap()).await;
    assert_eq!(trailers.get("grpc-status").unwrap(), "14");
    assert!(trailers.contains_key("grpc-message"));
    soon("it is counted", || edge.outcomes("reset") == 1).await;
}

#[tokio::test]
async fn a_client_that_leaves_resets_the_upstream() {
    let ended = Arc::new(AtomicUsize::new(0));
    let seen = ended.clone();
    let (address, _) = serve(move |request| {
        let seen = seen.clone();
        async move {
            let (sender, body) = channel_body();
            sender
                .try_send(Ok(Frame::data(Bytes::from_static(b"first"))))
                .unwrap();
            Tasks::new().spawn("watch", async move {
                let mut incoming = request.into_body();
                while incoming.frame().await.is_some_and(|frame| frame.is_ok()) {}
                sender.closed().await;
                seen.fetch_add(1, Ordering::SeqCst);
            });
            grpc_answer(body)
        }
    })
    .await;
    let edge = edge(address).await;
    let mut client = http2_client(edge.address).await;
    // Once with an open request, once with a finished one.
    for (count, open) in [true, false].into_iter().enumerate() {
        let (sender, body) = channel_body();
        let kept = open.then_some(sender);
        let mut answer = client.send_request(call(body)).await.unwrap();
        assert!(answer.body_mut().frame().await.unwrap().is_ok());
        drop((answer, kept));
        soon("the upstream sees the end", || {
            ended.load(Ordering::SeqCst) == count + 1
        })
        .await;
    }
}

#[tokio::test]
async fn failures_are_statuses() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let down = edge(nobody).await;
    let mut client = http2_client(down.address).await;
    let answer = client.send_request(call(Empty::<Bytes>::new())).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers().get("grpc-status").unwrap(), "14");

    let (address, _) = serve(|_| async {
        let page = Full::new(Bytes::from_static(b"<html>")).map_err(|never| match never {});
        let mut answer = Response::new(page.boxed_unsync());
        *answer.status_mut() = StatusCode::NOT_FOUND;
        answer
    })
    .await;
    let wrong = edge(address).await;
    let mut client = http2_client(wrong.address).await;
    let answer = client.send_request(call(Empty::<Bytes>::new())).await;
    let answer = answer.unwrap();
    assert_eq!(answer.headers().get("grpc-status").unwrap(), "12");
    assert!(collect(answer).await.0.is_empty());

    let (address, _) = serve(|_| std::future::pending()).await;
    let limits = Limits {
        upstream_stream_idle: Duration::from_millis(100),
        ..Limits::default()
    };
    let slow = Edge::start(Kind::Grpc, &format!("http://{address}"), limits).await;
    let mut client = http2_client(slow.address).await;
    let answer = client.send_request(call(Empty::<Bytes>::new())).await;
    assert_eq!(answer.unwrap().headers().get("grpc-status").unwrap(), "4");
}

#[tokio::test]
async fn a_connection_that_went_away_costs_no_call() {
    let (address, connections) = serve(echo).await;
    let limits = Limits {
        upstream_connection_age: Duration::from_millis(200),
        ..Limits::default()
    };
    let edge = Edge::start(Kind::Grpc, &format!("http://{address}"), limits).await;
    let mut client = http2_client(edge.address).await;
    let (sender, body) = channel_body();
    let mut held = client.send_request(call(body)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(250)).await;
    let (_, later) = channel_body();
    client.send_request(call(later)).await.unwrap();
    assert_eq!(
        connections.load(Ordering::SeqCst),
        2,
        "an aged connection takes no new streams"
    );
    let frame = Frame::data(Bytes::from_static(b"still"));
    sender.send(Ok(frame)).await.unwrap();
    let back = held.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(back.into_data().unwrap(), "still", "but ends those it has");
}
