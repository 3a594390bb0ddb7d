//! Versions as PEP 440 orders them.

use std::cmp::Ordering;

/// A version: numbers with dots and, maybe, what makes it come before or after the plain one.
///
/// Epochs (`1!2.0`) and local parts (`1.0+x`) are not read: no prompt has ever had one.
#[derive(Clone, Debug)]
pub(super) struct Version {
    release: Vec<u64>,
    stage: Stage,
}

/// What comes after the numbers, in PEP 440's order: `1.0.dev1 < 1.0a1.dev1 < 1.0a1 < 1.0 <
/// 1.0.post1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stage {
    pre: Pre,
    /// `None` comes before any.
    post: Option<u64>,
    dev: Dev,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pre {
    /// A development version of the plain one comes before all pre-releases of it.
    DevelopmentOnly,
    Alpha(u64),
    Beta(u64),
    Candidate(u64),
    None,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dev {
    Some(u64),
    None,
}

impl Version {
    /// Reads a version, in any of the spellings that PEP 440 takes: `1.1.0-rc1` is `1.1.0rc1`,
    /// `v1.0` is `1.0`, `1.1.0-dev` is `1.1.0.dev0`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_prefix('v').unwrap_or(&text);
        let end = text
            .find(|character: char| !character.is_ascii_digit() && character != '.')
            .unwrap_or(text.len());
        let (numbers, rest) = text.split_at(end);
        // the dot of `1.0.dev1` belongs to what follows
        let numbers = match rest {
            "" => numbers,
            _ => numbers.strip_suffix('.').unwrap_or(numbers),
        };
        let release = numbers.split('.').map(number).collect::<Option<Vec<_>>>()?;
        Some(Self {
            release,
            stage: Stage::parse(rest)?,
        })
    }

    /// A version of these numbers.
    pub(super) fn of(release: Vec<u64>) -> Self {
        Self {
            release,
            stage: Stage::PLAIN,
        }
    }

    /// Neither a pre-release nor a development version.
    pub(super) fn is_stable(&self) -> bool {
        self.stage.pre == Pre::None && self.stage.dev == Dev::None
    }

    /// The numbers, at least one.
    pub(super) fn release(&self) -> &[u64] {
        &self.release
    }

    /// The numbers without the zeros at the end, which mean nothing: `1.0` is `1.0.0`.
    fn significant(&self) -> &[u64] {
        let zeros = self.release.iter().rev().take_while(|number| **number == 0);
        let length = self.release.len() - zeros.count();
        self.release.get(..length).unwrap_or_default()
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let numbers = self.significant().cmp(other.significant());
        numbers.then_with(|| self.stage.cmp(&other.stage))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl Stage {
    const PLAIN: Self = Self {
        pre: Pre::None,
        post: None,
        dev: Dev::None,
    };

    fn parse(text: &str) -> Option<Self> {
        let mut stage = Self::PLAIN;
        let mut rest = text;
        let mut place = 0;
        while !rest.is_empty() {
            let (word, number, after) = part(rest)?;
            // each at most once and in this order
            let (this, next) = match word {
                "a" | "alpha" => (Pre::Alpha(number), 1),
                "b" | "beta" => (Pre::Beta(number), 1),
                "c" | "rc" | "pre" | "preview" => (Pre::Candidate(number), 1),
                "post" | "rev" | "r" => {
                    stage.post = Some(number);
                    (stage.pre.clone(), 2)
                }
                "dev" => {
                    stage.dev = Dev::Some(number);
                    (stage.pre.clone(), 3)
                }
                _ => return None,
            };
            if next <= place {
                return None;
            }
            (stage.pre, place, rest) = (this, next, after);
        }
        if stage.pre == Pre::None && stage.post.is_none() && stage.dev != Dev::None {
            stage.pre = Pre::DevelopmentOnly;
        }
        Some(stage)
    }
}

/// A word with its number at the beginning of a text, such as `-rc.1`; without a number it is 0.
fn part(text: &str) -> Option<(&str, u64, &str)> {
    let separator = ['-', '_', '.'];
    let text = text.strip_prefix(separator).unwrap_or(text);
    let end = text
        .find(|character: char| !character.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let digits = rest.strip_prefix(separator).unwrap_or(rest);
    let end = digits
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(digits.len());
    match digits.split_at(end) {
        // what follows may begin with the separator
        ("", _) => Some((word, 0, rest)),
        (digits, after) => Some((word, number(digits)?, after)),
    }
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_pep_440_orders_them() {
        let ascending = [
            "0.9.0",
            "1.0.dev1",
            "1.0a1.dev1",
            "1.0a1",
            "1.0a2",
            "1.0-beta.1",
            "1.0rc1",
            "1.0-rc2",
            "1.0.0",
            "1.0.post1.dev1",
            "1.0.post1",
            "1.0.1-alpha",
            "1.0.1",
            "1.2.0",
            "1.10.0",
            "2",
        ];
        for pair in ascending.windows(2) {
            let [low, high] = pair else { unreachable!() };
            assert!(Version::parse(low) < Version::parse(high), "{low} < {high}");
            assert!(Version::parse(low).is_some(), "{low}");
        }
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        let same = [
            ("1.0", "1.0.0"),
            ("v1.1.0-rc1", "1.1RC1"),
            ("1.1.0-dev", "1.1.0.dev0"),
            ("1.0.1-alpha", "1.0.1a0"),
            ("1.0.pre2", "1.0c2"),
        ];
        for (one, other) in same {
            assert_eq!(Version::parse(one), Version::parse(other), "{one}");
        }
    }

    #[test]
    fn stability_is_told_and_other_texts_are_refused() {
        for stable in ["1.0.0", "1.0.0.post1"] {
            assert!(Version::parse(stable).is_some_and(|found| found.is_stable()));
        }
        for unstable in ["1.0.0-dev", "1.0rc1", "1.0.post1.dev2"] {
            assert!(Version::parse(unstable).is_some_and(|found| !found.is_stable()));
        }
        for text in [
            "",
            "abc",
            "1..0",
            ".1",
            "1.",
            "2.0.0-orbit",
            "1.0-dev-rc1",
            "1.0a1a2",
            "1.0-",
            "1!2",
            "99999999999999999999",
            "1.0 0",
        ] {
            assert!(Version::parse(text).is_none(), "{text}");
        }
    }
}
