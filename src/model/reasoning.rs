//! Thoughts that a model writes before its answer, taken out of its text.

/// Takes out one leading `<think>...</think>`, however the text is cut; what the model thinks
/// aloud is nothing for an editor or a commit message (models-and-prompts 10, trap 19). Models that
/// are known to think may begin behind their `<think>`, so their first words wait for its end.
#[derive(Debug)]
pub(super) struct ThoughtFilter {
    held: String,
    state: State,
    thinks: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Beginning,
    Thinking,
    /// After a thought; white space goes with it.
    Leaving,
    Answering,
}

impl ThoughtFilter {
    /// A filter for a model, `thinks` where it is known to.
    pub(super) fn new(thinks: bool) -> Self {
        Self {
            held: String::new(),
            state: State::Beginning,
            thinks,
        }
    }

    /// Takes a piece and gives what belongs to the answer.
    pub(super) fn push(&mut self, piece: String) -> String {
        if self.state == State::Answering {
            return piece;
        }
        self.held.push_str(&piece);
        self.step();
        match self.state {
            State::Answering => std::mem::take(&mut self.held),
            _ => String::new(),
        }
    }

    /// Gives what was held back, at the model's end. A thought without an end was cut by the bound
    /// of tokens; nothing of an answer is in it.
    pub(super) fn finish(&mut self) -> String {
        match self.state {
            State::Beginning => std::mem::take(&mut self.held),
            _ => String::new(),
        }
    }

    /// Decides whether a thought comes first, once enough is there to tell.
    fn begin(&mut self) {
        let text = self.held.trim_start();
        if let Some(thought) = text.strip_prefix(OPEN) {
            self.held = thought.to_owned();
            self.state = State::Thinking;
            return;
        }
        let first = self.held.char_indices().nth(FIRST_WORDS);
        let first = first.map_or(self.held.as_str(), |(end, _)| {
            self.held.get(..end).unwrap_or_default()
        });
        let end = first.find(CLOSE).filter(|_| self.thinks);
        if let Some(end) = end {
            self.held.drain(..end + CLOSE.len());
            self.state = State::Leaving;
            return;
        }
        let may_open = OPEN.starts_with(text) && self.held.len() <= LONGEST_SPACE;
        let may_close = self.thinks && first.len() == self.held.len();
        if !may_open && !may_close {
            self.state = State::Answering;
        }
    }

    fn step(&mut self) {
        if self.state == State::Beginning {
            self.begin();
        }
        if self.state == State::Thinking {
            if let Some(at) = self.held.find(CLOSE) {
                self.held.drain(..at + CLOSE.len());
                self.state = State::Leaving;
            } else {
                // only what may begin the end is kept
                let ends = (0..CLOSE.len().min(self.held.len() + 1)).rev();
                let kept = ends.into_iter().find(|length| {
                    CLOSE
                        .get(..*length)
                        .is_some_and(|start| self.held.ends_with(start))
                });
                let gone = self.held.len() - kept.unwrap_or_default();
                self.held.drain(..gone);
            }
        }
        if self.state == State::Leaving {
            let space = self.held.len() - self.held.trim_start().len();
            self.held.drain(..space);
            if !self.held.is_empty() {
                self.state = State::Answering;
            }
        }
    }
}

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Within which an end without a beginning is one (models-and-prompts 5.4).
const FIRST_WORDS: usize = 80;

/// White space before a thought that is waited for.
const LONGEST_SPACE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(text: &str, size: usize, thinks: bool) -> String {
        let mut filter = ThoughtFilter::new(thinks);
        let characters: Vec<char> = text.chars().collect();
        let mut answer = String::new();
        for piece in characters.chunks(size) {
            answer += &filter.push(piece.iter().collect());
        }
        answer + &filter.finish()
    }

    #[test]
    fn however_the_text_is_cut_the_answer_is_the_same() {
        let long = format!("{}</think>x", "é".repeat(80));
        for (text, expected, by_thinker) in [
            ("<think>Hm. <b></think>\n\n  x = 1", "x = 1", "x = 1"),
            ("\n<think></think>x", "x", "x"),
            ("x <think>y</think>", "x <think>y</think>", ""),
            ("hm</think>\nx", "hm</think>\nx", "x"),
            (long.as_str(), long.as_str(), long.as_str()),
            ("  x", "  x", "  x"),
            ("<thin", "<thin", "<thin"),
            ("<think>without end", "", ""),
            ("<think>é</think>é", "é", "é"),
            ("<html>", "<html>", "<html>"),
            ("", "", ""),
        ] {
            for size in 1..=text.chars().count().max(1) {
                let found = [false, true].map(|thinks| filtered(text, size, thinks));
                assert_eq!(
                    found,
                    [expected, by_thinker],
                    "{text:?} in pieces of {size}"
                );
            }
        }
    }
}
