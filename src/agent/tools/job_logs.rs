//! What jobs print.

use super::{
    Arguments, Definition, Endpoint, Kind, Parameter, SessionFacts, ToolError, Workplace,
    definition::READING_GITLAB,
    identification::{PROJECT_ID, URL, numbered},
    parameter::optional,
    result::quoted,
};

/// One tool in two forms: clients differ in whether a log can be read piece by piece.
pub(super) static TOOLS: &[Definition] = &[
    Definition {
        description: "Fetches what a job printed, and so why it failed. Of a long log the end comes, \
                      unless a piece is named.",
        parameters: &[PROJECT_ID, JOB_ID, URL, BYTE_OFFSET, BYTE_LIMIT],
        is_offered: is_paged,
        call: |workplace, arguments| Box::pin(piece(workplace, arguments)),
        ..LOGS
    },
    Definition {
        is_listed: false,
        is_offered: |facts| !is_paged(facts),
        ..LOGS
    },
];

const LOGS: Definition = Definition {
    name: "get_job_logs",
    description: "Fetches what a job printed, and so why it failed. Of a long log the end comes.",
    parameters: &[PROJECT_ID, JOB_ID, URL],
    display,
    call: |workplace, arguments| Box::pin(whole(workplace, arguments)),
    ..READING_GITLAB
};

fn is_paged(facts: &SessionFacts) -> bool {
    facts.is_able("job_trace_pagination")
}

async fn piece(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let names = [BYTE_OFFSET.name, BYTE_LIMIT.name];
    let trace = trace(workplace, arguments)?.queries(arguments, &names);
    let log = workplace.get(&trace).await?;
    if names.iter().all(|name| arguments.value(name).is_none()) {
        return Ok(shown(log));
    }
    Ok(log)
}

async fn whole(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    for name in [BYTE_OFFSET.name, BYTE_LIMIT.name] {
        if arguments.value(name).is_some() {
            tracing::warn!(
                argument = name,
                "the client cannot read a job's log piece by piece; the argument is left out"
            );
        }
    }
    let log = workplace.get(&trace(workplace, arguments)?).await?;
    Ok(shown(log))
}

fn trace(workplace: &Workplace, arguments: Arguments<'_>) -> Result<Endpoint, ToolError> {
    let (project, id) = numbered(workplace, arguments, "jobs", JOB_ID.name)?;
    let job = Endpoint::project(&project).then("jobs").segment(id);
    Ok(job.then("trace"))
}

/// A log as a model reads it: why a job failed stands at the end.
fn shown(log: String) -> String {
    if log.is_empty() {
        return "The job has printed nothing.".to_owned();
    }
    if log.len() <= LONGEST {
        return log;
    }
    let mut start = log.len() - LONGEST;
    while !log.is_char_boundary(start) {
        start += 1;
    }
    let end = log.get(start..).unwrap_or_default();
    format!(
        "The log has {} bytes; only its end follows.\n{end}",
        log.len()
    )
}

fn display(arguments: Arguments<'_>) -> String {
    let id = arguments.number(JOB_ID.name);
    match (arguments.words("url"), id) {
        (Some(url), _) => format!("Read the log of job {}", quoted(url)),
        (None, Some(id)) => format!("Read the log of job #{id}"),
        (None, None) => "Read the log of a job".to_owned(),
    }
}

const JOB_ID: Parameter = optional(
    "job_id",
    Kind::Number,
    "The job's number, as at the end of its address.",
);

const BYTE_OFFSET: Parameter = optional(
    "byte_offset",
    Kind::Number,
    "Where in the log to begin, in bytes.",
);

const BYTE_LIMIT: Parameter = optional("byte_limit", Kind::Number, "How many bytes to read.");

/// Bytes of a log that a model reads: as many as are kept of any long result (agent-platform 6.4).
const LONGEST: usize = 100 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_the_end_is_shown() {
        assert_eq!(shown("a\nb".to_owned()), "a\nb");
        assert_eq!(shown(String::new()), "The job has printed nothing.");
        let long = format!("a{}ERROR", "ü".repeat(LONGEST));
        let seen = shown(long);
        assert!(seen.starts_with("The log has 204806 bytes; only its end follows.\nü"));
        assert!(seen.ends_with("üERROR") && seen.len() < LONGEST + 100);
    }
}
