//! From a file, the environment and the defaults to one configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Acme, Config, Domain, Limits, Listen, Log, LogFormat, LogLevel, Mode, Problem, Target, Tls,
    TlsSource, TlsVersion, Upstream, Workers, environment,
    file::{self, Layer},
    input::{Given, GivenValue, Input},
    judge,
    key::Key,
    keys::keys,
    official::{self, Official},
    print,
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
    /// The path of the key.
    pub key: &'static str,
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
    fn place(&self, problem: Problem, own_line: Option<u64>) -> Problem {
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

/// A configuration in the making.
struct Assembly {
    config: Config,
    folder: PathBuf,
    settings: Vec<Setting>,
    sources: BTreeMap<&'static str, Source>,
    /// Keys with a problem, about which nothing more is said.
    broken: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Assembly {
    fn new(mode: Mode, folder: PathBuf, problems: Vec<Problem>) -> Self {
        Self {
            config: blank(mode),
            folder,
            settings: Vec::new(),
            sources: BTreeMap::new(),
            broken: problems.iter().map(|problem| problem.key.clone()).collect(),
            problems,
        }
    }

    fn finish(mut self, layers: &[Layer; 3], official: Official) -> Result<Loaded, Vec<Problem>> {
        for key in keys() {
            let given = layers.iter().find_map(|layer| layer.get(key.path));
            match given {
                // what counts as no domains must not override those of the mode
                Some(given) if key.path != "domains" || !given.value.is_empty() => {
                    self.set(key, given.clone());
                }
                _ => self.set_default(key),
            }
        }
        let mut notices = official.notices.clone();
        self.take(official, &mut notices);
        for problem in judge::judge(&self.config, &self.broken) {
            let source = self.sources.get(problem.key.as_str());
            let placed = source.map_or(problem.clone(), |source| source.place(problem, None));
            self.problems.push(placed);
        }
        if self.config.tls.source != TlsSource::Files {
            self.config.tls.files = None;
        }
        if self.problems.is_empty() {
            let Self {
                config, settings, ..
            } = self;
            return Ok(Loaded {
                config,
                settings,
                notices,
            });
        }
        // in the order of the file, then of the keys
        self.problems
            .sort_by_key(|problem| (problem.file.is_none(), problem.line));
        Err(self.problems)
    }

    fn set_default(&mut self, key: &'static Key) {
        let text = key.default.text(self.config.mode);
        let value = GivenValue::from_text(&text, key);
        self.set(
            key,
            Given {
                value,
                source: Source::Default,
            },
        );
    }

    fn set(&mut self, key: &'static Key, given: Given) {
        let Given { value, source } = given;
        let input = Input {
            key,
            value: &value,
            folder: &self.folder,
        };
        let Err(complaints) = (key.set)(&mut self.config, &input) else {
            let value = print::value(key, &value, &self.folder);
            self.sources.insert(key.path, source.clone());
            self.settings.push(Setting {
                key: key.path,
                value,
                source,
            });
            return;
        };
        for complaint in complaints {
            let problem = Problem::new(key.path, complaint.message, complaint.remedy);
            let problem = match complaint.value {
                Some(value) if !key.secret => problem.with_value(value),
                _ => problem,
            };
            self.problems.push(source.place(problem, complaint.line));
        }
        self.broken.insert(key.path.to_owned());
    }

    /// What the official variables say that no key says.
    fn take(&mut self, official: Official, notices: &mut Vec<String>) {
        self.config.tls.gateway = official.gateway_tls;
        self.config.tls.agent_platform = official.agent_platform_tls;
        for (name, address) in official.metrics {
            if judge::listeners(&self.config).any(|(_, other)| judge::overlap(address, other)) {
                notices.push(format!(
                    "{name} asks for metrics on {address}, where another listener is: left out"
                ));
            } else {
                self.config.listen.metrics.push(address);
                self.show(
                    "listen.metrics",
                    &name,
                    addresses(&self.config.listen.metrics),
                );
            }
        }
        for (_, file) in official.ca_files {
            if !self.config.upstream.ca_files.contains(&file) {
                self.config.upstream.ca_files.push(file);
            }
        }
    }

    /// Corrects what is printed for a key that an official variable added to.
    fn show(&mut self, key: &'static str, name: &str, value: String) {
        let source = Source::Official {
            name: name.to_owned(),
        };
        self.sources.insert(key, source.clone());
        if let Some(setting) = self.settings.iter_mut().find(|setting| setting.key == key) {
            setting.value = value;
            setting.source = source;
        }
    }
}

fn addresses(addresses: &[SocketAddr]) -> String {
    let quoted: Vec<_> = addresses
        .iter()
        .map(|address| format!("\"{address}\""))
        .collect();
    format!("[{}]", quoted.join(", "))
}

/// What setters write into; each value here is overwritten by the one of its key.
fn blank(mode: Mode) -> Config {
    Config {
        mode,
        domains: Vec::<Domain>::new(),
        listen: Listen::default(),
        workers: Workers::Shared,
        tls: Tls {
            source: TlsSource::Internal,
            min_version: TlsVersion::V12,
            state: PathBuf::new(),
            acme: Acme {
                directory: String::new(),
                contact: Vec::new(),
                challenges: Vec::new(),
                ca_file: None,
            },
            files: None,
            gateway: None,
            agent_platform: None,
        },
        gateway: Target::Builtin,
        agent_platform: Target::Builtin,
        upstream: Upstream::default(),
        log: Log {
            level: LogLevel::Info,
            format: LogFormat::Json,
            file: None,
        },
        drain_delay: Duration::ZERO,
        drain_grace: Duration::ZERO,
        limits: Limits::default(),
    }
}
