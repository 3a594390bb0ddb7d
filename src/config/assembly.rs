//! Layers of values become one configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::PathBuf,
    time::Duration,
};

use super::{
    Acme, Auth, Config, Domain, Keys, Limits, Listen, Loaded, Log, LogFormat, LogLevel, Mode,
    Models, Pages, Problem, Setting, Source, Target, Tls, TlsSource, TlsVersion, Upstream, Workers,
    file::Layer,
    input::{Given, GivenValue, Input},
    judge,
    key::{Field, Key, Kind},
    keys::keys,
    objects,
    official::Official,
    print,
};

/// A configuration in the making.
pub(super) struct Assembly {
    config: Config,
    folder: PathBuf,
    settings: Vec<Setting>,
    sources: BTreeMap<String, Source>,
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
            broken: problems
                .iter()
                .map(|problem| objects::list_of(&problem.key).to_owned())
                .collect(),
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
            if let Kind::Objects(fields) = key.kind {
                self.set_objects(key, fields, layers);
                continue;
            }
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
        let value = GivenValue::from_text(&text, key.kind, key.optional);
        self.set(
            key,
            Given {
                value,
                source: Source::Default,
            },
        );
    }

    fn set(&mut self, key: &'static Key, given: Given) {
        if self.put(key, &given) {
            let Given { value, source } = given;
            let value = print::value(key.kind, key.secret, &value, &self.folder);
            self.sources.insert(key.path.to_owned(), source.clone());
            self.settings.push(Setting {
                key: key.path.to_owned(),
                value,
                source,
            });
        }
    }

    /// The same for a list of objects, each field of which has a source of its own.
    fn set_objects(&mut self, key: &'static Key, fields: &'static [Field], layers: &[Layer]) {
        let (mut objects, source) = objects::merge(key, layers);
        let gap = objects::gap(key, &objects, &source);
        // an object of a wrong shape is missed only because that was told already
        let gap = gap.filter(|_| !self.broken.contains(key.path));
        let mut problems = objects::complete(key, fields, &mut objects, &source);
        problems.extend(gap);
        if !problems.is_empty() {
            self.broken.insert(key.path.to_owned());
            self.problems.extend(problems);
            return;
        }
        let given = Given {
            value: GivenValue::Objects(objects),
            source,
        };
        if !self.put(key, &given) {
            return;
        }
        self.sources
            .insert(key.path.to_owned(), given.source.clone());
        let GivenValue::Objects(objects) = given.value else {
            return;
        };
        if objects.is_empty() {
            self.settings.push(Setting {
                key: key.path.to_owned(),
                value: "[]".to_owned(),
                source: given.source,
            });
        }
        for (index, object) in objects {
            for field in fields {
                let Some(Given { value, source }) = object.get(field.name) else {
                    continue;
                };
                let path = objects::path(key.path, index, field.name);
                self.sources.insert(path.clone(), source.clone());
                self.settings.push(Setting {
                    key: path,
                    value: print::value(field.kind, field.secret, value, &self.folder),
                    source: source.clone(),
                });
            }
        }
    }

    /// Lets the key's setter read a value; tells what it has to say against it. True where that is
    /// nothing.
    fn put(&mut self, key: &'static Key, given: &Given) -> bool {
        let input = Input {
            kind: key.kind,
            value: &given.value,
            folder: &self.folder,
        };
        let Err(complaints) = (key.set)(&mut self.config, &input) else {
            return true;
        };
        for complaint in complaints {
            let (path, secret, source) = whereabouts(key, given, complaint.at);
            let problem = Problem::new(path, complaint.message, complaint.remedy);
            let problem = match complaint.value {
                Some(value) if !secret => problem.with_value(value),
                _ => problem,
            };
            self.problems.push(source.place(problem, complaint.line));
        }
        self.broken.insert(key.path.to_owned());
        false
    }

    /// What the official variables say that no key says.
    fn take(&mut self, official: Official, notices: &mut Vec<String>) {
        self.config.tls.gateway = official.gateway_tls;
        self.config.tls.agent_platform = official.agent_platform_tls;
        self.config.upstream.proxies = official.proxies;
        self.config.models.accounts = official.accounts;
        self.config.models.amazon = official.amazon;
        self.config.models.google = official.google;
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
        self.sources.insert(key.to_owned(), source.clone());
        if let Some(setting) = self.settings.iter_mut().find(|setting| setting.key == key) {
            setting.value = value;
            setting.source = source;
        }
    }
}

/// The path, the secrecy and the source of the value that a complaint is about.
fn whereabouts<'a>(
    key: &Key,
    given: &'a Given,
    at: Option<(usize, &str)>,
) -> (String, bool, &'a Source) {
    let Some((index, name)) = at else {
        return (key.path.to_owned(), key.secret, &given.source);
    };
    let field = key.kind.fields().iter().find(|field| field.name == name);
    let secret = field.is_none_or(|field| field.secret);
    let source = match &given.value {
        GivenValue::Objects(objects) => objects.get(&index).and_then(|object| object.get(name)),
        _ => None,
    };
    let source = source.map_or(&given.source, |given| &given.source);
    (objects::path(key.path, index, name), secret, source)
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
        gitlab: Vec::new(),
        customers_portal: None,
        auth: Auth::default(),
        keys: Keys::default(),
        prompts: None,
        documentation_index: None,
        upstream: Upstream::default(),
        models: Models::default(),
        pages: Pages::default(),
        log: Log {
            level: LogLevel::Info,
            format: LogFormat::Json,
            file: None,
            contents: false,
        },
        drain_delay: Duration::ZERO,
        drain_grace: Duration::ZERO,
        limits: Limits::default(),
    }
}
