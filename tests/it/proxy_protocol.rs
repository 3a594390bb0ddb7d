//! PROXY headers: from listed networks they are believed and demanded, from others they are no
//! HTTP.

use std::time::Duration;

use duogate::config::{Limits, Listen};

use crate::support::{edge::Edge, wire::Wire};

const WHO: &[u8] = b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n";
const REFUSED: &str = "duogate_connections_refused_total{outcome=\"proxy_header\"}";

fn edge(from: &[&str], limits: &Limits) -> Edge {
    let networks = from.iter().map(|text| text.parse().unwrap()).collect();
    let listen = Listen {
        proxy_protocol_from: networks,
        ..Listen::default()
    };
    Edge::with(limits, &listen)
}

fn behind_loopback() -> Edge {
    let limits = Limits {
        proxy_header: Duration::from_millis(300),
        ..Limits::default()
    };
    edge(&["127.0.0.0/8", "::1/128"], &limits)
}

/// A version 2 header for TCP over IPv4 with one extra field.
fn binary(command: u8) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend([0x20 | command, 0x11, 0, 12 + 4]);
    header.extend([192, 0, 2, 1, 198, 51, 100, 7, 0x04, 0xD2, 0x01, 0xBB]);
    header.extend([0xEA, 0, 1, b'x']);
    header
}

async fn who(edge: &Edge, header: &[u8], piece: usize) -> Option<String> {
    let mut wire = Wire::connect(edge.address).await;
    wire.send_in_pieces(&[header, WHO].concat(), piece).await;
    let answer = wire.answer().await?;
    assert_eq!(answer.status, 200, "{answer:?}");
    Some(answer.body)
}

#[tokio::test]
async fn headers_of_both_versions_are_believed() {
    let edge = behind_loopback();
    for piece in [usize::MAX, 5, 1] {
        let text = b"PROXY TCP4 192.0.2.1 198.51.100.7 1234 443\r\n";
        for header in [&text[..], &binary(1)] {
            let told = who(&edge, header, piece).await.expect("an answer");
            assert_eq!(told, "192.0.2.1:1234 198.51.100.7:443");
        }
        let text = b"PROXY TCP6 2001:db8::1 2001:db8::2 1234 443\r\n";
        let told = who(&edge, text, piece).await.expect("an answer");
        assert_eq!(told, "[2001:db8::1]:1234 [2001:db8::2]:443");
    }
}

#[tokio::test]
async fn a_header_without_addresses_leaves_those_of_the_socket() {
    let edge = behind_loopback();
    for header in [&b"PROXY UNKNOWN\r\n"[..], &binary(0)] {
        let told = who(&edge, header, usize::MAX).await.expect("an answer");
        assert!(told.starts_with("127.0.0.1:"), "{told}");
        assert!(told.ends_with(&edge.address.to_string()), "{told}");
    }
}

#[tokio::test]
async fn a_listed_peer_without_a_valid_header_is_closed_and_counted() {
    let edge = behind_loopback();
    let invalid: [&[u8]; 6] = [
        b"",
        b"PROXY TCP4 nonsense\r\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.7 1234 443\n",
        b"PROXY TCP4 192.0.2.1 198.51.100.7 1234 443 and more\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0C",
        b"\x16\x03\x01\x02\0\x01\0\x01\xFC\x03\x03",
    ];
    for header in invalid {
        assert_eq!(who(&edge, header, usize::MAX).await, None, "{header:?}");
    }
    // One more that says nothing at all, and one that stops in the middle.
    for start in [&b""[..], b"PROXY TCP4 192"] {
        let mut wire = Wire::connect(edge.address).await;
        wire.send(start).await;
        assert!(wire.rest().await.is_empty());
    }
    assert_eq!(edge.metric(REFUSED), 8);
}

#[tokio::test]
async fn a_slow_proxy_does_not_hold_up_others() {
    let limits = Limits::default();
    let edge = edge(&["127.0.0.0/8"], &limits);
    let mut slow = Vec::new();
    for _ in 0..50 {
        slow.push(Wire::connect(edge.address).await);
    }
    let header = b"PROXY TCP4 192.0.2.1 198.51.100.7 1234 443\r\n";
    assert!(who(&edge, header, usize::MAX).await.is_some());
    drop(slow);
}

#[tokio::test]
async fn from_anyone_else_a_header_is_a_bad_request() {
    let edge = edge(&["10.0.0.0/8"], &Limits::default());
    for header in [
        &b"PROXY TCP4 192.0.2.1 198.51.100.7 1234 443\r\n"[..],
        &binary(1),
    ] {
        let mut wire = Wire::connect(edge.address).await;
        wire.send(&[header, WHO].concat()).await;
        let answer = wire.answer().await.expect("a refusal");
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(wire.answer().await.is_none());
    }
}

#[tokio::test]
async fn clients_behind_a_proxy_are_counted_apart() {
    let limits = Limits {
        connections_per_client: 2,
        ..Limits::default()
    };
    let edge = edge(&["127.0.0.0/8"], &limits);
    let mut open = Vec::new();
    let mut served = Vec::new();
    for client in ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"] {
        let mut wire = Wire::connect(edge.address).await;
        let header = format!("PROXY TCP4 {client} 198.51.100.7 1234 443\r\n");
        wire.send(&[header.as_bytes(), WHO].concat()).await;
        served.push(wire.answer().await.is_some());
        open.push(wire);
    }
    assert_eq!(served, [true, true, false, true]);
    let refused = "duogate_connections_refused_total{outcome=\"per_client\"}";
    assert_eq!(edge.metric(refused), 1);
}
