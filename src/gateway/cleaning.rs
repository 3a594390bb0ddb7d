//! Cleaning of code: what models put around it that an editor would insert as it is.
//!
//! The reference hands a completion out untouched (models-and-prompts 2.4) and takes fences out of
//! generations only where they are streamed (3.3). Here, as the text flows: a Markdown fence around
//! it goes, and everything from the first token of a fill-in-the-middle layout on. Generations leave
//! line by line, which lets two more things go: a line that introduces the code, right before its
//! fence, and a closing fence without an opening one.

use std::{borrow::Cow, ops::Range};

use super::markers::Markers;

/// Cleans one completion or generation, piece by piece; holds back only what it cannot judge yet.
#[derive(Debug)]
pub(super) struct Cleaner {
    /// Whether whole lines leave, as of a generation (http-api 2.3).
    by_lines: bool,
    /// How many lines that are or open a fence have left.
    fences: usize,
    /// Where the text ends: what the model was asked to stop at, and tokens of layouts.
    markers: Markers,
    /// Whether `\_` stands for `_`, as mixtral writes it (models-and-prompts 2.3).
    unescape: bool,
    held: String,
    /// What is held begins in the middle of a line.
    within_line: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A fence may still come.
    Beginning,
    /// Code without a fence.
    Plain,
    /// Code after an opening fence.
    Fenced,
    /// Past its end.
    Ended,
}

impl Cleaner {
    /// A cleaner for a completion by a model that was asked to stop at some words.
    pub(super) fn new(stop: &[String], unescape: bool) -> Self {
        let stop = stop.iter().filter(|word| !word.is_empty());
        let stop = stop.map(|word| Cow::Owned(word.clone()));
        let markers = LAYOUT_TOKENS.iter().map(|token| Cow::Borrowed(*token));
        Self {
            markers: Markers::new(stop.chain(markers).collect()),
            unescape,
            by_lines: false,
            fences: 0,
            held: String::new(),
            within_line: false,
            state: State::Beginning,
        }
    }

    /// A cleaner for a generation, which leaves line by line.
    pub(super) fn of_lines(stop: &[String], unescape: bool) -> Self {
        Self {
            by_lines: true,
            ..Self::new(stop, unescape)
        }
    }

    /// Whether nothing more will come, whatever the model writes.
    pub(super) fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Takes a piece and gives what is sure to belong to the completion.
    pub(super) fn push(&mut self, piece: &str) -> String {
        if self.state == State::Ended {
            return String::new();
        }
        self.held.push_str(piece);
        if self.state == State::Beginning && !self.begin(false) {
            return String::new();
        }
        self.cut();
        if self.state == State::Ended {
            return self.release(self.held.len());
        }
        let sure = self.held.len() - self.undecided();
        let whole_lines = self.held.get(..sure).and_then(|sure| sure.rfind('\n'));
        self.release(match whole_lines {
            Some(end) if self.by_lines => end + 1,
            None if self.by_lines && sure < LONGEST_LINE => 0,
            _ => sure,
        })
    }

    /// Gives what was held back, at the model's end.
    pub(super) fn finish(&mut self) -> String {
        if self.state == State::Beginning {
            self.begin(true);
            self.cut();
        }
        self.drop_last_fence();
        self.state = State::Ended;
        self.release(self.held.len())
    }

    /// Decides about an opening fence; false while more text is needed.
    fn begin(&mut self, whole: bool) -> bool {
        let Some(start) = self.fence_ahead(whole) else {
            return self.state != State::Beginning;
        };
        let line = self.held.get(start..).unwrap_or_default();
        let Some(end) = line.find('\n') else {
            // "```python" alone is a fence around nothing.
            if whole {
                self.held.clear();
            }
            return whole;
        };
        self.held.drain(..=start + end);
        self.state = State::Fenced;
        true
    }

    /// Where an opening fence stands at the beginning. Where none does the code is plain, once that
    /// is sure.
    fn fence_ahead(&mut self, whole: bool) -> Option<usize> {
        let text = self.held.trim_start();
        let indentation = self.held.len() - text.len();
        let introduced = match text {
            _ if indentation > LONGEST_INDENTATION => Introduced::No,
            _ if text.starts_with(FENCE) => Introduced::At(0),
            _ if FENCE.starts_with(text) => Introduced::Maybe,
            _ if self.by_lines => introduced(text),
            _ => Introduced::No,
        };
        match introduced {
            Introduced::At(start) => return Some(indentation + start),
            Introduced::Maybe if !whole => {}
            _ => self.state = State::Plain,
        }
        None
    }

    /// Ends the text at a closing fence or a marker, whichever comes first.
    fn cut(&mut self) {
        let fence = self.closing_fence();
        let judged = fence.as_ref().map_or(self.held.len(), |line| line.end);
        let marker = self
            .markers
            .first_in(self.held.get(..judged).unwrap_or_default());
        // the line break before a closing fence goes with it, unless a marker begins before it
        let fence = fence.map(|line| line.start.saturating_sub(1));
        let Some(end) = fence.into_iter().chain(marker).min() else {
            return;
        };
        self.held.truncate(end);
        if marker == Some(end) {
            self.drop_last_fence();
        }
        self.state = State::Ended;
    }

    /// A fence that ends the text and closes nothing of it.
    fn drop_last_fence(&mut self) {
        match self.state {
            State::Fenced => self.drop_closing_line(),
            State::Plain if self.by_lines => self.drop_stray_fence(),
            _ => {}
        }
    }

    /// One without an opening fence before it.
    fn drop_stray_fence(&mut self) {
        let Some(start) = self.fence_at_end(&self.held) else {
            return;
        };
        let before = self.held.get(..start).unwrap_or_default();
        let held = fence_lines(before, usize::from(self.within_line));
        if (self.fences + held).is_multiple_of(2) {
            self.held.truncate(start);
        }
    }

    /// Where the line break before a fence stands that ends a text, but for white space.
    fn fence_at_end(&self, text: &str) -> Option<usize> {
        let text = text.trim_end();
        let line = text.rfind('\n').map_or(0, |at| at + 1);
        let is_fence = text.get(line..).is_some_and(|last| last.trim() == FENCE);
        (is_fence && self.is_whole(line)).then(|| line.saturating_sub(1))
    }

    /// Where the line break before a last line stands that may become a fence.
    fn fence_begun_in(&self, text: &str) -> Option<usize> {
        let line = text.rfind('\n').map_or(0, |at| at + 1);
        let is_begun = text
            .get(line..)
            .is_some_and(|last| FENCE.starts_with(last.trim()));
        (is_begun && self.is_whole(line)).then(|| line.saturating_sub(1))
    }

    /// A closing fence that nothing follows.
    fn drop_closing_line(&mut self) {
        let line = self.held.rfind('\n').map_or(0, |at| at + 1);
        let last = self.held.get(line..);
        if self.is_whole(line) && last.is_some_and(|last| last.trim() == FENCE) {
            self.held.truncate(line.saturating_sub(1));
        }
    }

    /// The line of the closing fence, with its line break.
    fn closing_fence(&self) -> Option<Range<usize>> {
        if self.state != State::Fenced {
            return None;
        }
        let mut start = 0;
        while let Some(length) = self.held.get(start..).and_then(|rest| rest.find('\n')) {
            let line = self.held.get(start..start + length).unwrap_or_default();
            if self.is_whole(start) && line.trim() == FENCE {
                return Some(start..start + length + 1);
            }
            start += length + 1;
        }
        None
    }

    /// Whether the line that begins there has its beginning there; the first one may have left.
    fn is_whole(&self, start: usize) -> bool {
        start > 0 || !self.within_line
    }

    /// How many bytes at the end may be the beginning of something that has to go.
    fn undecided(&self) -> usize {
        let mut keep = self.markers.begun_in(&self.held);
        // a marker may follow a closing fence on its line
        let sure = self.held.get(..self.held.len() - keep).unwrap_or_default();
        // the line break before a closing fence goes with it
        let fence = match self.state {
            State::Fenced => self.fence_begun_in(sure),
            _ if self.by_lines => self.fence_at_end(sure).or(self.fence_begun_in(sure)),
            _ => None,
        };
        if let Some(start) = fence {
            keep = keep.max(self.held.len() - start);
        }
        if self.unescape && self.held.ends_with('\\') {
            keep = keep.max(1);
        }
        keep
    }

    fn release(&mut self, length: usize) -> String {
        let rest = self.held.split_off(length);
        let text = std::mem::replace(&mut self.held, rest);
        if self.by_lines {
            let rest_of_line = usize::from(self.within_line);
            self.fences += fence_lines(&text, rest_of_line);
        }
        if !text.is_empty() {
            self.within_line = !text.ends_with('\n');
        }
        if self.unescape && text.contains("\\_") {
            return text.replace("\\_", "_");
        }
        text
    }
}

/// Whether a text begins with a line that introduces a fence.
enum Introduced {
    No,
    /// More of it has to be seen.
    Maybe,
    /// The fence begins there.
    At(usize),
}

/// One line that ends in a colon, then nothing visible before a fence: "Here is the code:".
fn introduced(text: &str) -> Introduced {
    let Some((line, rest)) = text.split_once('\n') else {
        return if text.len() > LONGEST_INTRODUCTION {
            Introduced::No
        } else {
            Introduced::Maybe
        };
    };
    let code = rest.trim_start();
    let gap = rest.len() - code.len();
    if line.len() > LONGEST_INTRODUCTION
        || gap > LONGEST_INDENTATION
        || !line.trim_end().ends_with(':')
    {
        Introduced::No
    } else if code.starts_with(FENCE) {
        Introduced::At(line.len() + 1 + gap)
    } else if FENCE.starts_with(code) {
        Introduced::Maybe
    } else {
        Introduced::No
    }
}

/// How many lines are a fence or open one, after some that are passed over.
fn fence_lines(text: &str, passed: usize) -> usize {
    let lines = text.split('\n').skip(passed);
    lines
        .filter(|line| line.trim_start().starts_with(FENCE))
        .count()
}

/// What Markdown puts around code.
const FENCE: &str = "```";

/// White space before a fence that is waited for; more is code.
const LONGEST_INDENTATION: usize = 64;

/// Bytes of a line that is waited for; code has no longer ones, and each piece looks at all of it.
const LONGEST_LINE: usize = 2048;

/// Bytes of a line before a fence that is taken for an introduction; a longer one says something.
const LONGEST_INTRODUCTION: usize = 160;

/// Tokens of fill-in-the-middle layouts and chat templates that no code contains. Words such as
/// `[PREFIX]`, which code may contain, count only where the model was asked to stop at them.
const LAYOUT_TOKENS: &[&str] = &[
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|fim_pad|>",
    "<|file_separator|>",
    "<|file_sep|>",
    "<|repo_name|>",
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|eot_id|>",
    "<｜fim▁begin｜>",
    "<｜fim▁hole｜>",
    "<｜fim▁end｜>",
    "<｜end▁of▁sentence｜>",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str, stop: &[&str], sizes: &[usize]) -> String {
        let stop: Vec<String> = stop.iter().map(ToString::to_string).collect();
        cleaned_by(Cleaner::new(&stop, true), text, sizes)
    }

    fn cleaned_by(mut cleaner: Cleaner, text: &str, sizes: &[usize]) -> String {
        let mut result = String::new();
        let characters: Vec<char> = text.chars().collect();
        let mut at = 0;
        let mut turn = 0;
        while at < characters.len() {
            let size = sizes[turn % sizes.len()];
            let piece: String = characters[at..(at + size).min(characters.len())]
                .iter()
                .collect();
            result += &cleaner.push(&piece);
            at += size;
            turn += 1;
        }
        result + &cleaner.finish()
    }

    const CASES: &[(&str, &[&str], &str)] = &[
        ("x + 1", &[], "x + 1"),
        ("    x\n", &[], "    x\n"),
        ("```python\nx\ny\n```", &[], "x\ny"),
        ("```\nx\n```\nThis adds one.", &[], "x"),
        ("\n```rust\nx\n", &[], "x\n"),
        ("x\n```\n", &[], "x\n```\n"),
        ("```py", &[], ""),
        ("``", &[], "``"),
        ("a<|fim_middle|>b", &[], "a"),
        ("a <| b", &[], "a <| b"),
        ("a[PREFIX]", &[], "a[PREFIX]"),
        ("a[PREFIX]b", &["[PREFIX]"], "a"),
        ("a<｜fim▁end｜>b", &[], "a"),
        // the longest of them
        ("a<｜end▁of▁sentence｜>b", &[], "a"),
        ("snake\\_case\\", &[], "snake_case\\"),
        ("```\n```", &[], ""),
        ("```\nx\n```\n<|endoftext|>", &[], "x"),
        ("```\nx\n```<|endoftext|>", &[], "x"),
        ("```\nA```\nB\n```\nC", &[], "A```\nB"),
        ("```\nx<|endoftext|>\n```\n", &[], "x"),
        // a marker that takes the line break before the fence
        ("```\n\n\n\n```\n\n\n\n", &["\n\n\n"], ""),
        ("```\nx\n```\ny", &["\n```\n"], "x"),
        ("```\nx\n```\ny", &["x\n```\ny"], "x"),
        // of two, the one that is complete first
        ("ABC", &["ABC", "B"], "A"),
        ("", &[], ""),
    ];

    const SIZES: [&[usize]; 6] = [&[1], &[2], &[3, 1], &[7], &[100_000], &[1, 2, 3, 5]];

    #[test]
    fn however_the_text_is_cut_the_result_is_the_same() {
        for (text, stop, expected) in CASES {
            for sizes in SIZES {
                assert_eq!(cleaned(text, stop, sizes), *expected, "{text:?} {sizes:?}");
            }
        }
    }

    #[test]
    fn generations_lose_introductions_and_stray_fences_however_they_are_cut() {
        let long = "x".repeat(LONGEST_LINE * 2);
        let prose = format!("{}:\n```\nx\n```", "é".repeat(LONGEST_INTRODUCTION));
        for (text, expected) in [
            ("x = 1\ny = 2", "x = 1\ny = 2"),
            ("```python\nx\ny\n```\nThat is it.", "x\ny"),
            ("Here is the code:\n\n```rb\nx\n```\nEnjoy!", "x"),
            ("Here you are:\n```rb", ""),
            ("def f():\n    return 1\n", "def f():\n    return 1\n"),
            ("def f():\n``", "def f():\n``"),
            ("def f():", "def f():"),
            (&prose, &prose),
            ("x\n```", "x"),
            ("x\n```\n\n", "x"),
            ("```", ""),
            ("x\n```\nUNABLE and more", "x"),
            ("# T\n```sh\nls\n```", "# T\n```sh\nls\n```"),
            ("# T\n```sh\nls\n```\nand\n```", "# T\n```sh\nls\n```\nand"),
            ("x\n``` is no fence", "x\n``` is no fence"),
            (&long, &long),
            ("UNABLE", ""),
            ("", ""),
        ] {
            for sizes in SIZES {
                let cleaner = Cleaner::of_lines(&["UNABLE".to_owned()], false);
                assert_eq!(
                    cleaned_by(cleaner, text, sizes),
                    *expected,
                    "{text:?} {sizes:?}"
                );
            }
        }
    }

    #[test]
    fn generations_leave_line_by_line() {
        let mut cleaner = Cleaner::of_lines(&[], false);
        assert_eq!(cleaner.push("def f"), "");
        assert_eq!(cleaner.push("():\n"), "");
        // the next line is no fence
        assert_eq!(cleaner.push("    return"), "def f():\n");
        assert_eq!(cleaner.push(" 1\n\ndef"), "    return 1\n\n");
        assert_eq!(cleaner.finish(), "def");
    }

    #[test]
    fn plain_code_is_passed_on_at_once() {
        let mut cleaner = Cleaner::new(&[], false);
        assert_eq!(cleaner.push("let x"), "let x");
        assert_eq!(cleaner.push(" = 1;"), " = 1;");
        assert_eq!(cleaner.push(" <|"), " ");
        assert_eq!(cleaner.push("x"), "<|x");
    }
}
