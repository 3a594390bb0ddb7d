//! The value somebody gave to a key, and how a setter reads it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Source,
    key::{Choice, Kind, words},
    objects::Objects,
};

/// A value with the place it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// The value.
    pub(super) value: GivenValue,
    /// The place.
    pub(super) source: Source,
}

/// A value before it is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum GivenValue {
    /// `null`.
    Nothing,
    /// One value.
    One(Item),
    /// A list.
    Many(Vec<Item>),
    /// A list of objects.
    Objects(Objects),
}

/// One text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// The text.
    pub(super) text: String,
    /// Its line, if it stands in a file.
    pub(super) line: Option<u64>,
}

/// What a setter gets.
pub(super) struct Input<'a> {
    /// What is expected.
    pub(super) kind: Kind,
    /// What is given.
    pub(super) value: &'a GivenValue,
    /// The folder that relative paths start from.
    pub(super) folder: &'a Path,
}

/// What a setter has to say against a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) remedy: String,
    /// The value, if it is one of a list.
    pub(super) value: Option<String>,
    /// The line of that value.
    pub(super) line: Option<u64>,
    /// The place in a list of objects, and the field there.
    pub(super) at: Option<(usize, &'static str)>,
}

impl Complaint {
    /// A complaint about the value at hand.
    pub(super) fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            remedy: remedy.into(),
            value: None,
            line: None,
            at: None,
        }
    }

    fn about(mut self, item: &Item) -> Self {
        self.value = Some(item.text.clone());
        self.line = item.line;
        self
    }
}

impl GivenValue {
    /// What a variable of the environment or a default says: commas between the words of a list.
    /// There is no text for objects but that of no objects at all.
    pub(super) fn from_text(text: &str, kind: Kind, optional: bool) -> Self {
        let text = text.trim();
        if let Kind::Objects(_) = kind {
            return Self::Nothing;
        }
        if kind.is_list() {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty());
            return Self::Many(items.map(Item::unplaced).collect());
        }
        if optional && (text.is_empty() || text == "null") {
            return Self::Nothing;
        }
        Self::One(Item::unplaced(text))
    }

    /// Whether it is a list without items or nothing at all.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::One(_) => false,
            Self::Many(items) => items.is_empty(),
            Self::Objects(objects) => objects.is_empty(),
        }
    }
}

impl Item {
    fn unplaced(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            line: None,
        }
    }
}

impl Input<'_> {
    /// A value that has to be there.
    pub(super) fn one<T>(
        &self,
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Result<T, Vec<Complaint>> {
        self.optional(parse)?
            .ok_or_else(|| vec![self.unexpected("needs a value")])
    }

    /// A value that may be `null`.
    pub(super) fn optional<T>(
        &self,
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Result<Option<T>, Vec<Complaint>> {
        match self.value {
            GivenValue::Nothing => Ok(None),
            GivenValue::One(item) => match parse(&item.text) {
                Ok(value) => Ok(Some(value)),
                Err(complaint) => Err(vec![complaint.about(item)]),
            },
            GivenValue::Many(_) | GivenValue::Objects(_) => Err(vec![self.unexpected("is a list")]),
        }
    }

    /// A list; every item that is wrong is told.
    pub(super) fn many<T>(
        &self,
        parse: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Result<Vec<T>, Vec<Complaint>> {
        let items = match self.value {
            GivenValue::Nothing => return Ok(Vec::new()),
            GivenValue::One(_) | GivenValue::Objects(_) => {
                return Err(vec![self.unexpected("is no list of single values")]);
            }
            GivenValue::Many(items) => items,
        };
        let mut values = Vec::new();
        let mut complaints = Vec::new();
        for item in items {
            match parse(&item.text) {
                Ok(value) => values.push(value),
                Err(complaint) => complaints.push(complaint.about(item)),
            }
        }
        if complaints.is_empty() {
            Ok(values)
        } else {
            Err(complaints)
        }
    }

    /// A whole number in the range of the kind.
    pub(super) fn number<T: TryFrom<u64>>(&self) -> Result<T, Vec<Complaint>> {
        self.one(|text| self.parse_number(text))
    }

    /// A whole number of seconds in the range of the kind.
    pub(super) fn seconds(&self) -> Result<Duration, Vec<Complaint>> {
        self.number().map(Duration::from_secs)
    }

    /// A number out of a text, in the range of the kind.
    pub(super) fn parse_number<T: TryFrom<u64>>(&self, text: &str) -> Result<T, Complaint> {
        let (minimum, maximum) = match self.kind {
            Kind::Number { minimum, maximum }
            | Kind::NumberOr {
                minimum, maximum, ..
            } => (minimum, maximum),
            _ => (0, u64::MAX),
        };
        let remedy = format!("write {}", self.kind.expectation());
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number {
            return Err(Complaint::new("is no whole number", remedy));
        }
        // digits that overflow are out of range like any other number that is too large
        match text
            .parse()
            .ok()
            .filter(|number| (minimum..=maximum).contains(number))
        {
            Some(number) => T::try_from(number)
                .map_err(|_| Complaint::new("is out of range on this machine", remedy)),
            None => Err(Complaint::new("is out of range", remedy)),
        }
    }

    /// A path, made absolute.
    pub(super) fn path(&self) -> Result<PathBuf, Vec<Complaint>> {
        self.one(|text| self.parse_path(text))
    }

    /// A path or nothing.
    pub(super) fn optional_path(&self) -> Result<Option<PathBuf>, Vec<Complaint>> {
        self.optional(|text| self.parse_path(text))
    }

    fn parse_path(&self, text: &str) -> Result<PathBuf, Complaint> {
        if text.is_empty() || text.contains('\0') {
            return Err(Complaint::new(
                "is no path",
                "write the path of a file or a folder",
            ));
        }
        Ok(self.folder.join(text))
    }

    fn unexpected(&self, message: &str) -> Complaint {
        Complaint::new(message, format!("write {}", self.kind.expectation()))
    }
}

/// A text that is not empty.
pub(super) fn text(text: &str) -> Result<String, Complaint> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(Complaint::new("is no text", "write a word, or null"));
    }
    Ok(text.to_owned())
}

/// A value out of the words of an enumeration.
pub(super) fn choice<T: Choice>(text: &str) -> Result<T, Complaint> {
    let found = T::WORDS.iter().find(|(word, _)| *word == text);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let words = words::<T>();
        let remedy = match super::nearest::nearest(text, words.iter().copied()) {
            Some(word) => format!("write {word}"),
            None => format!("write one of {}", words.join(", ")),
        };
        Complaint::new(format!("is none of {}", words.join(", ")), remedy)
    })
}
