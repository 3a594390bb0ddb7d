//! Every prompt there is, and the search for one.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use minijinja::Environment;

use super::{
    FindError, Prompt, PromptError, constraint::Constraint, embedded, file::PromptFile, folder,
    template, version::Version,
};

/// Every prompt there is; immutable once loaded.
#[derive(Debug)]
pub struct Prompts {
    by_id: BTreeMap<String, Folders>,
}

type Folders = BTreeMap<String, Vec<Release>>;

/// A prompt with the version its file is named by.
#[derive(Debug)]
struct Release {
    name: String,
    /// None where the name is no version: it is found by the exact name alone.
    version: Option<Version>,
    prompt: Prompt,
}

impl Prompts {
    /// The built-in prompts, with the files of `overlay` in the place of those of the same path.
    pub fn load(overlay: Option<&Path>) -> Result<Self, PromptError> {
        Self::read(overlay).map_err(|mut problems| problems.swap_remove(0))
    }

    /// As [`Self::load`], but with every problem there is; at least one.
    pub(super) fn read(overlay: Option<&Path>) -> Result<Self, Vec<PromptError>> {
        let mut sources = Sources::embedded();
        if let Some(root) = overlay {
            sources.lay_over(root).map_err(|problem| vec![problem])?;
        }
        Loading::new(sources).finish()
    }

    /// Finds a prompt (http-api 2.4). `folders` are those of the model's family without `base`,
    /// which is always searched last; no version, or an empty one, means `^1.0.0`. A folder in
    /// which nothing fits is passed over.
    pub fn find(
        &self,
        id: &str,
        folders: &[&str],
        version: Option<&str>,
    ) -> Result<&Prompt, FindError> {
        let by_folder = self
            .by_id
            .get(id)
            .ok_or_else(|| FindError::UnknownId(id.to_owned()))?;
        let wish = version.map(str::trim).filter(|version| !version.is_empty());
        let wish = wish.unwrap_or(DEFAULT_VERSION);
        let constraint = Constraint::parse(wish);
        let searched = || {
            let order = folders.iter().copied().chain([BASE]);
            order.filter_map(|folder| by_folder.get(folder))
        };
        let found = searched().find_map(|releases| choose(releases, wish, constraint.as_ref()));
        found.ok_or_else(|| {
            let version = wish.to_owned();
            let available = names(searched().flatten());
            match constraint {
                Some(_) => FindError::NoVersion { version, available },
                None => FindError::BadVersion { version, available },
            }
        })
    }

    /// The ids, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    /// Every prompt with its id, folder and version, sorted by these.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str, &str, &Prompt)> {
        self.by_id.iter().flat_map(|(id, folders)| {
            folders.iter().flat_map(move |(folder, releases)| {
                releases.iter().map(move |release| {
                    (
                        id.as_str(),
                        folder.as_str(),
                        release.name.as_str(),
                        &release.prompt,
                    )
                })
            })
        })
    }
}

/// The highest version that is allowed. Releases are in ascending order.
fn choose<'a>(
    releases: &'a [Release],
    wish: &str,
    constraint: Option<&Constraint>,
) -> Option<&'a Prompt> {
    let fits = |release: &&Release| match (constraint, &release.version) {
        (Some(constraint), Some(version)) => constraint.allows(version),
        (Some(_), None) => false,
        (None, _) => release.name == wish,
    };
    releases
        .iter()
        .rev()
        .find(fits)
        .map(|release| &release.prompt)
}

/// Names in the order of their versions, each once.
fn names<'a>(releases: impl Iterator<Item = &'a Release>) -> Vec<String> {
    let mut releases: Vec<&Release> = releases.collect();
    releases.sort_by(|one, other| {
        one.version
            .cmp(&other.version)
            .then(one.name.cmp(&other.name))
    });
    releases.dedup_by(|one, other| one.name == other.name);
    releases
        .iter()
        .map(|release| release.name.clone())
        .collect()
}

/// Files by path, and where each came from.
struct Sources(BTreeMap<String, (PathBuf, String)>);

impl Sources {
    fn embedded() -> Self {
        let files = embedded::FILES.iter().map(|(path, text)| {
            let shown = Path::new("built in").join(path);
            ((*path).to_owned(), (shown, (*text).to_owned()))
        });
        Self(files.collect())
    }

    fn lay_over(&mut self, root: &Path) -> Result<(), PromptError> {
        for (path, text) in folder::read(root)? {
            let shown = root.join(&path);
            // ours are .yml
            let path = match path.strip_suffix(".yaml") {
                Some(stem) => format!("{stem}.yml"),
                None => path,
            };
            self.0.insert(path, (shown, text));
        }
        Ok(())
    }
}

/// Prompts in the making.
struct Loading {
    sources: Sources,
    environment: Environment<'static>,
    problems: Vec<PromptError>,
}

impl Loading {
    fn new(sources: Sources) -> Self {
        Self {
            sources,
            environment: template::sandbox(),
            problems: Vec::new(),
        }
    }

    fn finish(mut self) -> Result<Prompts, Vec<PromptError>> {
        let sources = std::mem::take(&mut self.sources.0);
        let mut files = Vec::new();
        let mut parts_are_whole = true;
        for (path, (shown, text)) in &sources {
            if path.strip_suffix(".jinja").is_some() {
                // what includes it cannot be judged without it
                parts_are_whole &= self.add(path, text, shown, 1);
            } else if let Some(file) = self.parse(text, shown) {
                let mut whole = true;
                for (index, message) in file.messages.iter().enumerate() {
                    whole &= self.add(&part(path, index), &message.text, shown, message.line);
                }
                if whole {
                    files.push((path, shown, file));
                }
            }
        }
        if !parts_are_whole {
            return Err(self.problems);
        }
        let environment = Arc::new(self.environment);
        let mut by_id: BTreeMap<String, Folders> = BTreeMap::new();
        for (path, shown, file) in files {
            match Self::prompt(path, shown, file, &environment) {
                Ok((id, folder, release)) => {
                    let folders = by_id.entry(id).or_default();
                    folders.entry(folder).or_default().push(release);
                }
                Err(problem) => self.problems.push(problem),
            }
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        for releases in by_id.values_mut().flat_map(BTreeMap::values_mut) {
            releases.sort_by(|one, other| one.version.cmp(&other.version));
        }
        Ok(Prompts { by_id })
    }

    fn parse(&mut self, text: &str, shown: &Path) -> Option<PromptFile> {
        PromptFile::read(text, shown)
            .map_err(|problem| self.problems.push(problem))
            .ok()
    }

    /// Whether the text is a template.
    fn add(&mut self, name: &str, text: &str, shown: &Path, line: u64) -> bool {
        let added = self
            .environment
            .add_template_owned(name.to_owned(), text.to_owned());
        added
            .map_err(|error| self.problems.push(malformed(shown, line, &error)))
            .is_ok()
    }

    fn prompt(
        path: &str,
        shown: &Path,
        file: PromptFile,
        environment: &Arc<Environment<'static>>,
    ) -> Result<(String, String, Release), PromptError> {
        let stem = path.strip_suffix(".yml").unwrap_or(path);
        let (place, version) = stem.rsplit_once('/').unwrap_or_default();
        let (id, folder) = place.rsplit_once('/').unwrap_or_default();
        let mut variables = BTreeSet::new();
        let mut messages = Vec::new();
        for (index, message) in file.messages.iter().enumerate() {
            let name = part(path, index);
            let place = |error| malformed(shown, message.line, &error);
            let used = template::variables(environment, &name).map_err(place)?;
            template::trial(environment, &name, &used).map_err(place)?;
            variables.extend(used);
            messages.push((message.role, name));
        }
        let mut required = variables.clone();
        for name in &file.optional {
            required.remove(name);
        }
        let release = Release {
            version: Version::parse(version),
            name: version.to_owned(),
            prompt: Prompt {
                id: id.to_owned(),
                name: file.name,
                unit_primitive: file.unit_primitive,
                sampling: file.sampling,
                timeout: file.timeout,
                messages,
                variables,
                required,
                environment: Arc::clone(environment),
            },
        };
        Ok((id.to_owned(), folder.to_owned(), release))
    }
}

/// The name of a message as a template.
fn part(path: &str, index: usize) -> String {
    format!("{path}#{index}")
}

/// `line` is where the text begins in its file, to which the line of the error is added.
fn malformed(shown: &Path, line: u64, error: &minijinja::Error) -> PromptError {
    let below = error.line().and_then(|line| u64::try_from(line).ok());
    PromptError::Malformed {
        path: shown.to_owned(),
        line: line + below.unwrap_or(1).saturating_sub(1),
        message: match error.detail() {
            Some(detail) => format!("the template is broken: {}: {detail}", error.kind()),
            None => format!("the template is broken: {}", error.kind()),
        },
        remedy: "docs/prompts.md lists what templates may use",
    }
}

/// Where every search ends.
const BASE: &str = "base";

/// What is meant when no version is given.
const DEFAULT_VERSION: &str = "^1.0.0";
