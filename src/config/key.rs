//! What is known of one key: everything that reads, prints, explains or checks keys reads this.

use super::{Config, Mode, input::Complaint, input::Input, limits::Limits};

/// A key of the configuration.
pub(super) struct Key {
    /// Where it stands: names with dots between the levels.
    pub(super) path: &'static str,
    /// What its value looks like.
    pub(super) kind: Kind,
    /// Whether `null` is a value.
    pub(super) optional: bool,
    /// Whether its value may be shown.
    pub(super) secret: bool,
    /// What holds without it.
    pub(super) default: DefaultValue,
    /// One or two sentences for the operator.
    pub(super) about: &'static str,
    /// Puts its value into the configuration.
    pub(super) set: Setter,
}

/// Reads a value and stores it.
pub(super) type Setter = fn(&mut Config, &Input<'_>) -> Result<(), Vec<Complaint>>;

/// What a value looks like; the setter judges the text, this serves everybody else.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// An IP address with a port.
    Address,
    /// A list of those.
    Addresses,
    /// A list of networks in CIDR notation.
    Networks,
    /// A list of DNS names and IP addresses.
    Domains,
    /// A list of free words.
    Words,
    /// A free text.
    Text,
    /// A list of URLs.
    Urls,
    /// One of some words.
    Choice(fn() -> Vec<&'static str>),
    /// A list of some words.
    Choices(fn() -> Vec<&'static str>),
    /// A whole number in a range.
    Number {
        /// The least.
        minimum: u64,
        /// The greatest.
        maximum: u64,
    },
    /// A whole number in a range, or a word.
    NumberOr {
        /// The word.
        word: &'static str,
        /// The least.
        minimum: u64,
        /// The greatest.
        maximum: u64,
    },
    /// A file or a folder.
    Path,
    /// A URL.
    Url,
    /// `builtin` or the URL of a server.
    Target,
    /// A list of objects with these fields; its key has no default but the empty list.
    Objects(&'static [Field]),
}

/// A field of the objects of a list.
pub(super) struct Field {
    /// Its name.
    pub(super) name: &'static str,
    /// What its value looks like; never a list of objects again.
    pub(super) kind: Kind,
    /// What holds without it, as a variable would say it; none where it has to be given.
    pub(super) default: Option<&'static str>,
    /// Whether `null` is a value.
    optional: bool,
    /// Whether its value may be shown.
    pub(super) secret: bool,
    /// A sentence for the operator.
    pub(super) about: &'static str,
}

impl Field {
    /// A field that has to be given.
    pub(super) const fn required(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            kind,
            default: None,
            optional: false,
            secret: false,
            about,
        }
    }

    /// A field that may be left out.
    pub(super) const fn with_default(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            kind,
            default: Some(default),
            optional: false,
            secret: false,
            about,
        }
    }

    /// The same field, with `null` for a value too.
    pub(super) const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same field, never shown.
    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Whether `null` is a value.
    pub(super) const fn is_optional(&self) -> bool {
        self.optional
    }

    /// Its part of a variable's name.
    pub(super) fn variable(&self) -> String {
        self.name.to_uppercase()
    }
}

/// What holds where a key is not given, written as a variable of the environment would say it.
#[derive(Clone, Copy)]
pub(super) enum DefaultValue {
    /// In all modes.
    Always(&'static str),
    /// By mode.
    ByMode {
        /// With domains.
        public: &'static str,
        /// In the place of the official container.
        drop_in: &'static str,
        /// With nothing given.
        local: &'static str,
    },
    /// What [`Limits`] says.
    Limit(fn(&Limits) -> u64),
}

impl DefaultValue {
    /// The text for a mode; empty means `null` or an empty list.
    pub(super) fn text(self, mode: Mode) -> String {
        match self {
            Self::Always(text) => text.to_owned(),
            Self::ByMode {
                public,
                drop_in,
                local,
            } => match mode {
                Mode::Public => public,
                Mode::DropIn => drop_in,
                Mode::Local => local,
            }
            .to_owned(),
            Self::Limit(read) => read(&Limits::default()).to_string(),
        }
    }
}

impl Kind {
    /// Whether the value is a list.
    pub(super) fn is_list(self) -> bool {
        matches!(
            self,
            Self::Addresses
                | Self::Networks
                | Self::Domains
                | Self::Words
                | Self::Urls
                | Self::Choices(_)
                | Self::Objects(_)
        )
    }

    /// The fields of the objects, where it is a list of those.
    pub(super) fn fields(self) -> &'static [Field] {
        match self {
            Self::Objects(fields) => fields,
            _ => &[],
        }
    }

    /// Whether the value is written as a number.
    pub(super) fn is_number(self) -> bool {
        matches!(self, Self::Number { .. } | Self::NumberOr { .. })
    }

    /// What is expected, for problems and documentation.
    pub(super) fn expectation(self) -> String {
        match self {
            Self::Address => "an IP address with a port, such as \"[::]:443\"".to_owned(),
            Self::Addresses => "a list of IP addresses with ports".to_owned(),
            Self::Networks => "a list of networks, such as [10.0.0.0/8]".to_owned(),
            Self::Domains => "a list of DNS names and IP addresses".to_owned(),
            Self::Words => "a list of words".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Urls => "a list of URLs".to_owned(),
            Self::Choice(words) => format!("one of {}", words().join(", ")),
            Self::Choices(words) => format!("a list out of {}", words().join(", ")),
            Self::Number { minimum, maximum } => {
                format!("a whole number from {minimum} to {maximum}")
            }
            Self::NumberOr {
                word,
                minimum,
                maximum,
            } => {
                format!("{word} or a whole number from {minimum} to {maximum}")
            }
            Self::Path => "a path".to_owned(),
            Self::Url => "a URL".to_owned(),
            Self::Target => "builtin, or a URL of scheme, host and port".to_owned(),
            Self::Objects(fields) => {
                let names: Vec<_> = fields.iter().map(|field| field.name).collect();
                format!("a list of objects with {}", names.join(", "))
            }
        }
    }
}

impl Key {
    /// A key that has always a value.
    pub(super) const fn new(
        path: &'static str,
        kind: Kind,
        default: DefaultValue,
        about: &'static str,
        set: Setter,
    ) -> Self {
        Self {
            path,
            kind,
            optional: false,
            secret: false,
            default,
            about,
            set,
        }
    }

    /// The same key, with `null` for a value too.
    pub(super) const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The same key, whose value is never shown.
    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Its name in the environment.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('.', "__").to_uppercase())
    }
}

/// The words of an enumeration in configuration.
pub(super) trait Choice: Copy + 'static {
    /// Each value with its word.
    const WORDS: &'static [(&'static str, Self)];
}

/// The words alone.
pub(super) fn words<T: Choice>() -> Vec<&'static str> {
    T::WORDS.iter().map(|(word, _)| *word).collect()
}

impl Choice for bool {
    const WORDS: &'static [(&'static str, Self)] = &[("true", true), ("false", false)];
}

/// What all our own variables begin with.
pub(super) const PREFIX: &str = "DUOGATE_";
