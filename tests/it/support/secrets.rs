//! Secrets that tests use, and the search for them in every line that any Duogate of any test
//! wrote: `process.rs` does it when a process ends.

/// The key of a model server.
pub(crate) const MODEL_KEY: &str = "sk-model-key-that-nobody-may-log";

/// Stands in code, prompts and answers of tests; only logs that are asked for contents hold it.
pub(crate) const CONTENT: &str = "content_that_stays_between_us";

/// What must stand in no log: keys, beginnings of tokens and of private keys.
const NEVER: [&str; 5] = [
    MODEL_KEY, // the header of every JWT: `{"`
    "eyJ",     // an RSA key of 2048 bits, in PKCS #8 and PKCS #1
    "MIIEvA", "MIIEvQ", "MIIEpA",
];

/// Fails with the line that holds a secret.
pub(crate) fn search(log: &str, may_hold_contents: bool) {
    let contents = (!may_hold_contents).then_some(CONTENT);
    for secret in NEVER.into_iter().chain(contents) {
        let line = log.lines().find(|line| line.contains(secret));
        assert!(
            line.is_none(),
            "{secret} is in the log: {}",
            line.unwrap_or_default()
        );
    }
}
