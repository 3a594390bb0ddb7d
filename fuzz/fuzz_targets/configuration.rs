//! A configuration file is read or refused in peace, and every problem names a line that exists.
#![no_main]

use duogate::config::fuzzing::{domain, problems, read_as_everything};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    // the parser of YAML counts these as line ends too
    let ends = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    let lines = text.matches(ends).count() as u64 + 2;
    for problem in problems(text) {
        assert!(
            problem.line.is_none_or(|line| line <= lines),
            "{problem:?} of {lines} lines"
        );
        let shown = problem.to_string();
        assert!(!shown.is_empty() && !problem.remedy.is_empty());
    }
    read_as_everything(text);
    if let Some(name) = domain(text) {
        assert_eq!(domain(&name), Some(name.clone()), "{text:?} is not stable");
    }
});
