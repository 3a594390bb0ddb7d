//! The configuration file: what it gives to which key, and every place where it makes no sense.

use std::{
    collections::BTreeMap,
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    Problem, Source,
    document::{Content, Entry, Node, SyntaxError},
    input::{Given, GivenValue, Item},
    key::Key,
    keys::{is_section, key},
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
        let remedy = format!("write {}", key.kind.expectation());
        let value = match node.content {
            Content::Null if key.optional || key.kind.is_list() => GivenValue::Nothing,
            Content::Null => {
                return self.problem(Some(line), Problem::new(key.path, "needs a value", remedy));
            }
            Content::Scalar(text) if !key.kind.is_list() => GivenValue::One(Item {
                text,
                line: Some(node.line),
            }),
            Content::Scalar(text) => {
                let remedy = format!("write it in brackets: [{text}]");
                let problem = Problem::new(key.path, "is a single value, not a list", remedy);
                return self.problem(Some(line), problem.with_value(text));
            }
            Content::List(items) if key.kind.is_list() => match self.items(key, items) {
                Some(items) => GivenValue::Many(items),
                None => return,
            },
            Content::List(_) => {
                let problem = Problem::new(key.path, "is a list, not a single value", remedy);
                return self.problem(Some(line), problem);
            }
            Content::Section(_) => {
                let problem = Problem::new(key.path, "is a value, not a section of keys", remedy);
                return self.problem(Some(line), problem);
            }
        };
        let source = Source::File {
            path: self.file.clone(),
            line,
        };
        self.layer.insert(key.path, Given { value, source });
    }

    /// The items of a list; none if one of them is no single value, which is then told.
    fn items(&mut self, key: &Key, nodes: Vec<Node>) -> Option<Vec<Item>> {
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
                let remedy = format!("write {}", key.kind.expectation());
                let problem = Problem::new(key.path, "holds something that is no word", remedy);
                self.problem(Some(node.line), problem);
            }
        }
        sound.then_some(items)
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
