//! What the lines of a page are: headings, text, and what readers never see.

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// `## Words {#anchor}`
    Heading {
        /// From 1 to 6.
        level: usize,
        /// What it says.
        words: String,
        /// The anchor it names itself.
        anchor: Option<String>,
    },
    /// Anything else, as readers see it.
    Text(String),
}

/// Tells the lines of a page apart, from the first to the last.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// What ends the block of code that is open.
    fence: Option<(char, usize)>,
    /// Whether a comment is open.
    in_comment: bool,
}

impl Reader {
    /// Reads the next line; nothing where readers see none.
    pub(super) fn read(&mut self, line: &str) -> Option<Line> {
        if let Some((mark, length)) = self.fence {
            if fence(line)
                .is_some_and(|(found, count, bare)| found == mark && count >= length && bare)
            {
                self.fence = None;
            }
            return Some(Line::Text(line.to_owned()));
        }
        if let (Some((mark, count, _)), false) = (fence(line), self.in_comment) {
            self.fence = Some((mark, count));
            return Some(Line::Text(line.to_owned()));
        }
        let seen = self.without_comments(line);
        let seen = without_shortcodes(&seen);
        if seen.trim().is_empty() && !line.trim().is_empty() {
            return None;
        }
        if seen.starts_with("{:") {
            return None;
        }
        Some(heading(&seen).unwrap_or_else(|| Line::Text(seen.trim_end().to_owned())))
    }

    fn without_comments(&mut self, line: &str) -> String {
        let mut seen = String::new();
        let mut rest = line;
        loop {
            if self.in_comment {
                let Some((_, after)) = rest.split_once("-->") else {
                    return seen;
                };
                self.in_comment = false;
                rest = after;
            }
            let Some((before, after)) = rest.split_once("<!--") else {
                seen.push_str(rest);
                return seen;
            };
            seen.push_str(before);
            self.in_comment = true;
            rest = after;
        }
    }
}

/// The mark of a fence of code, its length, and whether nothing follows it.
fn fence(line: &str) -> Option<(char, usize, bool)> {
    let line = line.trim();
    let mark = line
        .chars()
        .next()
        .filter(|mark| matches!(mark, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    let count = line.len() - rest.len();
    (count >= 3 && !rest.contains(mark)).then_some((mark, count, rest.is_empty()))
}

/// Tags of the site's generator, `{{< tabs >}}`; what stands between two of them stays.
fn without_shortcodes(line: &str) -> String {
    let mut seen = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("{{") {
        let end = after.split_once("}}");
        seen.push_str(before);
        if let Some((_, behind)) = end.filter(|(tag, _)| tag.starts_with(['<', '%'])) {
            rest = behind;
        } else {
            seen.push_str("{{");
            rest = after;
        }
    }
    seen.push_str(rest);
    seen
}

fn heading(line: &str) -> Option<Line> {
    let words = line.trim_start_matches('#');
    let level = line.len() - words.len();
    if !(1..=6).contains(&level) || !(words.is_empty() || words.starts_with([' ', '\t'])) {
        return None;
    }
    let mut words = words.trim();
    let mut anchor = None;
    if let Some((before, named)) = words.rsplit_once("{#")
        && let Some(named) = named.strip_suffix('}')
    {
        anchor = Some(named.trim().to_owned());
        words = before.trim_end();
    }
    // `## Words ##`
    let bare = words.trim_end_matches('#');
    if bare.ends_with(' ') {
        words = bare.trim_end();
    }
    Some(Line::Heading {
        level,
        words: words.to_owned(),
        anchor,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(page: &str) -> Vec<Line> {
        let mut reader = Reader::default();
        page.lines().filter_map(|line| reader.read(line)).collect()
    }

    fn text(words: &str) -> Line {
        Line::Text(words.to_owned())
    }

    #[test]
    fn headings_are_found_outside_of_code_and_comments() {
        let page = "# A\n```sh\n# no heading\n~~~\n```\n<!-- # none\n## none --> b\n## C# {#see} \n#none\n";
        let heading = |level, words: &str, anchor: Option<&str>| Line::Heading {
            level,
            words: words.to_owned(),
            anchor: anchor.map(ToOwned::to_owned),
        };
        assert_eq!(
            lines(page),
            [
                heading(1, "A", None),
                text("```sh"),
                text("# no heading"),
                text("~~~"),
                text("```"),
                text(" b"),
                heading(2, "C#", Some("see")),
                text("#none"),
            ]
        );
    }

    #[test]
    fn what_readers_do_not_see_goes() {
        let page = "{{< details >}}\n\n- Tier: Free{{% x %}}\n{: .note}\n{{variable}} {{\n<!-- a --> b <!-- c -->\n`` code ``\n";
        assert_eq!(
            lines(page),
            [
                text(""),
                text("- Tier: Free"),
                text("{{variable}} {{"),
                text(" b"),
                text("`` code ``"),
            ]
        );
    }
}
