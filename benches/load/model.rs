//! A model server that thinks nothing: its answers are made before the first request comes.
//!
//! Written by hand on sockets, so that it takes as little as possible of the cores it shares with
//! what is measured.

use std::{sync::Arc, time::Duration};

use clap::Args;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    time::{Instant, sleep_until},
};

/// See [`crate::Command::Model`].
#[derive(Args)]
pub(crate) struct Model {
    #[arg(long)]
    port: u16,
}

impl Model {
    pub(crate) fn serve(self) {
        // two threads, or ten thousand paced streams would wait for one
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let answers = Arc::new(Answers::new());
        runtime.block_on(async {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind(([127, 0, 0, 1], self.port).into()).unwrap();
            let listener: TcpListener = socket.listen(4096).unwrap();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                connection.set_nodelay(true).unwrap();
                let answers = Arc::clone(&answers);
                runtime.spawn(async move {
                    // an error is the other side's going away
                    let _ = converse(connection, &answers).await;
                });
            }
        });
    }
}

/// Whole answers with their heads, and the chunks of streamed ones.
struct Answers {
    chat: Vec<u8>,
    text: Vec<u8>,
    head: Vec<u8>,
    chat_token: Vec<u8>,
    text_token: Vec<u8>,
    chat_end: Vec<u8>,
    text_end: Vec<u8>,
    /// A streamed answer that wants a tool, with its head.
    call: Vec<u8>,
}

impl Answers {
    fn new() -> Self {
        let usage = r#""usage":{"prompt_tokens":700,"completion_tokens":12,"total_tokens":712}"#;
        let about = |object: &str| {
            format!(
                r#""id":"bench-1","object":"{object}","created":1795421844,"model":"codestral""#
            )
        };
        let whole = |object: &str, choice: &str| {
            let choices = format!(r#"[{{"index":0,{choice},"finish_reason":"stop"}}]"#);
            let body = format!(r#"{{{},"choices":{choices},{usage}}}"#, about(object));
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
            format!("{head} {}\r\n\r\n{body}", body.len()).into_bytes()
        };
        let event = |object: &str, choices: &str, more: &str| {
            let event = format!(
                "data: {{{},\"choices\":[{choices}]{more}}}\n\n",
                about(object)
            );
            format!("{:x}\r\n{event}\r\n", event.len())
        };
        let token = |object: &str, delta: &str| {
            let choice = format!(r#"{{"index":0,{delta},"finish_reason":null}}"#);
            event(object, &choice, "").into_bytes()
        };
        let end = |object: &str, delta: &str| {
            let choice = format!(r#"{{"index":0,{delta},"finish_reason":"stop"}}"#);
            let last = event(object, &choice, "") + &event(object, "", &format!(",{usage}"));
            format!("{last}e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n").into_bytes()
        };
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let call = |delta: &str| {
            let delta = format!(r#""delta":{{"tool_calls":[{delta}]}}"#);
            let choice = format!(r#"{{"index":0,{delta},"finish_reason":null}}"#);
            event("chat.completion.chunk", &choice, "")
        };
        let wanted = [
            head,
            &call(
                r#"{"index":0,"id":"call-1","type":"function","function":{"name":"get_current_user","arguments":""}}"#,
            ),
            &call(r#"{"index":0,"function":{"arguments":"{}"}}"#),
        ];
        let mut wanted = wanted.concat().into_bytes();
        wanted.extend(end("chat.completion.chunk", r#""delta":{}"#));
        Self {
            call: wanted,
            chat: whole(
                "chat.completion",
                r#""message":{"role":"assistant","content":"return first + second"}"#,
            ),
            text: whole("text_completion", r#""text":"return first + second""#),
            head: head.as_bytes().to_vec(),
            chat_token: token("chat.completion.chunk", r#""delta":{"content":"token "}"#),
            text_token: token("text_completion", r#""text":"token ""#),
            chat_end: end("chat.completion.chunk", r#""delta":{}"#),
            text_end: end("text_completion", r#""text":"""#),
        }
    }
}

/// Answers one request after the other.
async fn converse(mut connection: TcpStream, answers: &Answers) -> std::io::Result<()> {
    let mut buffer = Vec::with_capacity(8192);
    loop {
        let request = loop {
            if let Some(request) = Request::read(&buffer) {
                break request;
            }
            if connection.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        buffer.drain(..request.length);
        if request.wants_tool {
            connection.write_all(&answers.call).await?;
        } else if request.streams {
            stream(&mut connection, answers, &request).await?;
        } else {
            let answer = if request.chat {
                &answers.chat
            } else {
                &answers.text
            };
            connection.write_all(answer).await?;
        }
    }
}

/// Token after token, each at its own moment after the first. Those that are late leave together,
/// as they do where a model is quicker than what carries its words.
async fn stream(
    connection: &mut TcpStream,
    answers: &Answers,
    request: &Request,
) -> std::io::Result<()> {
    let (token, end) = if request.chat {
        (&answers.chat_token, &answers.chat_end)
    } else {
        (&answers.text_token, &answers.text_end)
    };
    let begun = Instant::now();
    let mut piece = answers.head.clone();
    let mut sent = 0;
    loop {
        let due = match (begun.elapsed().as_millis() as u32).checked_div(request.gap) {
            Some(gaps) => request.tokens.min(gaps + 1),
            None => request.tokens,
        };
        piece.extend(token.repeat((due - sent) as usize));
        sent = due;
        if sent == request.tokens {
            break;
        }
        connection.write_all(&piece).await?;
        piece.clear();
        sleep_until(begun + Duration::from_millis(u64::from(request.gap * sent))).await;
    }
    piece.extend_from_slice(end);
    connection.write_all(&piece).await
}

/// What is asked.
struct Request {
    /// Bytes with head and body.
    length: usize,
    chat: bool,
    streams: bool,
    /// Below /tools/ a conversation without a tool's result is answered by a call of one.
    wants_tool: bool,
    /// Milliseconds between two tokens; zero: all at once.
    gap: u32,
    tokens: u32,
}

impl Request {
    /// `None` until all of it is there.
    fn read(bytes: &[u8]) -> Option<Self> {
        let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
        let text = std::str::from_utf8(&bytes[..head]).unwrap();
        let body: usize = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, value)| value.trim().parse().unwrap());
        let length = head + body;
        let body = bytes.get(head..length)?;
        let path = text.split(' ').nth(1).unwrap();
        let mut steps = path.split('/').skip(1);
        let first = steps.next();
        let (gap, tokens) = if first == Some("paced") {
            let mut number = || steps.next().unwrap().parse().unwrap();
            (number(), number())
        } else {
            (0, INSTANT_TOKENS)
        };
        let holds = |needle: &[u8]| memchr::memmem::find(body, needle).is_some();
        Some(Self {
            length,
            chat: path.ends_with("/chat/completions"),
            streams: holds(br#""stream":true"#) || holds(br#""stream": true"#),
            wants_tool: first == Some("tools") && !holds(br#""role":"tool""#),
            gap,
            tokens,
        })
    }
}

/// As many as the whole answer has words, about.
const INSTANT_TOKENS: u32 = 8;
