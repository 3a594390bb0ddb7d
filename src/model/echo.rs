//! The model of local mode: what was asked comes back, so that everything around a model can be
//! tried without one.

use std::collections::VecDeque;

use super::{Event, FinishReason, Message, ModelRequest, Usage};

/// `echo: ` and the last line of what the user says, in words where a stream is wanted.
pub(super) fn echo(request: &ModelRequest) -> VecDeque<Event> {
    let mut said = request.messages.iter().rev();
    let said = said.find(|message| matches!(message, Message::User(_)));
    let said = said.map_or("", Message::text);
    let line = said
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| !line.is_empty());
    let line: String = line.unwrap_or_default().chars().take(LONGEST).collect();
    let text = format!("echo: {line}");
    let input = request.messages.iter().map(Message::size).sum::<usize>();
    let usage = Usage {
        input_tokens: tokens(input),
        output_tokens: tokens(text.len()),
    };
    let pieces: Vec<String> = if request.stream {
        text.split_inclusive(' ').map(ToOwned::to_owned).collect()
    } else {
        vec![text]
    };
    let end = [Event::Finish(FinishReason::Stop), Event::Usage(usage)];
    pieces.into_iter().map(Event::Text).chain(end).collect()
}

fn tokens(bytes: usize) -> u64 {
    bytes.div_ceil(4) as u64
}

/// A line is enough to see that it works.
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_the_user_comes_back() {
        let request = |stream| ModelRequest {
            messages: vec![Message::User("first\nsay hello \n".to_owned())],
            stream,
            ..ModelRequest::default()
        };
        let whole = echo(&request(false));
        assert_eq!(whole[0], Event::Text("echo: say hello".to_owned()));
        let pieces = echo(&request(true));
        assert_eq!(pieces[0], Event::Text("echo: ".to_owned()));
        assert_eq!(pieces[2], Event::Text("hello".to_owned()));
        assert!(matches!(pieces.back(), Some(Event::Usage(_))));
    }
}
