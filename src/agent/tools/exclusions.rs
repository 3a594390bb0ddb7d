//! Files that agents do not get to see, told as in a `.gitignore`.

use std::sync::LazyLock;

/// Rules about paths. The last one that fits a path, or a folder above it, decides; where none
/// does, the path is free.
#[derive(Debug)]
pub(super) struct Exclusions {
    rules: Vec<Rule>,
    ignores_case: bool,
}

#[derive(Debug)]
struct Rule {
    parts: Vec<Part>,
    /// `!`: what it fits is free again.
    frees: bool,
    /// `/` at its end: it fits folders alone, and with them what is in them.
    is_of_folders: bool,
}

/// What stands between two slashes of a rule.
#[derive(Debug)]
enum Part {
    /// `**`: any folders, or none.
    Folders,
    /// A name, with its wildcards.
    Name(Vec<Letter>),
}

#[derive(Debug)]
enum Letter {
    /// `*`
    Any,
    /// `?`
    One,
    Exactly(char),
    /// `[a-z]`, or with `!` or `^` in front what is none of these.
    Of {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Exclusions {
    /// What a project's owners keep from agents, one line of a `.gitignore` each: a session's
    /// `exclusion_rules`. Fits paths in the repository, wherever they are read from.
    pub(super) fn of(lines: &[String]) -> Self {
        Self::read(lines.iter().map(String::as_str), false)
    }

    /// What no agent opens on a user's machine, whatever the project says (agent-platform 6.2):
    /// secrets, and settings that run programs.
    pub(super) fn of_clients() -> &'static Self {
        static CLIENTS: LazyLock<Exclusions> =
            LazyLock::new(|| Exclusions::read(DENIED.iter().copied(), true));
        &CLIENTS
    }

    fn read<'l>(lines: impl Iterator<Item = &'l str>, ignores_case: bool) -> Self {
        let rules = lines.filter_map(|line| {
            if ignores_case {
                Rule::read(&line.to_lowercase())
            } else {
                Rule::read(line)
            }
        });
        Self {
            rules: rules.collect(),
            ignores_case,
        }
    }

    /// Whether agents do not get to see what is at this path; `/` at its end says that it is a
    /// folder. Slashes may be of either kind.
    pub(super) fn excludes(&self, path: &str) -> bool {
        let mut path = path.replace('\\', "/");
        if self.ignores_case {
            path = path.to_lowercase();
        }
        let is_folder = path.ends_with('/');
        let names = path.split('/').filter(|name| !matches!(*name, "" | "."));
        let names: Vec<_> = names.collect();
        let mut fitting = self.rules.iter().rev();
        fitting
            .find(|rule| rule.fits(&names, is_folder))
            .is_some_and(|rule| !rule.frees)
    }
}

impl Rule {
    /// None of a comment or an empty line.
    fn read(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.starts_with('#') {
            return None;
        }
        let (frees, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let is_of_folders = line.ends_with('/');
        let line = line.trim_end_matches('/');
        // one name fits at any depth, a path only from the top
        let is_anchored = line.contains('/');
        let mut parts: Vec<_> = line
            .split('/')
            .filter(|part| !part.is_empty())
            .map(Part::read)
            .collect();
        match parts.last()? {
            // everything in a folder, which is not the folder itself
            Part::Folders => parts.push(Part::Name(vec![Letter::Any])),
            Part::Name(_) if !is_anchored => parts.insert(0, Part::Folders),
            Part::Name(_) => {}
        }
        Some(Self {
            parts,
            frees,
            is_of_folders,
        })
    }

    fn fits(&self, names: &[&str], is_folder: bool) -> bool {
        (1..=names.len()).any(|depth| {
            let is_folder = is_folder || depth < names.len();
            let names = names.get(..depth).unwrap_or_default();
            (is_folder || !self.is_of_folders)
                && matches(
                    &self.parts,
                    names,
                    |part| matches!(part, Part::Folders),
                    |part, name| part.fits(name),
                )
        })
    }
}

impl Part {
    fn read(text: &str) -> Self {
        if text == "**" {
            return Self::Folders;
        }
        let mut letters = Vec::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
            letters.push(match letter {
                '*' => Letter::Any,
                '?' => Letter::One,
                '[' => match Letter::class(rest) {
                    Some((class, after)) => {
                        rest = after;
                        class
                    }
                    None => Letter::Exactly('['),
                },
                '\\' => {
                    let escaped = rest.chars().next().unwrap_or('\\');
                    rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
                    Letter::Exactly(escaped)
                }
                other => Letter::Exactly(other),
            });
        }
        Self::Name(letters)
    }

    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Folders => true,
            Self::Name(letters) => {
                let name: Vec<_> = name.chars().collect();
                matches(
                    letters,
                    &name,
                    |letter| matches!(letter, Letter::Any),
                    |letter, found| letter.fits(*found),
                )
            }
        }
    }
}

impl Letter {
    /// Reads what follows `[`, up to its `]`; gives what follows that. None where it is not closed.
    fn class(text: &str) -> Option<(Self, &str)> {
        let (negated, body) = match text.strip_prefix(['!', '^']) {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        // a bracket in the first place is one of the letters
        let first = body.chars().next()?.len_utf8();
        let end = first + body.get(first..)?.find(']')?;
        let mut letters = body.get(..end)?.chars().peekable();
        let mut ranges = Vec::new();
        while let Some(low) = letters.next() {
            let mut after = letters.clone();
            match (after.next(), after.next()) {
                (Some('-'), Some(high)) => {
                    ranges.push((low, high));
                    letters = after;
                }
                _ => ranges.push((low, low)),
            }
        }
        Some((Self::Of { ranges, negated }, body.get(end + 1..)?))
    }

    fn fits(&self, found: char) -> bool {
        match self {
            Self::Any | Self::One => true,
            Self::Exactly(letter) => *letter == found,
            Self::Of { ranges, negated } => {
                let is_one = |(low, high): &(char, char)| (*low..=*high).contains(&found);
                ranges.iter().any(is_one) != *negated
            }
        }
    }
}

/// Whether a pattern fits all of something. Only the last star is ever taken up again, so the time
/// is at most the product of both lengths, whatever somebody wrote.
pub(super) fn matches<P, T>(
    pattern: &[P],
    found: &[T],
    is_star: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star = None;
    while let Some(one) = found.get(place) {
        match pattern.get(at) {
            Some(part) if is_star(part) => {
                star = Some((at, place));
                at += 1;
            }
            Some(part) if fits(part, one) => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((star_at, taken)) = star else {
                    return false;
                };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                place = taken + 1;
            }
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(is_star)
}

/// Of every client, in any case of letters (agent-platform 6.2).
const DENIED: &[&str] = &[
    ".config/nvim",
    ".docker",
    ".emacs.d",
    ".env",
    ".env.*",
    "!.env.example",
    ".git",
    ".gitlab/duo",
    ".gitlab/rules",
    ".gnupg",
    ".idea",
    ".metadata",
    ".settings",
    ".ssh",
    "*.sublime-project",
    ".sublime-project.",
    "*.sublime-workspace",
    "sublime-workspace",
    ".vim",
    ".vimrc",
    ".vscode",
    "Dockerfile.secrets",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn excluded(rules: &[&str], path: &str) -> bool {
        let rules: Vec<_> = rules.iter().map(|rule| (*rule).to_owned()).collect();
        Exclusions::of(&rules).excludes(path)
    }

    #[test]
    fn rules_are_read_as_in_a_gitignore() {
        for (rule, fits, fits_not) in [
            (
                "a",
                &["a", "x/a", "a/b", "./a", "x\\a"][..],
                &["ab", "x/ba"][..],
            ),
            ("/a", &["a", "a/b", "/a"], &["x/a"]),
            ("a/b", &["a/b", "a/b/c"], &["x/a/b", "a/x/b"]),
            ("a/", &["a/b", "x/a/b", "a/"], &["a", "x/a"]),
            (
                "*.pem",
                &["k.pem", "x/k.pem", ".pem"],
                &["k.pem.txt", "pem"],
            ),
            ("a/*.c", &["a/x.c"], &["a/b/x.c"]),
            ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["b", "x/a/b"]),
            ("**/a/b", &["a/b", "x/y/a/b"], &["a/x/b"]),
            ("a/**", &["a/b", "a/b/c"], &["a", "x/a/b"]),
            ("**", &["a", "a/b"], &[]),
            ("?.c", &["a.c", "ü.c"], &["ab.c", ".c"]),
            ("[a-cx].c", &["b.c", "x.c"], &["d.c"]),
            ("[!a-c].c", &["d.c"], &["a.c"]),
            ("[]-].c", &["].c", "-.c"], &["a.c"]),
            ("[a", &["[a"], &["a"]),
            (r"\!a", &["!a"], &["a"]),
            (r"\#a", &["#a"], &["a"]),
            ("# a", &[], &["# a", "a"]),
            ("  ", &[], &["a"]),
            ("/", &[], &["a"]),
            ("a*b*c", &["abc", "a1b2bc"], &["ab", "acb"]),
        ] {
            for path in fits {
                assert!(excluded(&[rule], path), "{rule} fits {path}");
            }
            for path in fits_not {
                assert!(!excluded(&[rule], path), "{rule} does not fit {path}");
            }
        }
    }

    #[test]
    fn the_last_rule_that_fits_decides() {
        let rules = ["secrets/", "!secrets/open.txt", "*.key"];
        assert!(excluded(&rules, "secrets/a.txt"));
        assert!(!excluded(&rules, "secrets/open.txt"));
        assert!(excluded(&rules, "secrets/open.txt/b.key"));
        assert!(!excluded(&["*", "!a"], "a") && excluded(&["!a", "*"], "a"));
        assert!(!excluded(&[], "a"));
    }

    #[test]
    fn what_is_denied_on_every_machine_is_denied_in_any_case() {
        for path in [
            ".env",
            "x/.ENV",
            ".env.local",
            ".git/config",
            "sub/.Git/hooks/pre-commit",
            ".gitlab/duo/mcp.json",
            ".config/nvim/init.lua",
            "x\\.ssh\\id",
            "DOCKERFILE.secrets",
            "my.sublime-project",
        ] {
            assert!(Exclusions::of_clients().excludes(path), "{path}");
        }
        for path in [
            ".env.example",
            ".gitignore",
            ".gitlab/x.yml",
            "env",
            "src/git.rs",
            ".config/other",
        ] {
            assert!(!Exclusions::of_clients().excludes(path), "{path}");
        }
    }

    #[test]
    fn stars_cost_no_time() {
        let rule = "*a".repeat(200);
        let name = "a".repeat(199) + "b";
        assert!(!excluded(&[&rule], &name));
    }
}
