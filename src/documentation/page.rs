//! A page of documentation, taken apart.

use super::{
    anchor::Anchors,
    front_matter,
    markdown::{Line, Reader},
    section::{Section, sized},
};

/// A page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Of its front matter, else its first heading, else nothing.
    pub(super) title: String,
    /// Its pieces in their order; none of a page that has only moved.
    pub(super) sections: Vec<Section>,
}

impl Page {
    /// Reads Markdown.
    pub(super) fn read(text: &str) -> Self {
        let (front_matter, text) = front_matter::split(text);
        let mut page = Self {
            title: front_matter.title,
            sections: Vec::new(),
        };
        if front_matter.is_redirect {
            return page;
        }
        let mut reader = Reader::default();
        let mut anchors = Anchors::default();
        // headings above, with their levels
        let mut above: Vec<(usize, String)> = Vec::new();
        let mut section = Section::default();
        for line in text.lines() {
            match reader.read(line) {
                None => {}
                Some(Line::Text(text)) => {
                    section.text.push_str(&text);
                    section.text.push('\n');
                }
                Some(Line::Heading {
                    level: 1, words, ..
                }) if page.title.is_empty() => {
                    page.title = words;
                }
                Some(Line::Heading {
                    level,
                    words,
                    anchor,
                }) => {
                    page.sections.push(std::mem::take(&mut section));
                    above.retain(|(known, _)| *known < level);
                    above.push((level, words.clone()));
                    let made = anchors.next(&words);
                    section = Section {
                        headings: above.iter().map(|(_, words)| words.clone()).collect(),
                        anchor: Some(anchor.unwrap_or(made)),
                        text: format!("{} {words}\n", "#".repeat(level)),
                    };
                }
            }
        }
        page.sections.push(section);
        for section in &mut page.sections {
            section.text = section.text.trim().to_owned();
        }
        page.sections.retain(|section| !section.text.is_empty());
        page.sections = sized(page.sections);
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_sections_under_their_headings() {
        let long = "words ".repeat(100);
        let page = format!(
            "---\nstage: Create\n---\n\n# Projects\n\nIntroduction {long}\n\n## Archive\n\n\
             <!-- nobody reads this -->\n### By hand\n\n1. Do {long}\n\n## Delete\n\n{long}\n"
        );
        let page = Page::read(&page);
        assert_eq!(page.title, "Projects");
        let headings: Vec<_> = page
            .sections
            .iter()
            .map(|section| section.headings.join(" > "))
            .collect();
        assert_eq!(headings, ["", "Archive", "Delete"]);
        let anchors: Vec<_> = page
            .sections
            .iter()
            .map(|section| section.anchor.as_deref())
            .collect();
        assert_eq!(anchors, [None, Some("archive"), Some("delete")]);
        let archive = &page.sections[1].text;
        assert!(
            archive.starts_with("## Archive\n\n### By hand\n\n1. Do words"),
            "{archive}"
        );
        assert!(!archive.contains("nobody"));
    }

    #[test]
    fn pages_without_words_have_no_sections() {
        for text in [
            "",
            "# Title\n",
            "---\nredirect_to: x\n---\nmoved to x",
            "<!-- a",
        ] {
            assert_eq!(Page::read(text).sections, [], "{text}");
        }
    }
}
