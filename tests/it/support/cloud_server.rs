//! Stand-ins for Amazon and Google: `tests/upstreams/amazon_server.py` and `google_server.py`.

use serde_json::Value;

use super::{Standin, get, parts, request};

/// One of them, running.
pub(crate) struct CloudServer(Standin);

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    headers: Value,
    pub(crate) text: String,
}

impl CloudServer {
    /// Amazon; none where its signer is not installed.
    pub(crate) fn amazon() -> Option<Self> {
        let command = parts::cloud("upstreams/amazon_server.py")?;
        Some(Self(Standin::of("amazon_server", command)))
    }

    /// Google, which knows the public key in a file.
    pub(crate) fn google(public_key: &str) -> Option<Self> {
        let mut command = parts::cloud("upstreams/google_server.py")?;
        command.arg(public_key);
        Some(Self(Standin::of("google_server", command)))
    }

    /// `http://ADDRESS`
    pub(crate) fn url(&self) -> String {
        self.0.url()
    }

    /// `ADDRESS`
    pub(crate) fn address(&self) -> String {
        self.0.address.to_string()
    }

    /// Changes how it behaves.
    #[track_caller]
    pub(crate) fn control(&self, change: &Value) {
        let body = change.to_string();
        let head = format!(
            "POST /control HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = request(self.0.address, &format!("{head}{body}"));
        assert_eq!(answer.expect("the stand-in answers").status, 200);
    }

    /// Every request so far but for ours.
    #[track_caller]
    pub(crate) fn requests(&self) -> Vec<Asked> {
        let answer = get(self.0.address, "/requests").expect("the stand-in answers");
        let all: Vec<Value> = serde_json::from_str(&answer.body).unwrap();
        let asked = all.into_iter().map(|mut one| Asked {
            path: one["path"].as_str().unwrap().to_owned(),
            headers: one["headers"].take(),
            text: one["body"].as_str().unwrap().to_owned(),
        });
        asked.collect()
    }

    /// The last one.
    #[track_caller]
    pub(crate) fn last(&self) -> Asked {
        self.requests().pop().expect("the stand-in was asked")
    }

    /// How many requests had a path that begins so.
    #[track_caller]
    pub(crate) fn count(&self, beginning: &str) -> usize {
        let requests = self.requests();
        let these = requests
            .iter()
            .filter(|asked| asked.path.starts_with(beginning));
        these.count()
    }
}

impl Asked {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers[name].as_str()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}
