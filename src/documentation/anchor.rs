//! The part of a URL that leads to a heading.

use std::collections::BTreeMap;

/// Makes the anchors of a page, each once, as documentation sites make them.
#[derive(Debug, Default)]
pub(super) struct Anchors(BTreeMap<String, usize>);

impl Anchors {
    /// The anchor of the next heading.
    pub(super) fn next(&mut self, heading: &str) -> String {
        let slug = slug(heading);
        let count = self.0.entry(slug.clone()).or_default();
        let anchor = match *count {
            0 => slug,
            count => format!("{slug}-{count}"),
        };
        *count += 1;
        anchor
    }
}

fn slug(heading: &str) -> String {
    let mut slug = String::new();
    for letter in heading.trim().chars() {
        match letter {
            ' ' | '-' => slug.push('-'),
            '_' => slug.push('_'),
            letter if letter.is_alphanumeric() => slug.extend(letter.to_lowercase()),
            _ => {}
        }
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_become_anchors_each_once() {
        let mut anchors = Anchors::default();
        assert_eq!(anchors.next("Use `CI/CD` variables!"), "use-cicd-variables");
        assert_eq!(anchors.next("Über uns"), "über-uns");
        assert_eq!(anchors.next("über uns"), "über-uns-1");
    }
}
