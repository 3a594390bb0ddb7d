//! Lists of objects: `gitlab: [{url: …, ca_file: …}]` in the file, `DUOGATE_GITLAB__0__URL` in the
//! environment.
//!
//! Each field of each object is a value of its own with a source of its own: a variable changes
//! one field of an object that the file wrote, and an object that only variables name is added.

use std::{collections::BTreeMap, path::Path};

use super::{
    Problem, Source,
    file::Layer,
    input::{Complaint, Given, GivenValue, Input},
    key::{Field, Key, PREFIX},
};

/// Objects by their place in the list, from 0; each has what is given for its fields.
pub(super) type Objects = BTreeMap<usize, Object>;

/// What is given for the fields of one object, by their names.
pub(super) type Object = BTreeMap<&'static str, Given>;

/// What the reader of one object gets.
pub(super) struct Fields<'a> {
    index: usize,
    known: &'static [Field],
    object: &'a Object,
    folder: &'a Path,
    complaints: Vec<Complaint>,
}

impl<'a> Fields<'a> {
    /// The value of a field; none where it is wrong, which is then told.
    pub(super) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&Input<'a>) -> Result<T, Vec<Complaint>>,
    ) -> Option<T> {
        let field = self.known.iter().find(|field| field.name == name)?;
        let input = Input {
            kind: field.kind,
            value: self
                .object
                .get(name)
                .map_or(&GivenValue::Nothing, |given| &given.value),
            folder: self.folder,
        };
        match read(&input) {
            Ok(value) => Some(value),
            Err(complaints) => {
                let at = Some((self.index, name));
                let placed = complaints
                    .into_iter()
                    .map(|complaint| Complaint { at, ..complaint });
                self.complaints.extend(placed);
                None
            }
        }
    }
}

impl Input<'_> {
    /// A list of objects; everything that is wrong in any of them is told. `read` gives none where
    /// one of its fields did.
    pub(super) fn objects<T>(
        &self,
        fields: &'static [Field],
        read: impl Fn(&mut Fields<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Vec<Complaint>> {
        let GivenValue::Objects(objects) = self.value else {
            return Ok(Vec::new());
        };
        let mut values = Vec::new();
        let mut complaints = Vec::new();
        for (index, object) in objects {
            let mut reader = Fields {
                index: *index,
                known: fields,
                object,
                folder: self.folder,
                complaints: Vec::new(),
            };
            values.extend(read(&mut reader));
            complaints.append(&mut reader.complaints);
        }
        if complaints.is_empty() {
            Ok(values)
        } else {
            Err(complaints)
        }
    }
}

/// The list out of all layers, the first of which counts most; with the source of the list itself.
/// A layer that gives nothing (`null`, an empty value) hides those below it.
pub(super) fn merge(key: &Key, layers: &[Layer]) -> (Objects, Source) {
    let mut merged = Objects::new();
    let mut source = None;
    for layer in layers {
        let Some(given) = layer.get(key.path) else {
            continue;
        };
        source.get_or_insert_with(|| given.source.clone());
        let GivenValue::Objects(objects) = &given.value else {
            break;
        };
        for (index, object) in objects {
            let fields = merged.entry(*index).or_default();
            for (name, given) in object {
                fields.entry(*name).or_insert_with(|| given.clone());
            }
        }
    }
    (merged, source.unwrap_or(Source::Default))
}

/// Fills in the defaults of fields; tells those that have to be given.
pub(super) fn complete(
    key: &Key,
    fields: &'static [Field],
    objects: &mut Objects,
    source: &Source,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, object) in objects.iter_mut() {
        let beside = object.values().next().map(|given| given.source.clone());
        for field in fields.iter().filter(|field| field.default.is_none()) {
            if !object.contains_key(field.name) {
                let remedy = format!("write {}", field.kind.expectation());
                let path = path(key.path, *index, field.name);
                let problem = Problem::new(path, "needs a value", remedy);
                problems.push(beside.as_ref().unwrap_or(source).place(problem, None));
            }
        }
        for field in fields {
            if let Some(text) = field.default {
                let value = GivenValue::from_text(text, field.kind, field.is_optional());
                let source = Source::Default;
                object.entry(field.name).or_insert(Given { value, source });
            }
        }
    }
    problems
}

/// Tells a gap between the objects, and too many of them.
pub(super) fn gap(key: &Key, objects: &Objects, source: &Source) -> Option<Problem> {
    let (last, object) = objects.last_key_value()?;
    let problem = if *last >= MAXIMUM_OBJECTS {
        Problem::new(
            key.path,
            format!("has more than {MAXIMUM_OBJECTS} objects"),
            "remove those that are not needed",
        )
    } else {
        let missing = (0..*last).find(|index| !objects.contains_key(index))?;
        Problem::new(
            format!("{}.{last}", key.path),
            format!("is given, but there is no {}.{missing}", key.path),
            "number the objects from 0 without a gap",
        )
    };
    let source = object.values().next().map_or(source, |given| &given.source);
    Some(source.place(problem, None))
}

/// The key, the place in its list and the field that a variable of ours names.
pub(super) fn of_variable<'a>(
    name: &str,
    mut keys: impl Iterator<Item = &'a Key>,
) -> Option<(&'a Key, usize, &'static Field)> {
    keys.find_map(|key| {
        let rest = name
            .strip_prefix(&key.variable())
            .and_then(|rest| rest.strip_prefix("__"))?;
        let (index, field) = rest.split_once("__")?;
        let plain = index.bytes().all(|byte| byte.is_ascii_digit())
            && (index == "0" || !index.starts_with('0'));
        let index = index.parse().ok().filter(|_| plain)?;
        let found = key.kind.fields().iter();
        let found = found.into_iter().find(|known| known.variable() == field)?;
        Some((key, index, found))
    })
}

/// Puts the value of a field into a layer.
pub(super) fn give(
    layer: &mut Layer,
    key: &Key,
    index: usize,
    field: &'static Field,
    given: Given,
) {
    let source = given.source.clone();
    let list = layer.entry(key.path).or_insert_with(|| Given {
        value: GivenValue::Objects(Objects::new()),
        source,
    });
    if !matches!(list.value, GivenValue::Objects(_)) {
        list.value = GivenValue::Objects(Objects::new());
    }
    if let GivenValue::Objects(objects) = &mut list.value {
        let object = objects.entry(index).or_default();
        object.entry(field.name).or_insert(given);
    }
}

/// Where a field stands: `gitlab.0.url`.
pub(super) fn path(list: &str, index: usize, field: &str) -> String {
    format!("{list}.{index}.{field}")
}

/// The list to which a path belongs that may go into one: `gitlab` for `gitlab.0.url`.
pub(super) fn list_of(path: &str) -> &str {
    let is_index = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let mut end = 0_usize;
    for word in path.split('.') {
        if is_index(word) {
            return path.get(..end.saturating_sub(1)).unwrap_or(path);
        }
        end += word.len() + 1;
    }
    path
}

/// The names of all variables for the first object of each list, to suggest them.
pub(super) fn variables(key: &Key) -> impl Iterator<Item = String> {
    let list = key.path.replace('.', "__").to_uppercase();
    let fields = key.kind.fields().iter();
    fields.map(move |field| format!("{PREFIX}{list}__0__{}", field.variable()))
}

/// No site has so many GitLab instances or model servers; a slip in a number must not make a long
/// list.
const MAXIMUM_OBJECTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Config,
            input::Item,
            key::{DefaultValue::Always, Kind},
        },
        *,
    };

    static FIELDS: &[Field] = &[
        Field::required("url", Kind::Text, "A URL."),
        Field::with_default("urls", Kind::Words, "", "More."),
        Field::with_default(
            "number",
            Kind::Number {
                minimum: 1,
                maximum: 9,
            },
            "4",
            "A number.",
        ),
        Field::with_default("file", Kind::Path, "", "A file.").optional(),
    ];

    static KEY: Key = Key::new(
        "part.list",
        Kind::Objects(FIELDS),
        Always(""),
        "A list.",
        |_: &mut Config, _| Ok(()),
    );

    fn variable(layer: &mut Layer, name: &str, text: &str) {
        let (key, index, field) = of_variable(name, std::iter::once(&KEY)).expect(name);
        let source = Source::Environment {
            name: name.to_owned(),
        };
        let value = GivenValue::from_text(text, field.kind, field.is_optional());
        give(layer, key, index, field, Given { value, source });
    }

    fn text(objects: &Objects, index: usize, name: &str) -> String {
        match &objects[&index][name].value {
            GivenValue::One(Item { text, .. }) => text.clone(),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn variables_name_a_list_a_place_and_a_field() {
        let found = |name: &str| {
            let found = of_variable(name, std::iter::once(&KEY));
            found.map(|(_, index, field)| (index, field.name))
        };
        assert_eq!(found("DUOGATE_PART__LIST__0__URL"), Some((0, "url")));
        assert_eq!(found("DUOGATE_PART__LIST__12__FILE"), Some((12, "file")));
        for name in [
            "DUOGATE_PART__LIST__URL",
            "DUOGATE_PART__LIST__0__NAME",
            "DUOGATE_PART__LIST__00__URL",
            "DUOGATE_PART__LIST__+1__URL",
            "DUOGATE_PART__LIST__0__URL__X",
            "DUOGATE_PART__LIST____URL",
            "DUOGATE_PART__LIST__99999999999999999999__URL",
        ] {
            assert_eq!(found(name), None, "{name}");
        }
        assert!(variables(&KEY).any(|name| name == "DUOGATE_PART__LIST__0__URL"));
    }

    #[test]
    fn the_highest_layer_wins_field_by_field() {
        let (mut high, mut low) = (Layer::new(), Layer::new());
        variable(&mut high, "DUOGATE_PART__LIST__1__URL", "high");
        variable(&mut low, "DUOGATE_PART__LIST__0__URL", "first");
        variable(&mut low, "DUOGATE_PART__LIST__1__URL", "low");
        variable(&mut low, "DUOGATE_PART__LIST__1__NUMBER", "7");
        let (mut objects, source) = merge(&KEY, &[high, Layer::new(), low]);
        assert_eq!(complete(&KEY, FIELDS, &mut objects, &source), []);
        assert_eq!(text(&objects, 0, "url"), "first");
        assert_eq!(text(&objects, 1, "url"), "high");
        assert_eq!(text(&objects, 1, "number"), "7");
        assert_eq!(text(&objects, 0, "number"), "4");
        assert_eq!(objects[&0]["urls"].value, GivenValue::Many(Vec::new()));
        assert_eq!(objects[&0]["file"].value, GivenValue::Nothing);
    }

    #[test]
    fn nothing_hides_what_lies_below() {
        let mut low = Layer::new();
        variable(&mut low, "DUOGATE_PART__LIST__0__URL", "first");
        let nothing = Given {
            value: GivenValue::Nothing,
            source: Source::Default,
        };
        let high = Layer::from([("part.list", nothing)]);
        assert_eq!(merge(&KEY, &[high, low]).0, Objects::new());
    }

    #[test]
    fn gaps_missing_fields_and_too_many_objects_are_told() {
        let told = |names: &[&str]| {
            let mut layer = Layer::new();
            for name in names {
                variable(&mut layer, name, "1");
            }
            let (mut objects, source) = merge(&KEY, &[layer]);
            let gap = gap(&KEY, &objects, &source);
            let problems = complete(&KEY, FIELDS, &mut objects, &source);
            let told = gap.iter().chain(&problems).map(ToString::to_string);
            told.collect::<Vec<_>>().join("\n")
        };
        assert!(told(&["DUOGATE_PART__LIST__1__URL"]).starts_with(
            "environment DUOGATE_PART__LIST__1__URL: part.list.1: is given, but there is no \
                 part.list.0"
        ));
        assert!(told(&["DUOGATE_PART__LIST__0__NUMBER"]).starts_with(
            "environment DUOGATE_PART__LIST__0__NUMBER: part.list.0.url: needs a value"
        ));
        assert!(told(&["DUOGATE_PART__LIST__64__URL"]).contains("more than 64 objects"));
    }

    #[test]
    fn paths_into_lists_know_their_list() {
        assert_eq!(list_of("gitlab.0.url"), "gitlab");
        assert_eq!(list_of("models.endpoints.12.urls"), "models.endpoints");
        assert_eq!(list_of("models.endpoints.3"), "models.endpoints");
        assert_eq!(list_of("tls.acme.directory"), "tls.acme.directory");
        assert_eq!(list_of(""), "");
    }
}
