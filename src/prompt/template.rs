//! The sandbox in which templates run, and what can be told of a template without running it.

use std::collections::BTreeSet;

use minijinja::{
    Environment, Error, ErrorKind, escape_formatter, filters, tests,
    value::{Serde, Value},
};

/// An environment without templates: no escaping, no functions, the filters and tests of
/// models-and-prompts 4.3, and a bound on steps and bytes. What is undefined prints nothing;
/// whether something is missing is judged before.
pub(super) fn sandbox() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(NESTED_INCLUDES);
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            return Ok(());
        }
        escape_formatter(out, state, value)
    });
    environment.add_filter("join", filters::join);
    environment.add_filter("length", filters::length);
    environment.add_filter("list", filters::list);
    environment.add_filter("map", filters::map);
    environment.add_filter("parse_json", parse_json);
    environment.add_filter("rejectattr", filters::rejectattr);
    environment.add_filter("safe", filters::safe);
    environment.add_filter("selectattr", filters::selectattr);
    environment.add_filter("split", filters::split);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("none", tests::is_none);
    environment.add_test("undefined", tests::is_undefined);
    environment
}

/// Every variable that a template and the templates it includes read.
pub(super) fn variables(
    environment: &Environment<'_>,
    template: &str,
) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![template.to_owned()];
    while let Some(name) = waiting.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let template = environment.get_template(&name)?;
        found.extend(template.undeclared_variables(false));
        for (line, included) in includes(template.source()) {
            let included =
                included.ok_or_else(|| fault(line, "an include names its file in quotes"))?;
            if environment.get_template(included).is_err() {
                return Err(fault(line, "an include names a file that does not exist"));
            }
            waiting.push(included.to_owned());
        }
    }
    Ok(found)
}

/// Runs a template on values of several kinds, for what the engine finds only then: a filter, a
/// test or a function that does not exist.
pub(super) fn trial(
    environment: &Environment<'_>,
    template: &str,
    variables: &BTreeSet<String>,
) -> Result<(), Error> {
    let template = environment.get_template(template)?;
    let samples = [
        Value::UNDEFINED,
        Value::from("x"),
        Value::from(Serde(serde_json::json!([{"x": "x"}]))),
    ];
    for sample in samples {
        let named = |name: &String| (name.clone(), sample.clone());
        let context = Value::from_pairs(variables.iter().map(named));
        let outcome = template.render(context);
        if let Err(error) = outcome
            && is_of_the_template(cause(&error).kind())
        {
            return Err(error);
        }
    }
    Ok(())
}

/// Where an error began: one in an include is wrapped in one of the includer's, and may itself wrap
/// one that stands nowhere.
pub(super) fn cause(error: &Error) -> &Error {
    let chain = std::iter::successors(Some(error), |error| {
        std::error::Error::source(*error)?.downcast_ref::<Error>()
    });
    let placed = chain.filter(|error| error.line().is_some());
    placed.last().unwrap_or(error)
}

/// Whether a failure lies in the template whatever it is given.
fn is_of_the_template(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownMethod
            | ErrorKind::TemplateNotFound
    )
}

/// The names that a source includes, each with its line; none where the name is computed.
fn includes(source: &str) -> Vec<(usize, Option<&str>)> {
    let mut found = Vec::new();
    let mut line = 1;
    let mut tags = source.split("{%");
    line += newlines(tags.next());
    for tag in tags {
        let inside = tag.split("%}").next().unwrap_or_default();
        let inside = inside.trim_matches(['-', '+']).trim();
        if let Some(operand) = inside.strip_prefix("include") {
            let operand = operand.trim();
            let name = ['"', '\''].iter().find_map(|quote| {
                let name = operand.strip_prefix(*quote)?.strip_suffix(*quote)?;
                (!name.contains(*quote)).then_some(name)
            });
            found.push((line, name));
        }
        line += newlines(Some(tag));
    }
    found
}

fn newlines(text: Option<&str>) -> usize {
    text.unwrap_or_default().matches('\n').count()
}

/// The engine keeps the line of an error to itself, so it stands in the text.
fn fault(line: usize, message: &str) -> Error {
    Error::new(
        ErrorKind::BadInclude,
        format!("{message} (line {line} of it)"),
    )
}

fn parse_json(text: &str) -> Result<Value, Error> {
    if text.len() > JSON_BYTES {
        return Err(Error::new(
            ErrorKind::InvalidOperation,
            "the JSON is too long",
        ));
    }
    let value: serde_json::Value = serde_json::from_str(text)
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "this is no JSON"))?;
    Ok(Value::from(Serde(value)))
}

/// About a million steps or 64 MB of text: twice the largest body of a request, written out.
const FUEL: u64 = 1_000_000;

/// A partial in a partial in a loop is deep; a template that includes itself is without end.
const NESTED_INCLUDES: usize = 32;

/// As the reference bounds it (models-and-prompts 4.3).
const JSON_BYTES: usize = 1_000_000;

#[cfg(test)]
mod unit {
    use serde_json::json;

    use super::*;

    fn render(source: &str, context: serde_json::Value) -> Result<String, Error> {
        let mut environment = sandbox();
        environment.add_template_owned("part.jinja", "[{{ p }}]\n")?;
        environment.add_template_owned("t", source.to_owned())?;
        environment
            .get_template("t")?
            .render(Value::from(Serde(context)))
    }

    #[test]
    fn the_features_that_prompts_use_work() {
        let table = [
            (
                "{{ a }}<{{ b }}>\n",
                json!({"a": "<&>", "b": null}),
                "<&><>",
            ),
            ("{{ a }}\n\n", json!({"a": 1}), "1\n"),
            ("{% include \"part.jinja\" %}|", json!({"p": "x"}), "[x]|"),
            (
                "{{ a | map(attribute='n') | join(', ') }}",
                json!({"a": [{"n": 1}, {"n": 2}]}),
                "1, 2",
            ),
            (
                "{{ a | selectattr('n') | list | length }}",
                json!({"a": [{"n": 1}, {"n": 0}]}),
                "1",
            ),
            (
                "{{ a | rejectattr('n') | list | length }}",
                json!({"a": [{"n": 1}]}),
                "0",
            ),
            (
                "{% for x in a.split %}{% endfor %}{{ (a | split('-', 1))[1] }}",
                json!({"a": "1-2-3"}),
                "2-3",
            ),
            ("{{ (a | parse_json).k }}", json!({"a": "{\"k\": 7}"}), "7"),
            (
                "{% for x in a %}{{ loop.index }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}",
                json!({"a": ["p", "q"]}),
                "1p,2q",
            ),
            (
                "{% set b = a %}{% with c = b %}{{ c }}{% endwith %}{# no #}{% raw %}{{ a }}{% endraw %}",
                json!({"a": "x"}),
                "x{{ a }}",
            ),
            (
                "{% if a is defined and b is not none %}x{%- else -%} y {%- endif %}",
                json!({"b": 1}),
                "y",
            ),
            (
                "{{ a.b }}{% for x in c %}{% endfor %}",
                json!({"a": {}}),
                "",
            ),
        ];
        for (source, context, expected) in table {
            let text = render(source, context).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(text, expected, "{source}");
        }
    }

    #[test]
    fn the_sandbox_holds() {
        for source in [
            "{{ range(10) }}",
            "{{ a | upper }}",
            "{{ a.upper() }}",
            "{{ 'x' * 1000000000 }}",
            "{% for x in a %}{% for y in a %}{% for z in a %}{{ b }}{% endfor %}{% endfor %}{% endfor %}",
            "{% include 't' %}",
            "{{ '{' | parse_json }}",
        ] {
            let many: Vec<u32> = (0..1000).collect();
            let context = json!({"a": many, "b": "long ".repeat(100)});
            assert!(render(source, context).is_err(), "{source}");
        }
    }

    #[test]
    fn variables_are_found_through_includes() {
        let mut environment = sandbox();
        let mut add = |name: &str, source: &str| {
            environment
                .add_template_owned(name.to_owned(), source.to_owned())
                .expect("the template is well-formed");
        };
        add("a", "{{ x.y }}{%- include \"b\" -%}{% set s = 1 %}{{ s }}");
        add(
            "b",
            "{% for d in ds %}{{ d.z }}{{ loop.index }}{% endfor %}{% include 'a' %}",
        );
        add("computed", "\n{% include path %}");
        add("lost", "{% include 'nowhere' %}");
        add("filter", "{% if x %}{{ x | upper }}{% endif %}");
        let found = variables(&environment, "a").expect("all is there");
        assert_eq!(found.iter().collect::<Vec<_>>(), ["ds", "x"]);
        assert!(variables(&environment, "computed").is_err());
        assert!(variables(&environment, "lost").is_err());
        let x = BTreeSet::from(["x".to_owned()]);
        assert!(trial(&environment, "filter", &x).is_err());
    }
}
