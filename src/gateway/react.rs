//! What a model writes that was asked to think, act and observe in turn (models-and-prompts 5.4).
//!
//! The form is `Thought:`, then `Action:` and `Action Input:`, or `Final Answer:`. Models bend it, so
//! labels count in any case at the beginning of a line, in Markdown's bold, and as they are written in
//! the form also within one; `Final Answer:` wins. What stands before a `</think>` is no part of it.
//! Every decision depends on the text up to a label's colon alone, so the same comes out however the
//! text is cut.

/// Reads one answer, piece by piece.
#[derive(Debug)]
pub(super) struct React {
    /// All so far, until a final answer begins; then what of it cannot leave yet.
    held: String,
    /// Up to where `held` was looked through for labels.
    seen: usize,
    state: State,
    /// Where the thought before the action ends, in `held`.
    thought: usize,
    /// Within `<think>`, where labels mean nothing.
    thinks: bool,
}

/// Places in what is held.
type Span = (usize, usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No label but `Thought:` so far.
    Thought,
    /// After `Action:`, which ends there.
    Tool(usize),
    /// After `Action Input:`, which ends there; and the tool.
    Input(usize, Span),
    /// After a whole action, its input and its tool; whatever follows is made up.
    Acted(Span, Span),
    /// Before the first visible character of the final answer. `bold`: the label's bold is still
    /// open.
    Answering { bold: bool },
    /// Within the final answer.
    Answer,
}

/// What an answer came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A final answer, all of which has left.
    Answered,
    /// A tool is wanted.
    Action {
        /// In snake case.
        tool: String,
        /// As the model wrote it.
        tool_input: String,
        /// Why.
        thought: String,
    },
    /// Neither; what the model wrote, without its label.
    Unknown(String),
    /// Nothing visible.
    Empty,
}

impl React {
    /// Before the first piece.
    pub(super) fn new() -> Self {
        Self {
            held: String::new(),
            seen: 0,
            state: State::Thought,
            thought: 0,
            thinks: false,
        }
    }

    /// Whether nothing more counts, whatever the model writes.
    pub(super) fn is_ended(&self) -> bool {
        matches!(self.state, State::Acted(..))
    }

    /// Takes a piece and gives what is sure to belong to the final answer.
    pub(super) fn push(&mut self, piece: &str) -> String {
        if self.is_ended() {
            return String::new();
        }
        self.held.push_str(piece);
        self.look();
        if let State::Answering { bold } = self.state {
            self.begin_answer(bold);
        }
        match self.state {
            State::Answer => std::mem::take(&mut self.held),
            _ => String::new(),
        }
    }

    /// What the whole text came to.
    pub(super) fn finish(self) -> Outcome {
        let text = |(start, end): Span| self.held.get(start..end).unwrap_or_default();
        let (input, tool) = match self.state {
            State::Answer => return Outcome::Answered,
            State::Input(start, tool) => ((start, self.held.len()), tool),
            State::Acted(input, tool) => (input, tool),
            _ => return self.unknown(),
        };
        Outcome::Action {
            tool: tool_name(text(tool)),
            tool_input: text(input)
                .trim()
                .trim_start_matches(BOLD)
                .trim()
                .to_owned(),
            thought: unescaped(without_label(text((0, self.thought)))),
        }
    }

    /// A text without an action, or with a final answer that says nothing.
    fn unknown(&self) -> Outcome {
        let end = match self.state {
            State::Answering { .. } => self.thought,
            _ if self.thinks => self.held.rfind(THINK).unwrap_or_default(),
            _ => self.held.len(),
        };
        let text = self.held.get(..end);
        match without_label(text.unwrap_or_default()) {
            "" => Outcome::Empty,
            text => Outcome::Unknown(text.to_owned()),
        }
    }

    /// Looks for labels where it has not looked yet. All of them end in a colon, and thoughts in `>`.
    fn look(&mut self) {
        while !matches!(
            self.state,
            State::Acted(..) | State::Answering { .. } | State::Answer
        ) {
            let rest = self.held.as_bytes().get(self.seen..).unwrap_or_default();
            let next = rest.iter().position(|byte| matches!(byte, b':' | b'>'));
            let next = next.map(|next| self.seen + next);
            let formless = self.formless_from();
            if let Some(formless) = formless
                && next.is_none_or(|next| next >= formless)
            {
                self.state = State::Answering { bold: false };
            } else if let Some(next) = next {
                self.seen = next + 1;
                self.meet(next);
            } else {
                self.seen = self.held.len();
                return;
            }
        }
    }

    /// From which byte on a text without any label is taken for the answer itself: after some
    /// hundred characters, where it did not even begin as the form does.
    fn formless_from(&self) -> Option<usize> {
        if self.state != State::Thought || self.thinks {
            return None;
        }
        let text = self.held.trim_start();
        let before = self.held.len() - text.len();
        let (end, _) = text.char_indices().nth(LONGEST_FORMLESS)?;
        let start = text.trim_start_matches(is_mark);
        let is_labelled = LABELS.iter().any(|label| begins_with(start, label.words()));
        (!is_labelled).then_some(before + end)
    }

    /// A colon or the end of a tag at a byte.
    fn meet(&mut self, at: usize) {
        let text = self.held.get(..=at).unwrap_or_default();
        if text.ends_with(END_THINK) {
            self.held.drain(..=at);
            self.seen = 0;
            self.thought = 0;
            self.thinks = false;
            self.state = State::Thought;
        } else if text.ends_with(THINK) {
            self.thinks = true;
        } else if !self.thinks
            && let Some(met) = Met::before(text.get(..at).unwrap_or_default())
        {
            self.follow(&met, at + 1);
        }
    }

    fn follow(&mut self, met: &Met, end: usize) {
        let first = met.begins_line;
        match (self.state, met.label) {
            (State::Thought, Label::FinalAnswer) if first || met.is_exact => {
                self.thought = met.start;
                self.answer(met, end);
            }
            (State::Tool(_), Label::FinalAnswer) if first || met.is_exact => self.answer(met, end),
            (State::Input(..), Label::FinalAnswer) if first => self.answer(met, end),
            (State::Thought, Label::Action) if first || met.is_exact => {
                self.thought = met.start;
                self.state = State::Tool(end);
            }
            (State::Tool(_), Label::Action) if first => {
                self.thought = met.start;
                self.state = State::Tool(end);
            }
            (State::Tool(start), Label::ActionInput) => {
                let tool = self.held.get(start..met.start).unwrap_or_default();
                // a common slip: the answer as a tool
                if tool_name(tool) == "final_answer" {
                    self.answer(met, end);
                } else {
                    self.state = State::Input(end, (start, met.start));
                }
            }
            (
                State::Input(start, tool),
                Label::Observation | Label::Thought | Label::Action | Label::ActionInput,
            ) if first => self.state = State::Acted((start, met.start), tool),
            _ => {}
        }
    }

    /// The final answer begins behind its label.
    fn answer(&mut self, met: &Met, end: usize) {
        self.held.drain(self.thought..end);
        self.state = State::Answering {
            bold: met.is_bold_open,
        };
    }

    /// Drops what stands between the label and the first visible character.
    fn begin_answer(&mut self, bold: bool) {
        let rest = self.held.get(self.thought..).unwrap_or_default();
        let mut text = rest.trim_start();
        if bold {
            if BOLD.starts_with(text) {
                return;
            }
            text = text.strip_prefix(BOLD).unwrap_or(text).trim_start();
        }
        if text.is_empty() {
            return;
        }
        self.held = text.to_owned();
        self.state = State::Answer;
    }
}

/// A label of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Label {
    FinalAnswer,
    ActionInput,
    Action,
    Observation,
    Thought,
}

impl Label {
    fn words(self) -> &'static str {
        match self {
            Self::FinalAnswer => "Final Answer",
            Self::ActionInput => "Action Input",
            Self::Action => "Action",
            Self::Observation => "Observation",
            Self::Thought => "Thought",
        }
    }
}

/// A label that stands before a colon.
#[derive(Debug)]
struct Met {
    label: Label,
    /// Where it begins, its marks included.
    start: usize,
    /// Nothing but marks and white space stands before it on its line.
    begins_line: bool,
    /// It is written as in the form.
    is_exact: bool,
    /// Bold begins before it and does not end before the colon.
    is_bold_open: bool,
}

impl Met {
    fn before(text: &str) -> Option<Self> {
        let words = text.trim_end_matches([' ', '*', '_']);
        let label = LABELS
            .into_iter()
            .find(|label| ends_with(words, label.words()))?;
        let start = words.len() - label.words().len();
        let (before, written) = words.split_at_checked(start)?;
        let marked = before.trim_end_matches(is_mark);
        // a word that only ends like a label is none
        if marked.len() == before.len() && before.ends_with(char::is_alphanumeric) {
            return None;
        }
        let is_bold = before.trim_end_matches(' ').ends_with(BOLD);
        Some(Self {
            label,
            start: marked.len(),
            begins_line: marked.is_empty() || marked.ends_with('\n'),
            is_exact: written == label.words(),
            is_bold_open: is_bold && words.len() == text.trim_end().len(),
        })
    }
}

/// What may stand around a label on its line: Markdown's bold, headings, lists and quotes.
fn is_mark(character: char) -> bool {
    matches!(character, '*' | '_' | '#' | '>' | '-' | ' ' | '\t' | '\r')
}

fn begins_with(text: &str, words: &str) -> bool {
    let start = text.get(..words.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(words))
}

fn ends_with(text: &str, words: &str) -> bool {
    let end = text
        .len()
        .checked_sub(words.len())
        .and_then(|at| text.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(words))
}

/// A text without `Thought:` in front.
fn without_label(text: &str) -> &str {
    let text = text.trim();
    let start = text.trim_start_matches(is_mark);
    if !begins_with(start, Label::Thought.words()) {
        return text;
    }
    let rest = start
        .get(Label::Thought.words().len()..)
        .unwrap_or_default();
    let rest = rest.trim_start_matches(is_mark);
    match rest.strip_prefix(':') {
        Some(rest) if start.len() < text.len() => rest.trim_start_matches(BOLD).trim(),
        Some(rest) => rest.trim(),
        None => text,
    }
}

/// The first line of what stands behind `Action:`, as GitLab names tools: `MergeRequestReader`, `Issue
/// Reader` and `` `issue\_reader` `` are readers too.
fn tool_name(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let line = unescaped(line);
    let line = line.trim_matches(|character: char| !character.is_alphanumeric());
    let mut name = String::new();
    for character in line.chars() {
        let begins_word = character.is_ascii_uppercase() || character == ' ';
        if begins_word && !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        if character != ' ' {
            name.push(character.to_ascii_lowercase());
        }
    }
    name
}

/// Models write `\_` for `_` as in Markdown.
fn unescaped(text: &str) -> String {
    text.replace("\\_", "_")
}

/// Longer ones first.
const LABELS: [Label; 5] = [
    Label::FinalAnswer,
    Label::ActionInput,
    Label::Action,
    Label::Observation,
    Label::Thought,
];

const BOLD: &str = "**";
const THINK: &str = "<think>";
const END_THINK: &str = "</think>";

/// Characters of a text that began without a label after which none is waited for any more: a
/// thought is two or three sentences, and a user should not look at nothing for longer.
const LONGEST_FORMLESS: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    /// What leaves of the final answer, and what the text came to.
    fn read(text: &str, sizes: &[usize]) -> (String, Outcome) {
        let mut react = React::new();
        let mut answer = String::new();
        let characters: Vec<char> = text.chars().collect();
        let mut rest = &characters[..];
        let mut sizes = sizes.iter().cycle();
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            answer += &react.push(&piece.iter().collect::<String>());
            rest = more;
        }
        (answer, react.finish())
    }

    fn acted(tool: &str, tool_input: &str, thought: &str) -> (String, Outcome) {
        let outcome = Outcome::Action {
            tool: tool.to_owned(),
            tool_input: tool_input.to_owned(),
            thought: thought.to_owned(),
        };
        (String::new(), outcome)
    }

    fn answered(text: &str) -> (String, Outcome) {
        (text.to_owned(), Outcome::Answered)
    }

    fn unknown(text: &str) -> (String, Outcome) {
        (String::new(), Outcome::Unknown(text.to_owned()))
    }

    /// Thirty ways to cut each text: by every size up to 24, whole, and unevenly.
    fn same_in_all_pieces(text: &str, expected: &(String, Outcome)) {
        let even: Vec<Vec<usize>> = (1..=24).map(|size| vec![size]).collect();
        let uneven = [
            vec![usize::MAX],
            vec![1, 2, 3, 5, 8],
            vec![13, 1],
            vec![1, 1, 40],
            vec![2, 7],
            vec![64, 3],
        ];
        for sizes in even.iter().chain(&uneven) {
            assert_eq!(&read(text, sizes), expected, "{text:?} {sizes:?}");
        }
    }

    #[test]
    fn the_form_is_read_however_it_is_cut() {
        for (text, expected) in [
            (
                "Thought: I look.\nAction: issue_reader\nAction Input: issue #1\n",
                acted("issue_reader", "issue #1", "I look."),
            ),
            (
                " I look.\nAction: issue_reader\nAction Input: two\nlines",
                acted("issue_reader", "two\nlines", "I look."),
            ),
            (
                "Thought: I know.\nFinal Answer: It: is **é🙂**.\n\nAction: none\n",
                answered("It: is **é🙂**.\n\nAction: none\n"),
            ),
            ("I know. Final Answer:\n\n **Yes**", answered("**Yes**")),
            ("Final Answer: x", answered("x")),
            ("Just so.", unknown("Just so.")),
            ("Thought: Just so.", unknown("Just so.")),
            ("", (String::new(), Outcome::Empty)),
            (" \nThought: \n", (String::new(), Outcome::Empty)),
            ("Thought: Yes.\nFinal Answer: \n", unknown("Yes.")),
            ("Action: issue_reader", unknown("Action: issue_reader")),
        ] {
            same_in_all_pieces(text, &expected);
        }
    }

    #[test]
    fn models_that_bend_the_form_are_understood() {
        for (text, expected) in [
            (
                "**Thought:** Look.\n**Action:** `MergeRequestReader`\n**Action Input:** !3",
                acted("merge_request_reader", "!3", "Look."),
            ),
            (
                "**Thought**: Look.\n**Action**: Issue Reader.\n**Action Input**: #3",
                acted("issue_reader", "#3", "Look."),
            ),
            (
                "### thought: a\\_b\n- action: issue\\_reader\n- action input: a\\_b",
                acted("issue_reader", "a\\_b", "a_b"),
            ),
            (
                "Thought: I look. Action: epic_reader Action Input: &3",
                acted("epic_reader", "&3", "I look."),
            ),
            ("**Final Answer:** **Yes**", answered("**Yes**")),
            ("**Final Answer**: **Yes**", answered("**Yes**")),
            ("**Final Answer: **Yes", answered("Yes")),
            ("# FINAL ANSWER:\nyes", answered("yes")),
            (
                "Thought: my final answer: no\nFinal Answer: yes",
                answered("yes"),
            ),
            ("Action: Final Answer\nAction Input: yes", answered("yes")),
            (
                "Thought: x\nAction: None\nFinal Answer: yes",
                answered("yes"),
            ),
            (
                "Action: a_b\nAction Input: x\nFinal Answer: yes",
                answered("yes"),
            ),
            (
                "A reaction: none, a transaction: x",
                unknown("A reaction: none, a transaction: x"),
            ),
        ] {
            same_in_all_pieces(text, &expected);
        }
    }

    #[test]
    fn what_is_made_up_after_an_action_is_left_out() {
        for more in [
            "\nObservation: it is open\nThought: x\nFinal Answer: made up",
            "\nThought: next\nAction: epic_reader\nAction Input: y",
            "\nAction: issue_reader\nAction Input: x\nAction: issue_reader\nAction Input: x",
        ] {
            let text = format!("Thought: t\nAction: issue_reader\nAction Input: x{more}");
            same_in_all_pieces(&text, &acted("issue_reader", "x", "t"));
            let mut react = React::new();
            react.push(&text);
            assert!(react.is_ended());
            assert_eq!(react.push("Final Answer: y"), "");
        }
    }

    #[test]
    fn thoughts_between_tags_are_no_part_of_it() {
        let long = "é".repeat(500);
        let text = format!("Hm.\nAction: a</think>{long}");
        same_in_all_pieces(&text, &answered(&long));
        for (text, expected) in [
            (
                "Hm. Final answer: no</think>\nFinal Answer: yes",
                answered("yes"),
            ),
            (
                "Thought: <think>Action: a\nAction Input: b\nFinal Answer: c</think>Final Answer: yes",
                answered("yes"),
            ),
            ("Yes.\n<think>without end: x", unknown("Yes.")),
            ("<think>x", (String::new(), Outcome::Empty)),
            (
                "Final Answer: <think>x</think>",
                answered("<think>x</think>"),
            ),
        ] {
            same_in_all_pieces(text, &expected);
        }
    }

    #[test]
    fn a_text_without_the_form_is_shown_as_it_comes_after_some_hundred_characters() {
        let plain = "é one: two > three. ".repeat(40);
        same_in_all_pieces(&plain, &answered(plain.trim_start()));
        let mut react = React::new();
        assert_eq!(react.push(&"x".repeat(LONGEST_FORMLESS)), "");
        assert_eq!(react.push("y").chars().count(), LONGEST_FORMLESS + 1);
        assert_eq!(react.push(" z"), " z");
        // what begins as the form does may become it at any length
        let long = "long ".repeat(400);
        same_in_all_pieces(
            &format!("**Thought:** {long}\nFinal Answer: x"),
            &answered("x"),
        );
        same_in_all_pieces(&format!("Thought: {long}"), &unknown(long.trim()));
    }
}
