//! Which versions a wish allows, in the syntax of Poetry (http-api 2.4).

use super::version::Version;

/// A wish for a version: one exactly, or the highest stable one of a range.
#[derive(Clone, Debug)]
pub(super) enum Constraint {
    /// This one, which may be a pre-release.
    Exact(Version),
    /// Any of these; within each, all bounds hold.
    Any(Vec<Vec<Bound>>),
}

#[derive(Clone, Debug)]
pub(super) enum Bound {
    AtLeast(Version),
    Above(Version),
    Below(Version),
    AtMost(Version),
    Not(Version),
    /// `!=1.*`: outside a range.
    Outside(Version, Version),
}

impl Constraint {
    /// Reads a wish; none if it is no constraint.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAXIMUM_BYTES {
            return None;
        }
        let text = text.trim();
        if let Some(version) = Version::parse(text.trim_start_matches('=').trim_start())
            && !text.starts_with("===")
        {
            return Some(Self::Exact(version));
        }
        let alternatives = text.split("||").flat_map(|part| part.split('|'));
        alternatives
            .map(bounds)
            .collect::<Option<_>>()
            .map(Self::Any)
    }

    /// Whether a version is what was asked for.
    pub(super) fn allows(&self, version: &Version) -> bool {
        match self {
            Self::Exact(wanted) => wanted == version,
            Self::Any(alternatives) => {
                let holds = |bounds: &Vec<Bound>| bounds.iter().all(|bound| bound.holds(version));
                version.is_stable() && alternatives.iter().any(holds)
            }
        }
    }
}

impl Bound {
    fn holds(&self, version: &Version) -> bool {
        match self {
            Self::AtLeast(bound) => version >= bound,
            Self::Above(bound) => version > bound,
            Self::Below(bound) => version < bound,
            Self::AtMost(bound) => version <= bound,
            Self::Not(bound) => version != bound,
            Self::Outside(low, high) => version < low || version >= high,
        }
    }
}

/// Bounds with commas or blanks between; a blank after an operator belongs to it.
fn bounds(text: &str) -> Option<Vec<Bound>> {
    let mut joined = String::new();
    for character in text.trim().chars() {
        let after_operator = joined.ends_with(OPERATOR_CHARACTERS);
        if !(character == ' ' && after_operator) {
            joined.push(if character == ' ' { ',' } else { character });
        }
    }
    let mut found = Vec::new();
    let mut parts = 0;
    for part in joined.split(',').filter(|part| !part.is_empty()) {
        found.extend(bound(part)?);
        parts += 1;
    }
    (parts > 0).then_some(found)
}

fn bound(text: &str) -> Option<Vec<Bound>> {
    let end = text
        .find(|character| !OPERATOR_CHARACTERS.contains(&character))
        .unwrap_or(text.len());
    let (operator, operand) = text.split_at(end);
    if matches!(operand, "*" | "x" | "X") {
        return (operator.is_empty() || operator == "==").then(Vec::new);
    }
    if let Some(fixed) = [".*", ".x", ".X"]
        .iter()
        .find_map(|end| operand.strip_suffix(end))
    {
        let (low, high) = within(Version::parse(fixed)?, usize::MAX)?;
        return match operator {
            "" | "=" | "==" => Some(vec![Bound::AtLeast(low), Bound::Below(high)]),
            "!=" => Some(vec![Bound::Outside(low, high)]),
            _ => None,
        };
    }
    let version = Version::parse(operand)?;
    let numbers = version.release().len();
    let range = match operator {
        // up to the first number that is not zero, else the last one written
        "^" => {
            let zeros = version.release().iter().take_while(|number| **number == 0);
            within(version.clone(), zeros.count() + 1)?
        }
        "~" => within(version.clone(), numbers.min(2))?,
        // the last number may grow
        "~=" if numbers > 1 => within(version.clone(), numbers - 1)?,
        ">=" => return Some(vec![Bound::AtLeast(version)]),
        ">" => return Some(vec![Bound::Above(version)]),
        "<" => return Some(vec![Bound::Below(version)]),
        "<=" => return Some(vec![Bound::AtMost(version)]),
        "!=" => return Some(vec![Bound::Not(version)]),
        "" | "=" | "==" => {
            let same = version.clone();
            return Some(vec![Bound::AtLeast(version), Bound::AtMost(same)]);
        }
        _ => return None,
    };
    Some(vec![Bound::AtLeast(range.0), Bound::Below(range.1)])
}

/// From a version to the next one that differs in its first `kept` numbers.
fn within(version: Version, kept: usize) -> Option<(Version, Version)> {
    let numbers = version.release();
    let kept = kept.min(numbers.len());
    let mut end: Vec<u64> = numbers.iter().take(kept).copied().collect();
    let last = end.last_mut()?;
    *last = last.checked_add(1)?;
    Some((version, Version::of(end)))
}

/// What operators are made of.
const OPERATOR_CHARACTERS: [char; 6] = ['^', '~', '=', '<', '>', '!'];

/// As long as GitLab lets a version be; nobody's list of ranges is longer.
const MAXIMUM_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(constraint: &str) -> Vec<&'static str> {
        let constraint = Constraint::parse(constraint).expect(constraint);
        let versions = [
            "0.0.3",
            "0.2.3",
            "0.9.0",
            "1.0.0",
            "1.0.1-alpha",
            "1.0.1",
            "1.1.0-dev",
            "1.2.0",
            "2.0.0",
            "2.0.1",
            "2.1.0",
            "3.0.0",
        ];
        let fits =
            |text: &&str| Version::parse(text).is_some_and(|found| constraint.allows(&found));
        versions.into_iter().filter(fits).collect()
    }

    #[test]
    fn each_form_allows_what_poetry_allows() {
        let table: [(&str, &[&str]); 27] = [
            ("1.0.0", &["1.0.0"]),
            ("1", &["1.0.0"]),
            ("==1.0.1", &["1.0.1"]),
            ("= 2.0.0", &["2.0.0"]),
            ("1.1.0-dev", &["1.1.0-dev"]),
            ("1.0.1a0", &["1.0.1-alpha"]),
            ("^1.0.0", &["1.0.0", "1.0.1", "1.2.0"]),
            ("^1", &["1.0.0", "1.0.1", "1.2.0"]),
            ("^ 2.0.1", &["2.0.1", "2.1.0"]),
            ("^0.2.0", &["0.2.3"]),
            ("^0.0.3", &["0.0.3"]),
            ("^0", &["0.0.3", "0.2.3", "0.9.0"]),
            ("^9.0.0", &[]),
            ("~1.0.0", &["1.0.0", "1.0.1"]),
            ("~1.0", &["1.0.0", "1.0.1"]),
            ("~1", &["1.0.0", "1.0.1", "1.2.0"]),
            ("~=2.0", &["2.0.0", "2.0.1", "2.1.0"]),
            ("~=2.0.0", &["2.0.0", "2.0.1"]),
            ("1.*", &["1.0.0", "1.0.1", "1.2.0"]),
            ("==2.0.x", &["2.0.0", "2.0.1"]),
            (">=1.0.1,<2.1", &["1.0.1", "1.2.0", "2.0.0", "2.0.1"]),
            (">= 1.2.0 <2.0.1", &["1.2.0", "2.0.0"]),
            (">2.0.0, <=2.1.0", &["2.0.1", "2.1.0"]),
            ("^1.0.0,!=1.2.0", &["1.0.0", "1.0.1"]),
            (
                "!=1.*,>=0.9",
                &["0.9.0", "2.0.0", "2.0.1", "2.1.0", "3.0.0"],
            ),
            ("^0.9.0 || ^3", &["0.9.0", "3.0.0"]),
            ("^1.2.0-dev", &["1.2.0"]),
        ];
        for (constraint, versions) in table {
            assert_eq!(allowed(constraint), versions, "{constraint}");
        }
        assert_eq!(allowed("*").len(), 10);
    }

    #[test]
    fn what_is_no_constraint_is_refused() {
        for text in [
            "",
            "abc",
            "^",
            "^abc",
            "2.0.0-orbit",
            "~=1",
            "1.0.0,abc",
            "><1",
            ",",
            "||",
            ">=*",
            "^18446744073709551615",
            "../../x",
        ] {
            assert!(Constraint::parse(text).is_none(), "{text}");
        }
        assert!(Constraint::parse(&">=1,".repeat(100)).is_none());
    }
}
