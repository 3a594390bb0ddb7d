//! Differences whose every line says where it stands: comments of a review name lines.

use std::fmt::Write as _;

/// A difference as GitLab gives it, with two numbers before each line: in the old file and in the
/// new one, `-` where it is not in it.
pub(super) fn numbered_diff(diff: &str) -> String {
    let mut text = String::with_capacity(diff.len() * 2);
    let (mut old, mut new) = (0_u64, 0_u64);
    for line in diff.lines() {
        // writing to a string cannot fail
        let _ = match (line.chars().next(), hunk(line)) {
            (_, Some(place)) => {
                (old, new) = place;
                writeln!(text, "{line}")
            }
            (Some('+'), None) => {
                new += 1;
                writeln!(text, "- {} {line}", new - 1)
            }
            (Some('-'), None) => {
                old += 1;
                writeln!(text, "{} - {line}", old - 1)
            }
            (Some('\\'), None) => writeln!(text, "{line}"),
            (_, None) => {
                old += 1;
                new += 1;
                writeln!(text, "{} {} {line}", old - 1, new - 1)
            }
        };
    }
    text
}

/// Where the lines begin that a line such as `@@ -1,4 +1,5 @@` stands before.
fn hunk(line: &str) -> Option<(u64, u64)> {
    let mut words = line.strip_prefix("@@ -")?.split(' ');
    let start = |word: &str| word.split(',').next()?.parse::<u32>().ok();
    let old = start(words.next()?)?;
    let new = start(words.next()?.strip_prefix('+')?)?;
    Some((old.into(), new.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_says_where_it_stands() {
        let diff = "@@ -3,3 +3,4 @@ fn a() {\n same\n-old\n+new\n+more\n same\n\
                    @@ -20 +21 @@\n-x\n+@@ -1 +1 @@\n\\ No newline at end of file\n";
        let expected = "@@ -3,3 +3,4 @@ fn a() {\n3 3  same\n4 - -old\n- 4 +new\n- 5 +more\n\
                        5 6  same\n@@ -20 +21 @@\n20 - -x\n- 21 +@@ -1 +1 @@\n\
                        \\ No newline at end of file\n";
        assert_eq!(numbered_diff(diff), expected);
    }

    #[test]
    fn what_is_no_difference_does_no_harm() {
        assert_eq!(numbered_diff(""), "");
        assert_eq!(
            numbered_diff("@@ -99999999999 +1 @@\n+a"),
            "0 0 @@ -99999999999 +1 @@\n- 1 +a\n"
        );
    }
}
