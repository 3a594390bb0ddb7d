//! Words to the operator.

use std::io::{self, Write};

use crate::config::Problem;

/// Writes to standard output; a reader that has left (`| head`) is no fault of ours.
pub(super) fn say(text: &str) {
    let _ = write_line(&mut io::stdout().lock(), text);
}

/// Writes to standard error.
pub(super) fn complain(text: &str) {
    let _ = write_line(&mut io::stderr().lock(), text);
}

/// Writes every problem and their number to standard error.
pub(super) fn list(problems: &[Problem]) {
    let mut lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.push(match problems.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    });
    complain(&lines.join("\n"));
}

fn write_line(output: &mut impl Write, text: &str) -> io::Result<()> {
    output.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        output.write_all(b"\n")?;
    }
    output.flush()
}
