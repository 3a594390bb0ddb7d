//! The configuration file: what it gives to which key, and every place where it makes no sense.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    Problem, Source,
    document::{Content, Entry, Node, SyntaxError},
    input::{Given, GivenValue, Item},
    key::{Field, Key, Kind},
    keys::{is_section, key},
    nearest::nearest,
    objects::{Object, Objects},
    suggest::{join, not_a_section, unknown},
};

/// The values of a file by the path of their key.
pub(super) type Layer = BTreeMap<&'static str, Given>;

/// Reads a file; a file that cannot be read gives an empty layer and a problem.
pub(super) fn read(file: &Path, shown: &Path) -> (Layer, Vec<Problem>) {
    match read_text(file) {
        Ok(text) => understand(&text, shown),
        Err((message, remedy)) => {
            let problem = Problem {
                file: Some(shown.to_owned()),
                ..Problem::new("", message, remedy)
            };
            (Layer::new(), vec![problem])
        }
    }
}

fn read_text(file: &Path) -> Result<String, (String, String)> {
    let cannot = |error: std::io::Error| {
        (
            format!("cannot be read: {error}"),
            "name the configuration file with --config, and let this user read it".to_owned(),
        )
    };
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(MAXIMUM_BYTES + 1).read_to_end(&mut bytes))
        .map_err(cannot)?;
    if bytes.len() as u64 > MAXIMUM_BYTES {
        return Err((
            format!("is larger than {MAXIMUM_BYTES} bytes"),
            "name the configuration file, not another one".to_owned(),
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error
            .as_bytes()
            .get(..error.utf8_error().valid_up_to())
            .unwrap_or_default();
        let line = valid.split(|byte| *byte == b'\n').count();
        (
            format!("is not UTF-8 in line {line}"),
            "save the file in UTF-8".to_owned(),
        )
    })
}

/// Reads the text of a file.
pub(super) fn understand(text: &str, shown: &Path) -> (Layer, Vec<Problem>) {
    let mut reader = Reader {
        file: shown.to_owned(),
        layer: Layer::new(),
        problems: Vec::new(),
    };
    match Node::read(text) {
        Err(SyntaxError { line, message }) => reader.problem(
            line,
            Problem::new(
                "",
                format!("is no YAML: {message}"),
                "mend the line, or the one before",
            ),
        ),
        Ok(Node {
            content: Content::Null,
            ..
        }) => {}
        Ok(Node {
            content: Content::Section(entries),
            ..
        }) => reader.section("", entries),
        Ok(Node { line, .. }) => reader.problem(
            Some(line),
            Problem::new(
                "",
                "holds no keys",
                "write keys and values, such as domains: [NAME]",
            ),
        ),
    }
    (reader.layer, reader.problems)
}

struct Reader {
    file: PathBuf,
    layer: Layer,
    problems: Vec<Problem>,
}

impl Reader {
    fn section(&mut self, prefix: &str, entries: Vec<Entry>) {
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        for entry in entries {
            let path = join(prefix, &entry.key);
            if let Some(first) = seen.get(&path) {
                let message = format!("stands here a second time; the first is in line {first}");
                self.problem(
                    Some(entry.line),
                    Problem::new(path, message, "keep one of the two"),
                );
                continue;
            }
            seen.insert(path.clone(), entry.line);
            self.entry(prefix, &path, entry);
        }
    }

    fn entry(&mut self, prefix: &str, path: &str, entry: Entry) {
        let line = entry.line;
        if let Some((section, name)) = entry.key.rsplit_once('.').filter(|_| key(path).is_some()) {
            let remedy = format!("write {name} on a line of its own below {section}");
            let problem = Problem::new(path, "is written with dots; a file has levels", remedy);
            return self.problem(Some(line), problem);
        }
        if let Some(key) = key(path) {
            return self.value(key, entry);
        }
        if !is_section(path) {
            let problem = unknown(prefix, &entry.key);
            return self.problem(Some(line), problem);
        }
        match entry.node.content {
            Content::Section(entries) => self.section(path, entries),
            // a section whose keys are all commented out
            Content::Null => {}
            Content::Scalar(text) => self.problem(Some(line), not_a_section(path).with_value(text)),
            Content::List(_) => self.problem(Some(line), not_a_section(path)),
        }
    }

    fn value(&mut self, key: &'static Key, entry: Entry) {
        let Entry { line, node, .. } = entry;
        let value = match (key.kind, node.content) {
            (Kind::Objects(fields), Content::List(nodes)) => Some(self.objects(key, fields, nodes)),
            (_, content) => {
                let node = Node { content, ..node };
                self.given(key.path, key.kind, key.optional, line, node)
            }
        };
        if let Some(value) = value {
            let source = self.source(line);
            self.layer.insert(key.path, Given { value, source });
        }
    }

    /// What is given for a key or a field; none if it has the wrong shape, which is then told.
    fn given(
        &mut self,
        path: &str,
        kind: Kind,
        optional: bool,
        line: u64,
        node: Node,
    ) -> Option<GivenValue> {
        let mut remedy = format!("write {}", kind.expectation());
        let message = match node.content {
            Content::Null if optional || kind.is_list() => return Some(GivenValue::Nothing),
            Content::Null => "needs a value",
            Content::Scalar(text) if !kind.is_list() => {
                let line = Some(node.line);
                return Some(GivenValue::One(Item { text, line }));
            }
            Content::Scalar(text) => {
                if kind.fields().is_empty() {
                    remedy = format!("write it in brackets: [{text}]");
                }
                let problem = Problem::new(path, "is a single value, not a list", remedy);
                self.problem(Some(line), problem.with_value(text));
                return None;
            }
            Content::List(items) if kind.is_list() => {
                return self.items(path, kind, items).map(GivenValue::Many);
            }
            Content::List(_) => "is a list, not a single value",
            Content::Section(_) if kind.is_list() => "is a section of keys, not a list",
            Content::Section(_) => "is a value, not a section of keys",
        };
        self.problem(Some(line), Problem::new(path, message, remedy));
        None
    }

    /// The items of a list; none if one of them is no single value, which is then told.
    fn items(&mut self, path: &str, kind: Kind, nodes: Vec<Node>) -> Option<Vec<Item>> {
        let mut items = Vec::new();
        let mut sound = true;
        for node in nodes {
            if let Content::Scalar(text) = node.content {
                items.push(Item {
                    text,
                    line: Some(node.line),
                });
            } else {
                sound = false;
                let remedy = format!("write {}", kind.expectation());
                let problem = Problem::new(path, "holds something that is no word", remedy);
                self.problem(Some(node.line), problem);
            }
        }
        sound.then_some(items)
    }

    /// The objects of a list, without those of a wrong shape, which is told.
    fn objects(&mut self, key: &Key, fields: &'static [Field], nodes: Vec<Node>) -> GivenValue {
        let mut objects = Objects::new();
        for (index, node) in nodes.into_iter().enumerate() {
            let line = node.line;
            let Content::Section(entries) = node.content else {
                let names: Vec<_> = fields.iter().map(|field| field.name).collect();
                let remedy = format!("write an object with {}", names.join(", "));
                let path = format!("{}.{index}", key.path);
                self.problem(Some(line), Problem::new(path, "is no object", remedy));
                continue;
            };
            let before = self.problems.len();
            let object = self.object(&format!("{}.{index}", key.path), fields, entries);
            if self.problems.len() == before {
                objects.insert(index, object);
            }
        }
        GivenValue::Objects(objects)
    }

    fn object(&mut self, path: &str, fields: &'static [Field], entries: Vec<Entry>) -> Object {
        let mut object = Object::new();
        let mut seen = BTreeSet::new();
        for Entry { key, line, node } in entries {
            let path = join(path, &key);
            let Some(field) = fields.iter().find(|field| field.name == key) else {
                let names: Vec<_> = fields.iter().map(|field| field.name).collect();
                let remedy = match nearest(&key, names.iter().copied()) {
                    Some(name) => format!("did you mean {name}?"),
                    None => format!("the keys here are {}", names.join(", ")),
                };
                self.problem(Some(line), Problem::new(path, "is no known key", remedy));
                continue;
            };
            if !seen.insert(field.name) {
                let problem =
                    Problem::new(path, "stands here a second time", "keep one of the two");
                self.problem(Some(line), problem);
                continue;
            }
            if let Some(value) = self.given(&path, field.kind, field.is_optional(), line, node) {
                let source = self.source(line);
                object.insert(field.name, Given { value, source });
            }
        }
        object
    }

    fn source(&self, line: u64) -> Source {
        Source::File {
            path: self.file.clone(),
            line,
        }
    }

    fn problem(&mut self, line: Option<u64>, problem: Problem) {
        self.problems.push(Problem {
            file: Some(self.file.clone()),
            line,
            ..problem
        });
    }
}

/// Far above any real configuration, far below what would hurt.
const MAXIMUM_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<(Option<u64>, String, String)> {
        let (_, problems) = understand(text, Path::new("x.yaml"));
        problems
            .into_iter()
            .map(|problem| (problem.line, problem.key, problem.remedy))
            .collect()
    }

    #[test]
    fn values_come_with_their_place() {
        let (layer, problems) = understand(
            "domains:\n  - a.example\nlisten: {https: null}\nlimits:\n",
            Path::new("x.yaml"),
        );
        assert_eq!(problems, []);
        let item = Item {
            text: "a.example".to_owned(),
            line: Some(2),
        };
        assert_eq!(layer["domains"].value, GivenValue::Many(vec![item]));
        assert_eq!(layer["listen.https"].value, GivenValue::Nothing);
        assert_eq!(layer.len(), 2);
    }

    #[test]
    fn unknown_keys_name_the_nearest() {
        let found = problems("domain: [a]\nlimits:\n  conections: 1\nhttps: x\nxyz: 1\n");
        assert_eq!(
            found[0],
            (Some(1), "domain".into(), "did you mean domains?".into())
        );
        assert_eq!(
            found[1],
            (
                Some(3),
                "limits.conections".into(),
                "did you mean limits.connections?".into()
            )
        );
        assert_eq!(found[2].2, "did you mean listen.https?");
        assert!(
            found[3]
                .2
                .starts_with("the keys here are domains, listen, gateway")
        );
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn wrong_shapes_are_told_each_with_its_line() {
        let text = "domains: a\nlisten: 443\nlog:\n  level: [info]\n  format: {a: b}\n  level: x\n\
                    gateway:\ntls: []\nlisten.http: x\n";
        let lines: Vec<_> = problems(text).into_iter().map(|found| found.0).collect();
        let expected: Vec<_> = [1, 2, 4, 5, 6, 7, 8, 9].into_iter().map(Some).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_file_that_is_no_section_is_told() {
        assert_eq!(problems("hello")[0].0, Some(1));
        assert_eq!(problems("[a]")[0].0, Some(1));
        assert_eq!(problems(""), []);
    }

    #[test]
    fn a_file_cut_off_anywhere_is_read_or_refused_in_peace() {
        let whole = include_str!("../../config/duogate.yaml");
        for (end, _) in whole.char_indices() {
            let (_, problems) = understand(&whole[..end], Path::new("x.yaml"));
            assert!(problems.len() <= 2, "{problems:?}");
        }
    }
}
