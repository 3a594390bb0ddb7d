//! A model server that does what a test tells it: OpenAI's two routes, streamed or not, and every
//! way to misbehave. In clear, HTTP/1.1, with a thread for each connection.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use socket2::SockRef;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Answers these pieces, in one text where no stream is asked for.
    Pieces(Vec<String>),
    /// The same with a pause before each piece.
    Paced(Vec<String>, Duration),
    /// Answers a status with headers and a body.
    Status(u16, Vec<(&'static str, &'static str)>, String),
    /// Answers 200 with these bytes as an event stream and ends it well.
    Events(String),
    /// The same, and ends it half a second after they were sent.
    LateEnd(String),
    /// As `Events`, and resets the connection where the end should be.
    CutEvents(String),
    /// Resets the connection before any byte.
    Reset,
    /// Says nothing until the client goes.
    Silence,
    /// Begins an event stream with these bytes and says nothing more.
    Stall(String),
    /// Answers 200 with JSON that has no end, until the client goes.
    Endless,
    /// Answers each request by the next of these, and further ones by the last.
    Sequence(Vec<Reply>),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) raw: Vec<u8>,
}

impl Recorded {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// What the messages say, or the prompt of a text completion.
    pub(crate) fn text(&self) -> String {
        if let Some(prompt) = self.body["prompt"].as_str() {
            return prompt.to_owned();
        }
        let messages = self.body["messages"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let texts = messages
            .iter()
            .filter_map(|message| message["content"].as_str());
        texts.collect::<Vec<_>>().join("\n")
    }
}

#[derive(Debug)]
struct Shared {
    reply: Mutex<Reply>,
    requests: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
    left: AtomicUsize,
    ended: AtomicBool,
}

impl Shared {
    fn next_reply(&self) -> Reply {
        match &mut *self.reply.lock().unwrap() {
            Reply::Sequence(replies) if replies.len() > 1 => replies.remove(0),
            Reply::Sequence(replies) => replies[0].clone(),
            reply => reply.clone(),
        }
    }
}

/// A running server; it ends with the value.
#[derive(Debug)]
pub(crate) struct ModelServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl ModelServer {
    /// Starts one that answers a text.
    pub(crate) fn start(text: &str) -> Self {
        Self::with(Reply::Pieces(vec![text.to_owned()]))
    }

    /// Starts one with another behaviour.
    pub(crate) fn with(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            reply: Mutex::new(reply),
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if accepting.ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&accepting);
                shared.connections.fetch_add(1, Ordering::SeqCst);
                thread::spawn(move || {
                    // a client that goes is what several tests are about
                    let _ = serve(&stream.unwrap(), &shared);
                });
            }
        });
        Self { address, shared }
    }

    /// What GitLab's administrator types in as endpoint.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// From now on requests are answered like this.
    pub(crate) fn reply(&self, reply: Reply) {
        *self.shared.reply.lock().unwrap() = reply;
    }

    /// Every request so far.
    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The last request.
    #[track_caller]
    pub(crate) fn last(&self) -> Recorded {
        self.requests().pop().expect("the model server was asked")
    }

    /// How many connections were opened.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many clients went in the middle of an answer.
    pub(crate) fn left(&self) -> usize {
        self.shared.left.load(Ordering::SeqCst)
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // wakes the accepting thread
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = read_request(&mut reader)? {
        let streamed = request.body["stream"] == true;
        let chat = request.path.ends_with("/chat/completions");
        shared.requests.lock().unwrap().push(request);
        let reply = shared.next_reply();
        match reply {
            Reply::Pieces(pieces) => answer(stream, shared, &pieces, streamed, chat, None)?,
            Reply::Paced(pieces, pause) => {
                answer(stream, shared, &pieces, streamed, chat, Some(pause))?;
            }
            Reply::Status(status, headers, body) => {
                let headers = headers
                    .iter()
                    .map(|(name, value)| format!("{name}: {value}\r\n"));
                let headers = headers.collect::<Vec<_>>().concat();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} Because\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
                );
                send(stream, &answer)?;
            }
            Reply::Events(events) => {
                begin_events(stream)?;
                chunk(stream, &events)?;
                send(stream, "0\r\n\r\n")?;
            }
            Reply::LateEnd(events) => {
                begin_events(stream)?;
                chunk(stream, &events)?;
                thread::sleep(Duration::from_millis(500));
                send(stream, "0\r\n\r\n")?;
            }
            Reply::CutEvents(events) => {
                begin_events(stream)?;
                chunk(stream, &events)?;
                // what was written should arrive before the reset does
                thread::sleep(Duration::from_millis(100));
                return reset(stream);
            }
            Reply::Reset => return reset(stream),
            Reply::Silence => return wait_for_end(stream, shared),
            Reply::Stall(events) => {
                begin_events(stream)?;
                chunk(stream, &events)?;
                return wait_for_end(stream, shared);
            }
            Reply::Endless => return endless(stream, shared),
            Reply::Sequence(_) => panic!("a sequence within a sequence"),
        }
    }
    Ok(())
}

fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Recorded>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(Recorded {
        path,
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        raw: body,
    }))
}

fn answer(
    stream: &TcpStream,
    shared: &Shared,
    pieces: &[String],
    streamed: bool,
    chat: bool,
    pause: Option<Duration>,
) -> std::io::Result<()> {
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12});
    if !streamed {
        thread::sleep(pause.unwrap_or_default());
        let text = pieces.concat();
        let choice = if chat {
            json!({"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"})
        } else {
            json!({"index": 0, "text": text, "finish_reason": "stop"})
        };
        let body = json!({"id": "x", "model": "mistral-x", "choices": [choice], "usage": usage});
        let body = body.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        return send(stream, &format!("{head}{body}"));
    }
    begin_events(stream)?;
    for piece in pieces {
        if let Some(pause) = pause {
            thread::sleep(pause);
        }
        let choice = if chat {
            json!({"index": 0, "delta": {"content": piece}})
        } else {
            json!({"index": 0, "text": piece})
        };
        let event = json!({"id": "x", "model": "mistral-x", "choices": [choice]});
        chunk(stream, &format!("data: {event}\n\n")).inspect_err(|_| {
            shared.left.fetch_add(1, Ordering::SeqCst);
        })?;
    }
    let end = json!({"id": "x", "model": "mistral-x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let last = json!({"id": "x", "model": "mistral-x", "choices": [], "usage": usage});
    chunk(
        stream,
        &format!("data: {end}\n\ndata: {last}\n\ndata: [DONE]\n\n"),
    )?;
    send(stream, "0\r\n\r\n")
}

fn begin_events(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
}

fn chunk(mut stream: &TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes())
}

fn send(mut stream: &TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes())
}

fn reset(stream: &TcpStream) -> std::io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

/// Until the client closes, at most half a minute.
fn wait_for_end(mut stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    if !matches!(stream.read(&mut [0; 1]), Ok(1..)) {
        shared.left.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}

/// At most a gigabyte.
fn endless(mut stream: &TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"choices\": [\"")?;
    let block = vec![b'x'; 1 << 20];
    for _ in 0..1024 {
        stream.write_all(&block).inspect_err(|_| {
            shared.left.fetch_add(1, Ordering::SeqCst);
        })?;
    }
    Ok(())
}
