//! From a file, the environment and the defaults to one configuration.

use std::path::{Path, PathBuf};

use super::{
    Config, Mode, Problem,
    assembly::Assembly,
    environment,
    file::{self, Layer},
    official,
};

/// Where to read from.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The configuration file; without one none is read.
    pub file: Option<PathBuf>,
    /// The environment by name and value.
    pub environment: Vec<(String, String)>,
    /// The folder that relative paths start from where no file is given.
    pub working_directory: PathBuf,
}

/// A configuration without problems.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Each key with its value and its source, in the order of the documentation.
    pub settings: Vec<Setting>,
    /// What the operator should know although nothing is wrong.
    pub notices: Vec<String>,
}

/// A key with its effective value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The path of the key; of a field in a list of objects with its place: `gitlab.0.url`.
    pub key: String,
    /// The value in YAML, with secrets masked.
    pub value: String,
    /// Where the value comes from.
    pub source: Source,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line of the key.
        line: u64,
    },
    /// A variable of ours.
    Environment {
        /// Its name.
        name: String,
    },
    /// A variable of the official container.
    Official {
        /// Its name.
        name: String,
    },
    /// Nobody gave one.
    Default,
}

/// Reads the configuration; fails with every problem there is.
pub fn load(options: &LoadOptions) -> Result<Loaded, Vec<Problem>> {
    let folder = options.folder();
    let (file, mut problems) = match &options.file {
        Some(path) => file::read(&options.working_directory.join(path), path),
        None => (Layer::new(), Vec::new()),
    };
    let (environment, environment_problems) = environment::read(&options.environment);
    problems.extend(environment_problems);
    let mode = mode(&environment, &file, &options.environment);
    let mut official = official::read(&options.environment, mode, &folder);
    problems.append(&mut official.problems);
    let layers = [environment, std::mem::take(&mut official.layer), file];
    Assembly::new(mode, folder, problems).finish(&layers, official)
}

/// The socket of a service manager that wants to be told (sd_notify); a leading `@` stands for an
/// abstract name.
#[expect(
    clippy::disallowed_methods,
    reason = "this room reads the environment; the name is systemd's, not a key"
)]
pub fn notify_socket() -> Option<String> {
    std::env::var("NOTIFY_SOCKET")
        .ok()
        .filter(|socket| !socket.is_empty())
}

impl LoadOptions {
    /// The options of this process: its environment and its working directory.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn from_process(file: Option<PathBuf>) -> Self {
        let environment = std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect();
        Self {
            file,
            environment,
            // a folder that was removed under our feet: relative paths then fail by themselves
            working_directory: std::env::current_dir().unwrap_or_default(),
        }
    }

    /// The folder that relative paths start from.
    fn folder(&self) -> PathBuf {
        let parent = self.file.as_deref().and_then(Path::parent);
        match parent {
            Some(parent) => self.working_directory.join(parent),
            None => self.working_directory.clone(),
        }
    }
}

impl Loaded {
    /// Fills in where the key of a problem stands; other rooms know only the key.
    #[must_use]
    pub fn place(&self, problem: Problem) -> Problem {
        let setting = self
            .settings
            .iter()
            .find(|setting| setting.key == problem.key);
        match setting {
            Some(setting) if problem.file.is_none() && problem.variable.is_none() => {
                setting.source.place(problem, None)
            }
            _ => problem,
        }
    }
}

impl Source {
    /// The problem with this source's place; a line of its own counts more than the key's.
    pub(super) fn place(&self, problem: Problem, own_line: Option<u64>) -> Problem {
        match self {
            Self::File { path, line } => Problem {
                file: Some(path.clone()),
                line: own_line.or(Some(*line)),
                ..problem
            },
            Self::Environment { name } | Self::Official { name } => Problem {
                variable: Some(name.clone()),
                ..problem
            },
            Self::Default => problem,
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { path, line } => write!(formatter, "{}:{line}", path.display()),
            Self::Environment { name } | Self::Official { name } => {
                write!(formatter, "environment {name}")
            }
            Self::Default => formatter.write_str("default"),
        }
    }
}

/// Domains or official variables alone choose the mode.
fn mode(environment: &Layer, file: &Layer, variables: &[(String, String)]) -> Mode {
    let domains = environment.get("domains").or_else(|| file.get("domains"));
    if domains.is_some_and(|given| !given.value.is_empty()) {
        Mode::Public
    } else if official::is_present(variables) {
        Mode::DropIn
    } else {
        Mode::Local
    }
}
