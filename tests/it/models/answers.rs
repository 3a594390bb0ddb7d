//! What becomes of what a model server says.

use std::time::{Duration, Instant};

use duogate::model::{Event, FinishReason, Usage};
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::{Room, budget, metadata, request};
use crate::support::model_server::{ModelServer, Reply};

/// A piece of a stream.
fn piece(delta: &Value, finish: Option<&str>, usage: Option<(u64, u64)>) -> String {
    let mut event = json!({
        "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    });
    if let Some((input, output)) = usage {
        event["usage"] = json!({"prompt_tokens": input, "completion_tokens": output});
    }
    format!("data: {event}\n\n")
}

async fn events(room: &Room, server: &ModelServer) -> Vec<Event> {
    let answer = room.ask(&metadata(server), request(true), budget()).await;
    let events: Vec<_> = StreamExt::collect(answer.unwrap()).await;
    events.into_iter().map(Result::unwrap).collect()
}

fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

#[tokio::test]
async fn tokens_are_told_once_however_often_the_server_counts() {
    let stream = [
        piece(
            &json!({"role": "assistant", "content": ""}),
            None,
            Some((7, 0)),
        ),
        piece(&json!({"content": "a"}), None, Some((7, 1))),
        piece(&json!({"content": "b"}), Some("length"), Some((7, 2))),
        "data: [DONE]\n\n".to_owned(),
    ];
    let server = ModelServer::with(Reply::Events(stream.concat()));
    let room = Room::with(&[]);
    let usage = Usage {
        input_tokens: 7,
        output_tokens: 2,
    };
    let expected = [
        text("a"),
        text("b"),
        Event::Finish(FinishReason::Length),
        Event::Usage(usage),
    ];
    assert_eq!(events(&room, &server).await, expected);
    for (metric, tokens) in [
        ("inference_input_tokens_total", 7.0),
        ("inference_output_tokens_total", 2.0),
        ("inference_total_tokens_total", 9.0),
        ("model_inferences_in_flight", 0.0),
    ] {
        let counted: f64 = room.metric(metric);
        assert!((counted - tokens).abs() < 0.1, "{metric} {counted}");
    }
}

#[tokio::test]
async fn thoughts_are_kept_apart_from_the_answer() {
    let stream = [
        piece(
            &json!({"reasoning": "hm", "reasoning_content": "hm"}),
            None,
            None,
        ),
        piece(&json!({"content": "<thi"}), None, None),
        piece(&json!({"content": "nk>so</th"}), None, None),
        piece(&json!({"content": "ink>\n\nx = 1"}), Some("stop"), None),
    ];
    let server = ModelServer::with(Reply::Events(stream.concat()));
    let room = Room::with(&[]);
    let expected = [
        Event::Reasoning("hm".to_owned()),
        text("x = 1"),
        Event::Finish(FinishReason::Stop),
    ];
    assert_eq!(events(&room, &server).await, expected);
    // unstreamed too
    server.reply(Reply::Pieces(vec!["<think>so</think> x".to_owned()]));
    let whole = room.whole(&metadata(&server), false).await.unwrap();
    assert_eq!(whole.text, "x");
}

#[tokio::test]
async fn oddities_of_servers_are_taken_as_they_are() {
    let done = "data:[DONE]\r\n\r\n";
    for (stream, expected) in [
        // a mark, comments, other line ends, no space, a list of parts
        (
            format!(
                "\u{feff}: ping\r\n\r\ndata:{{\"choices\":[{{\"delta\":{{\"content\":[{{\"text\":\"a\"}}]}},\"finish_reason\":\"stop\"}}]}}\r\n\r\n{done}"
            ),
            "a",
        ),
        // pieces that say nothing, and an end without its blank line
        (
            format!(
                "data: {{\"type\":\"ping\"}}\n\ndata: {{\"choices\":null,\"usage\":null}}\n\n{}data: [DONE]",
                piece(&json!({"content": "é🙂"}), None, None)
            ),
            "é🙂",
        ),
        // nothing but the reason
        (piece(&json!({"content": "a"}), Some("stop"), None), "a"),
        (piece(&json!({}), Some("stop"), None), ""),
    ] {
        let server = ModelServer::with(Reply::Events(stream.clone()));
        let whole = Room::with(&[]).whole(&metadata(&server), true).await;
        assert_eq!(whole.unwrap().text, expected, "{stream}");
    }
}

#[tokio::test]
async fn a_server_that_is_done_and_does_not_close_is_done() {
    let end = piece(&json!({"content": "a"}), Some("stop"), None);
    for (stream, longest) in [(format!("{end}data: [DONE]\n\n"), 1), (end, 4)] {
        let server = ModelServer::with(Reply::Stall(stream));
        let began = Instant::now();
        let whole = Room::with(&[]).whole(&metadata(&server), true).await;
        assert_eq!(whole.unwrap().text, "a");
        assert!(began.elapsed() < Duration::from_secs(longest));
    }
}

#[tokio::test]
async fn a_stream_leaves_its_connection_to_the_next_call() {
    let end = piece(&json!({"content": "a"}), Some("stop"), None);
    let server = ModelServer::with(Reply::LateEnd(format!("{end}data: [DONE]\n\n")));
    let room = Room::with(&[]);
    for _ in 0..3 {
        let began = Instant::now();
        room.whole(&metadata(&server), true).await.unwrap();
        let waited = began.elapsed();
        assert!(
            waited < Duration::from_millis(400),
            "not for the end: {waited:?}"
        );
        // the last chunk of a body comes apart from what it ends
        tokio::time::sleep(Duration::from_millis(800)).await;
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn whoever_drops_an_answer_ends_the_call_at_the_server() {
    let pieces = vec!["x".to_owned(); 1000];
    let server = ModelServer::with(Reply::Paced(pieces, Duration::from_millis(20)));
    let room = Room::with(&[]);
    let wanted = metadata(&server);
    let asking = room.ask(&wanted, request(true), budget());
    let mut answer = asking.await.unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap(), text("x"));
    drop(answer);
    left(&server, 1).await;

    // and whoever does not wait for one
    server.reply(Reply::Silence);
    let asking = room.ask(&wanted, request(false), budget());
    let patience = Duration::from_millis(300);
    assert!(tokio::time::timeout(patience, asking).await.is_err());
    left(&server, 2).await;
    assert!(room.metric("model_inferences_in_flight").abs() < 0.1);
}

/// Waits until the server noticed that clients left.
async fn left(server: &ModelServer, clients: usize) {
    let end = Instant::now() + Duration::from_secs(5);
    while server.left() < clients {
        assert!(Instant::now() < end, "the server still writes");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn local_mode_answers_by_itself() {
    let room = Room::of(&[]);
    let target = room.models.target(None).unwrap();
    for stream in [false, true] {
        let answer = room.models.ask(&target, request(stream), budget()).await;
        let whole = answer.unwrap().collect().await.unwrap();
        assert_eq!(whole.text, "echo: say \"hi\"");
        assert!(whole.usage.is_some());
    }
}
