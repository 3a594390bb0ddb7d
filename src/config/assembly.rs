//! Layers of values become one configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use super::{
    Acme, Config, Domain, Limits, Listen, Loaded, Log, LogFormat, LogLevel, Mode, Problem, Setting,
    Source, Target, Tls, TlsSource, TlsVersion, Upstream, Workers,
    file::Layer,
    input::{Given, GivenValue, Input},
    judge,
    key::Key,
    keys::keys,
    official::Official,
    print,
};

/// A configuration in the making.
pub(super) struct Assembly {
    config: Config,
    folder: PathBuf,
    settings: Vec<Setting>,
    sources: BTreeMap<&'static str, Source>,
    /// Keys with a problem, about which nothing more is said.
    broken: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Assembly {
    /// A configuration without values; problems already known are handed on.
    pub(super) fn new(mode: Mode, folder: PathBuf, problems: Vec<Problem>) -> Self {
        Self {
            config: blank(mode),
            folder,
            settings: Vec::new(),
            sources: BTreeMap::new(),
            broken: problems.iter().map(|problem| problem.key.clone()).collect(),
            problems,
        }
    }

    /// Gives each key the value of the first layer that has one, and judges the whole.
    pub(super) fn finish(
        mut self,
        layers: &[Layer; 3],
        official: Official,
    ) -> Result<Loaded, Vec<Problem>> {
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
        self.judge();
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

    /// Says what no key can say alone.
    fn judge(&mut self) {
        let of_whole_file = |problem: &Problem| problem.key.is_empty() && problem.file.is_some();
        if self.problems.iter().any(of_whole_file) {
            // without the file's values every judgement is a guess
            return;
        }
        for problem in judge::judge(&self.config, &self.broken) {
            let placed = match self.sources.get(problem.key.as_str()) {
                Some(source) => source.place(problem, None),
                None => problem,
            };
            self.problems.push(placed);
        }
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
        self.config.upstream.proxies = official.proxies;
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
                fallback_directories: Vec::new(),
                staging_directory: None,
                profile: None,
                eab: None,
                allow_ephemeral_state: false,
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
