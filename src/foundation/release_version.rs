//! Versions that GitLab and its clients name in headers.

use std::fmt;

/// Major, minor and patch; what stands behind them, as in `18.11.2-ee` or `19.0.0-pre`, is not
/// looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReleaseVersion {
    major: u32,
    minor: u32,
    patch: u32,
}

impl ReleaseVersion {
    /// Reads `18.11.2`, `18.11` or `18.11.2-ee`; none for anything else.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|letter: char| letter != '.' && !letter.is_ascii_digit());
        let numbers = text.get(..end.unwrap_or(text.len()))?;
        let mut numbers = numbers.trim_end_matches('.').splitn(4, '.');
        let mut number = || numbers.next().map(str::parse);
        Some(Self {
            major: number()?.ok()?,
            minor: number()?.ok()?,
            patch: number().unwrap_or(Ok(0)).ok()?,
        })
    }

    /// Whether it is this version or a later one.
    pub fn is_at_least(self, major: u32, minor: u32, patch: u32) -> bool {
        (self.major, self.minor, self.patch) >= (major, minor, patch)
    }
}

impl fmt::Display for ReleaseVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_gitlab_writes_them() {
        let read = |text| ReleaseVersion::read(text).map(|it| (it.major, it.minor, it.patch));
        assert_eq!(read("18.11.2-ee"), Some((18, 11, 2)));
        assert_eq!(read("19.0"), Some((19, 0, 0)));
        assert_eq!(read("18.9.0-pre"), Some((18, 9, 0)));
        assert_eq!(read("18.9.1.4"), Some((18, 9, 1)));
        for nonsense in ["", "x", "18", "18.", "-1.2", "99999999999.1", "18.x"] {
            assert_eq!(read(nonsense), None, "{nonsense}");
        }
        let version = ReleaseVersion::read("18.11.2").unwrap();
        assert!(version.is_at_least(18, 7, 0) && !version.is_at_least(19, 0, 0));
        let early = ReleaseVersion::read("17.5.0-pre").unwrap();
        assert!(early.is_at_least(17, 5, 0) && !early.is_at_least(17, 5, 1));
    }
}
