//! The two ends of the benchmark of completions: a model server that answers at once or at an
//! exact pace, and a client that asks at a steady rate and times every token.
//!
//! ```text
//! load model --port PORT
//! load ask --to ADDRESS --path PATH --body FILE --requests N --rate PER_SECOND …
//! ```
//!
//! Each runs in a process of its own, so that what they cost is not counted as the server's between
//! them. Loopback only. How they are used: `benches/compare/completions.py`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a tool for one run, which ends at the first thing that is not as it should be"
)]

use clap::Parser;

mod client;
mod model;
mod times;

#[derive(Parser)]
enum Command {
    /// Serves POST …/v1/chat/completions and …/v1/completions; /paced/GAP_MS/COUNT before them.
    Model(model::Model),
    /// Asks for so many answers at that rate and prints a line of JSON about their times.
    Ask(client::Ask),
}

fn main() {
    match Command::parse() {
        Command::Model(model) => model.serve(),
        Command::Ask(ask) => println!("{}", ask.run()),
    }
}
