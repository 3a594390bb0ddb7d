//! Whatever version and inputs a client sends, a prompt is found or refused, and rendered twice the same.
#![no_main]

use std::sync::LazyLock;

use duogate::prompt::Prompts;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

static PROMPTS: LazyLock<Prompts> = LazyLock::new(|| Prompts::load(None).unwrap());

fuzz_target!(|text: &str| {
    let (version, inputs) = text.split_once('\n').unwrap_or((text, ""));
    let inputs: Map<String, Value> = serde_json::from_str(inputs).unwrap_or_default();
    for id in PROMPTS.ids() {
        match PROMPTS.find(id, &["mistral"], Some(version)) {
            Ok(prompt) => assert_eq!(prompt.render(&inputs), prompt.render(&inputs)),
            Err(error) => assert!(!error.to_string().contains('\n')),
        }
    }
});
