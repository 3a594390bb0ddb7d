//! HTTP/1.1 towards the upstream.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use duogate::{config::Limits, foundation::ShutdownPhase, upstream::Resolver};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    edge::{Edge, Kind, soon},
    upstream::{Upstream, mirror, read_head, wait_for_end, write_answer},
};

async fn edge(target: &str) -> Edge {
    Edge::start(Kind::Http, target, Limits::default()).await
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or(answer)
}

#[tokio::test]
async fn one_connection_serves_requests_in_turn() {
    let upstream = Upstream::start(|stream, _| mirror(stream)).await;
    let edge = edge(&upstream.url()).await;
    for _ in 0..5 {
        let answer = edge.get("/a%2Fb//c?").await;
        assert!(answer.contains("GET /a%2Fb//c? HTTP/1.1\r\n"), "{answer}");
        assert!(answer.contains("via: 1.1 duogate"), "{answer}");
    }
    assert_eq!(upstream.connections(), 1);
    soon("all are counted", || edge.outcomes("ok") == 5).await;
}

#[tokio::test]
async fn a_kept_connection_that_closed_costs_no_request() {
    // Answers once and closes without having said so.
    let upstream = Upstream::start(|mut stream, _| async move {
        let head = read_head(&mut stream).await;
        write_answer(&mut stream, &head).await;
    })
    .await;
    let edge = edge(&upstream.url()).await;
    for number in 1..=4 {
        let answer = edge.get("/").await;
        assert_eq!(status(&answer), "200", "{answer}");
        assert_eq!(upstream.connections(), number);
    }
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = requests.clone();
    // Answers the first request, reads the second one of a connection and closes.
    let upstream = Upstream::start(move |mut stream, _| {
        let count = count.clone();
        async move {
            read_head(&mut stream).await;
            count.fetch_add(1, Ordering::SeqCst);
            write_answer(&mut stream, "first").await;
            if !read_head(&mut stream).await.is_empty() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let edge = edge(&upstream.url()).await;
    assert_eq!(status(&edge.get("/").await), "200");
    let answer = edge.get("/").await;
    assert_eq!(status(&answer), "502", "{answer}");
    assert!(answer.contains("{\"detail\":"), "{answer}");
    assert_eq!(requests.load(Ordering::SeqCst), 2);
    assert_eq!(edge.outcomes("reset"), 1);
}

#[tokio::test]
async fn failures_before_an_answer_have_their_status() {
    let limits = Limits {
        upstream_headers: Duration::from_millis(200),
        upstream_connections: 1,
        ..Limits::default()
    };
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let refused = Edge::start(Kind::Http, &format!("http://{nobody}"), limits.clone()).await;
    assert_eq!(status(&refused.get("/").await), "502");
    assert_eq!(refused.outcomes("refused"), 1);

    let nameless = edge("http://name.invalid:1").await;
    assert_eq!(status(&nameless.get("/").await), "502");
    assert_eq!(nameless.outcomes("unresolvable"), 1);

    let silent = Upstream::start(|mut stream, _| async move {
        wait_for_end(&mut stream).await;
    })
    .await;
    let silent = Edge::start(Kind::Http, &silent.url(), limits).await;
    let (first, second) = tokio::join!(silent.get("/"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        silent.get("/").await
    });
    assert_eq!(status(&first), "504", "{first}");
    assert_eq!(status(&second), "503", "{second}");
    assert!(second.contains("retry-after: 1\r\n"), "{second}");
    assert_eq!(silent.outcomes("header_timeout"), 1);
    assert_eq!(silent.outcomes("busy"), 1);

    let garbage = Upstream::start(|mut stream, _| async move {
        read_head(&mut stream).await;
        let _ = stream.write_all(b"SSH-2.0-hello\r\n").await;
    })
    .await;
    let garbage = edge(&garbage.url()).await;
    assert_eq!(status(&garbage.get("/").await), "502");
    assert_eq!(garbage.outcomes("protocol"), 1);
}

#[tokio::test]
async fn a_connection_that_is_never_accepted_meets_the_deadline() {
    // A full backlog drops what comes; loopback has no other black hole.
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(tokio::time::timeout(
            Duration::from_millis(100),
            TcpStream::connect(address),
        ));
    }
    let _held = futures_util::future::join_all(held).await;
    let limits = Limits {
        upstream_connect: Duration::from_millis(300),
        ..Limits::default()
    };
    let edge = Edge::start(Kind::Http, &format!("http://{address}"), limits).await;
    let answer = edge.get("/").await;
    assert_eq!(status(&answer), "504", "{answer}");
    assert_eq!(edge.outcomes("connect_timeout"), 1);
}

#[tokio::test]
async fn a_refused_upstream_does_not_ask_for_the_body() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let edge = edge(&format!("http://{nobody}")).await;
    let request = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n";
    let answer = edge.raw(request).await;
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
}

#[tokio::test]
async fn a_body_is_asked_for_and_passed_on() {
    let upstream = Upstream::start(|mut stream, _| async move {
        let head = read_head(&mut stream).await;
        assert!(!head.contains("expect"), "{head}");
        let mut body = [0_u8; 5];
        stream.read_exact(&mut body).await.unwrap();
        write_answer(&mut stream, std::str::from_utf8(&body).unwrap()).await;
    })
    .await;
    let edge = edge(&upstream.url()).await;
    let mut stream = TcpStream::connect(edge.address).await.unwrap();
    let head = "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\nconnection: close\r\n\
                content-length: 5\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    assert!(
        read_head(&mut stream)
            .await
            .starts_with("HTTP/1.1 100 Continue")
    );
    stream.write_all(b"hello").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
}

#[tokio::test]
async fn bodies_over_the_limit_are_413_announced_or_not() {
    let upstream = Upstream::start(|mut stream, _| async move {
        wait_for_end(&mut stream).await;
    })
    .await;
    let limits = Limits {
        api_body_bytes: 10,
        ..Limits::default()
    };
    let edge = Edge::start(Kind::Http, &upstream.url(), limits).await;
    let announced = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 11\r\n\r\n";
    let answer = edge.raw(announced).await;
    assert_eq!(status(&answer), "413", "{answer}");
    assert_eq!(upstream.connections(), 0);
    let chunked = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\
                   connection: close\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n";
    let answer = edge.raw(chunked).await;
    assert_eq!(status(&answer), "413", "{answer}");
}

#[tokio::test]
async fn a_client_that_leaves_closes_the_upstream() {
    for answered in [false, true] {
        let left = Arc::new(AtomicBool::new(false));
        let seen = left.clone();
        let upstream = Upstream::start(move |mut stream, _| {
            let seen = seen.clone();
            async move {
                read_head(&mut stream).await;
                if answered {
                    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n";
                    stream.write_all(head).await.unwrap();
                }
                wait_for_end(&mut stream).await;
                seen.store(true, Ordering::SeqCst);
            }
        })
        .await;
        let edge = edge(&upstream.url()).await;
        let mut client = TcpStream::connect(edge.address).await.unwrap();
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        if answered {
            read_head(&mut client).await;
        } else {
            soon("the upstream is asked", || upstream.connections() == 1).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let start = Instant::now();
        drop(client);
        soon("the upstream sees the end", || left.load(Ordering::SeqCst)).await;
        assert!(start.elapsed() < Duration::from_secs(1));
        soon("it is counted", || edge.outcomes("client_left") == 1).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_does_not_end_cleanly() {
    let upstream = Upstream::start(|mut stream, number| async move {
        read_head(&mut stream).await;
        let answer: &[u8] = if number == 1 {
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\ndata\r\n"
        } else {
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\ndata"
        };
        stream.write_all(answer).await.unwrap();
    })
    .await;
    let edge = edge(&upstream.url()).await;
    let chunked = edge.get("/").await;
    assert!(
        chunked.contains("data") && !chunked.ends_with("0\r\n\r\n"),
        "{chunked}"
    );
    let counted = edge.get("/").await;
    assert!(counted.ends_with("\r\n\r\ndata"), "{counted}");
    soon("both are counted", || edge.outcomes("reset") == 2).await;
}

#[tokio::test]
async fn a_silent_answer_meets_its_idle_time_and_events_have_more_of_it() {
    let upstream = Upstream::start(|mut stream, _| async move {
        let head = read_head(&mut stream).await;
        let kind = if head.contains("/events") {
            "text/event-stream"
        } else {
            "text/plain"
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n\
             2\r\na\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(600)).await;
        let _ = stream.write_all(b"2\r\nb\n\r\n0\r\n\r\n").await;
    })
    .await;
    let limits = Limits {
        upstream_idle: Duration::from_millis(200),
        ..Limits::default()
    };
    let edge = Edge::start(Kind::Http, &upstream.url(), limits).await;
    assert!(!edge.get("/plain").await.ends_with("0\r\n\r\n"));
    assert!(edge.get("/events").await.ends_with("0\r\n\r\n"));
    soon("it is counted", || edge.outcomes("idle") == 1).await;
}

#[tokio::test]
async fn an_upstream_that_moved_is_found() {
    let first = Upstream::start_at("127.0.0.2:0", |mut stream, _| async move {
        read_head(&mut stream).await;
        write_answer(&mut stream, "first").await;
    })
    .await;
    let port = first.address.port();
    let second = Upstream::start_at(&format!("127.0.0.3:{port}"), |mut stream, _| async move {
        read_head(&mut stream).await;
        write_answer(&mut stream, "second").await;
    })
    .await;
    // The name first leads to an address where nobody listens any more.
    let current = Arc::new(Mutex::new(SocketAddr::from(([127, 0, 0, 2], port))));
    let looked_up = current.clone();
    let resolver = Resolver::with_lookup(Arc::new(move |_, _| {
        let address = *looked_up.lock().unwrap();
        Box::pin(async move { Ok(vec![address]) })
    }));
    let target = format!("http://gateway.test:{port}");
    let edge = Edge::resolved_by(Kind::Http, &target, Limits::default(), resolver).await;
    assert!(edge.get("/").await.ends_with("first"));
    *current.lock().unwrap() = SocketAddr::from(([127, 0, 0, 4], port));
    // Remembered addresses still work while the upstream does.
    assert!(edge.get("/").await.ends_with("first"));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    assert_eq!(status(&edge.get("/").await), "502");
    *current.lock().unwrap() = second.address;
    assert!(edge.get("/").await.ends_with("second"), "found at once");
}

#[tokio::test]
async fn kept_connections_end_when_the_process_drains() {
    let upstream = Upstream::start(|stream, _| mirror(stream)).await;
    let edge = edge(&upstream.url()).await;
    assert_eq!(status(&edge.get("/").await), "200");
    assert!(!edge.tasks.is_empty());
    edge.trigger.advance(ShutdownPhase::Draining);
    soon("no task is left", || edge.tasks.is_empty()).await;
    assert_eq!(
        status(&edge.get("/").await),
        "200",
        "what is under way still goes on"
    );
    soon("and none stays behind", || edge.tasks.is_empty()).await;
}

#[tokio::test]
async fn aged_and_idle_connections_are_not_used_again() {
    let upstream = Upstream::start(|stream, _| mirror(stream)).await;
    let limits = Limits {
        upstream_connection_age: Duration::from_millis(300),
        ..Limits::default()
    };
    let edge = Edge::start(Kind::Http, &upstream.url(), limits).await;
    edge.get("/").await;
    edge.get("/").await;
    assert_eq!(upstream.connections(), 1);
    tokio::time::sleep(Duration::from_millis(350)).await;
    edge.get("/").await;
    assert_eq!(upstream.connections(), 2);
}
