//! Our own variables of the environment.

use super::{
    Problem, Source,
    file::Layer,
    input::{Given, GivenValue},
    key::{Key, PREFIX},
    keys::keys,
    nearest::nearest,
    objects,
    start::PREDECESSOR_VARIABLE,
};

/// What the variables give, and those that make no sense.
pub(super) fn read(environment: &[(String, String)]) -> (Layer, Vec<Problem>) {
    let mut layer = Layer::new();
    let mut problems = Vec::new();
    for (name, value) in environment {
        if !name.starts_with(PREFIX) || injected(name) || name == PREDECESSOR_VARIABLE {
            continue;
        }
        let source = Source::Environment { name: name.clone() };
        let given = |kind, optional| {
            let value = GivenValue::from_text(value, kind, optional);
            let source = source.clone();
            Given { value, source }
        };
        if let Some(key) = keys().find(|key| key.variable() == *name) {
            if let Some(problem) = objects_in_one(key, name, value) {
                problems.push(problem);
                continue;
            }
            let given = given(key.kind, key.optional);
            // objects that other variables give stay
            layer.entry(key.path).or_insert(given);
        } else if let Some((key, index, field)) = objects::of_variable(name, keys()) {
            let given = given(field.kind, field.is_optional());
            objects::give(&mut layer, key, index, field, given);
        } else {
            problems.push(unknown(name));
        }
    }
    (layer, problems)
}

/// The problem of a list of objects that is written as one value; the empty one is no objects.
fn objects_in_one(key: &Key, name: &str, value: &str) -> Option<Problem> {
    let first = objects::variables(key).next()?;
    if value.trim().is_empty() || value.trim() == "null" {
        return None;
    }
    Some(Problem {
        variable: Some(name.to_owned()),
        ..Problem::new(
            key.path,
            "is a list of objects, for which a single variable has no form",
            format!("write {first} and so on, or an empty value for none"),
        )
    })
}

/// Kubernetes sets these for a Service that is called duogate.
fn injected(name: &str) -> bool {
    name.starts_with("DUOGATE_PORT") || name.starts_with("DUOGATE_SERVICE_")
}

fn unknown(name: &str) -> Problem {
    let single = keys().map(Key::variable);
    let known: Vec<String> = single.chain(keys().flat_map(objects::variables)).collect();
    // what all begin with would make all alike
    let own = |name: &'_ str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
    let known: Vec<String> = known.iter().map(|name| own(name)).collect();
    let remedy = match nearest(&own(name), known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {PREFIX}{near}?"),
        None => "remove it; a variable is DUOGATE_ and the path of a key in capitals, with __ \
                 between the levels"
            .to_owned(),
    };
    Problem {
        variable: Some(name.to_owned()),
        ..Problem::new("", "names no known key", remedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn variables_are_read_and_injected_ones_ignored() {
        let (layer, problems) = read(&[
            pair("DUOGATE_DOMAINS", "a.example, b.example,"),
            pair("DUOGATE_LISTEN__HTTP", ""),
            pair("DUOGATE_PORT", "tcp://10.0.0.1:443"),
            pair("DUOGATE_PORT_443_TCP_ADDR", "10.0.0.1"),
            pair("DUOGATE_SERVICE_HOST", "10.0.0.1"),
            pair("HOME", "/"),
        ]);
        assert_eq!(problems, []);
        assert_eq!(layer.len(), 2);
        let GivenValue::Many(items) = &layer["domains"].value else {
            panic!("a list is expected");
        };
        assert_eq!(items[1].text, "b.example");
        assert_eq!(items.len(), 2);
        assert_eq!(layer["listen.http"].value, GivenValue::Nothing);
    }

    #[test]
    fn an_unknown_variable_names_the_nearest() {
        let (_, problems) = read(&[pair("DUOGATE_LISTEN_HTTPS", "x"), pair("DUOGATE_Q", "x")]);
        assert_eq!(problems[0].remedy, "did you mean DUOGATE_LISTEN__HTTPS?");
        assert!(
            problems[1].remedy.starts_with("remove it"),
            "{}",
            problems[1].remedy
        );
    }
}
