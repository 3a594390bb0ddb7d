//! Pieces of a page that are large enough to say something and small enough for a prompt.

use crate::foundation::beginning;

/// A piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    /// The headings above it, below the page's title, outermost first; its own last.
    pub(super) headings: Vec<String>,
    /// Where on the page it begins.
    pub(super) anchor: Option<String>,
    /// Markdown, with its heading.
    pub(super) text: String,
}

/// Joins what is too small with what follows, and cuts what is too large.
pub(super) fn sized(sections: Vec<Section>) -> Vec<Section> {
    let mut joined: Vec<Section> = Vec::new();
    for section in sections {
        match joined.last_mut() {
            Some(last)
                if last.text.len() < SMALLEST
                    && last.text.len() + section.text.len() <= LARGEST =>
            {
                last.text.push_str("\n\n");
                last.text.push_str(&section.text);
            }
            _ => joined.push(section),
        }
    }
    joined.into_iter().flat_map(cut).collect()
}

fn cut(section: Section) -> Vec<Section> {
    if section.text.len() <= LARGEST {
        return vec![section];
    }
    let pieces = pieces(&section.text);
    let cut = pieces.into_iter().map(|text| Section {
        text,
        ..section.clone()
    });
    cut.collect()
}

/// Cuts between paragraphs, else between lines, else between characters.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for paragraph in text.split_inclusive("\n\n") {
        if fits(&pieces, paragraph) {
            push(&mut pieces, paragraph);
            continue;
        }
        if paragraph.len() <= LARGEST {
            pieces.push(paragraph.to_owned());
            continue;
        }
        for line in paragraph.split_inclusive('\n') {
            let mut rest = line;
            while !rest.is_empty() {
                let (head, tail) = rest.split_at(beginning(rest, LARGEST).len());
                if fits(&pieces, head) {
                    push(&mut pieces, head);
                } else {
                    pieces.push(head.to_owned());
                }
                rest = tail;
            }
        }
    }
    let trimmed = pieces.iter().map(|piece| piece.trim_end());
    let full = trimmed.filter(|piece| !piece.trim().is_empty());
    full.map(ToOwned::to_owned).collect()
}

fn fits(pieces: &[String], more: &str) -> bool {
    pieces
        .last()
        .is_some_and(|last| last.len() + more.len() <= LARGEST)
}

fn push(pieces: &mut [String], more: &str) {
    if let Some(last) = pieces.last_mut() {
        last.push_str(more);
    }
}

/// Bytes below which a section is joined with the next: a heading with a sentence.
const SMALLEST: usize = 500;

/// Bytes above which a section is cut: a thousand tokens, so that four fit into any window.
const LARGEST: usize = 4000;

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> Section {
        Section {
            headings: vec!["A".to_owned()],
            anchor: Some("a".to_owned()),
            text: text.to_owned(),
        }
    }

    #[test]
    fn small_sections_are_joined_and_large_ones_cut() {
        let sections = sized(vec![
            section("## A\n\nshort"),
            section(&"b ".repeat(300)),
            section("c"),
        ]);
        assert_eq!(sections.len(), 2);
        assert!(sections[0].text.starts_with("## A\n\nshort\n\nb b"));
        assert_eq!(sections[1].text, "c");
        let paragraphs = format!("{}\n\n", "word ".repeat(200)).repeat(9);
        let sections = sized(vec![section(&paragraphs)]);
        assert_eq!(sections.len(), 3);
        assert!(sections.iter().all(|section| section.text.len() <= LARGEST));
        assert!(
            sections
                .iter()
                .all(|section| section.anchor.as_deref() == Some("a"))
        );
    }

    #[test]
    fn no_text_is_lost_wherever_it_is_cut() {
        for text in [
            "é".repeat(9000),
            format!("{}\n", "é ".repeat(30)).repeat(300),
        ] {
            let sections = sized(vec![section(&text)]);
            let whole: String = sections
                .iter()
                .map(|section| section.text.as_str())
                .collect();
            let letters = |text: &str| text.chars().filter(|letter| *letter == 'é').count();
            assert_eq!(letters(&whole), letters(&text));
            assert!(sections.iter().all(|section| section.text.len() <= LARGEST));
        }
    }
}
