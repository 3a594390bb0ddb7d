//! Words that end a text, found as it flows in.

use std::borrow::Cow;

/// Words that are looked for together, at each token of each stream: nearly all code has none of
/// the bytes that they begin with, so a look at each byte is all it takes.
#[derive(Debug)]
pub(super) struct Markers {
    words: Vec<Cow<'static, str>>,
    /// A bit for each byte that one of them begins with.
    beginnings: [u64; 4],
    longest: usize,
}

impl Markers {
    /// Words to look for; empty ones find nothing.
    pub(super) fn new(words: Vec<Cow<'static, str>>) -> Self {
        let mut beginnings = [0; 4];
        for first in words.iter().filter_map(|word| word.as_bytes().first()) {
            if let Some(bits) = beginnings.get_mut(usize::from(first >> 6)) {
                *bits |= 1_u64 << (first & 63);
            }
        }
        Self {
            longest: words.iter().map(|word| word.len()).max().unwrap_or(0),
            words,
            beginnings,
        }
    }

    /// Where the one stands that is complete first, as a text that flows in would show it.
    pub(super) fn first_in(&self, text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let first = self.place(bytes, 0, <[u8]>::starts_with)?;
        let ends = (first..).map_while(|at| bytes.get(at..).map(|rest| (at, rest)));
        let mut best: Option<(usize, usize)> = None;
        for (at, rest) in ends {
            if best.is_some_and(|(end, _)| at >= end) {
                break;
            }
            let words = self.words.iter().map(|word| word.as_bytes());
            let lengths = words.filter(|word| rest.starts_with(word));
            let ending = lengths.map(|word| (at + word.len(), at)).min();
            best = best.into_iter().chain(ending).min();
        }
        best.map(|(_, at)| at)
    }

    /// The longest end of a text that begins one of them, in bytes.
    pub(super) fn begun_in(&self, text: &str) -> usize {
        let from = text.len().saturating_sub(self.longest.saturating_sub(1));
        let is_begun = |rest: &[u8], word: &[u8]| word.len() > rest.len() && word.starts_with(rest);
        self.place(text.as_bytes(), from, is_begun)
            .map_or(0, |at| text.len() - at)
    }

    /// The first place, at or after one, whose rest goes with one of the words.
    fn place(
        &self,
        text: &[u8],
        from: usize,
        goes_with: impl Fn(&[u8], &[u8]) -> bool,
    ) -> Option<usize> {
        let bytes = text.iter().enumerate().skip(from);
        let mut begun = bytes.filter(|(_, byte)| {
            let bits = self.beginnings.get(usize::from(**byte >> 6));
            bits.is_some_and(|bits| bits >> (**byte & 63) & 1 == 1)
        });
        begun
            .find(|(at, _)| {
                let rest = text.get(*at..).unwrap_or_default();
                let mut words = self.words.iter();
                words.any(|word| goes_with(rest, word.as_bytes()))
            })
            .map(|(at, _)| at)
    }
}
