//! A Duogate whose certificates come from an ACME server of the test.

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Duogate, Settings};

impl Settings {
    /// Certificates for `edge.test` from this directory, whose listener is trusted by `root`.
    pub(crate) fn acme(self, directory: &str, root: &Path) -> Self {
        self.set(
            "tls",
            json!({
                "source": "acme",
                "state": "state",
                "acme": {
                    "directory": directory,
                    "ca_file": root,
                    "contact": ["ops@example.com"],
                },
            }),
        )
    }
}

impl Duogate {
    /// Every certificate as `/certs` tells it.
    #[track_caller]
    pub(crate) fn certificates(&self) -> Vec<Value> {
        let answer = self.operator("/certs").body;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["certificates"].as_array().unwrap().clone()
    }

    /// Waits until the first certificate is as `wanted` asks.
    #[track_caller]
    pub(crate) fn certificate_with(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown = self.certificates().swap_remove(0);
            if wanted(&shown) {
                return shown;
            }
            assert!(
                Instant::now() < deadline,
                "{what} was not seen: {shown}\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits for a certificate.
    #[track_caller]
    pub(crate) fn valid_certificate(&self) -> Value {
        self.certificate_with("a valid certificate", |shown| {
            shown["serial"].is_string() && shown["state"] == "valid"
        })
    }

    /// Waits for another certificate than this one.
    #[track_caller]
    pub(crate) fn next_certificate(&self, former: &Value) -> Value {
        self.certificate_with("another certificate", |shown| {
            shown["serial"].is_string() && shown["serial"] != former["serial"]
        })
    }
}

/// Issuance takes a second or two; a busy machine and refused nonces make it ten.
const PATIENCE: Duration = Duration::from_secs(40);
