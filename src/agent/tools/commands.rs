//! Commands that run where the project's files are.

use super::{
    Arguments, Definition, Kind, Parameter, ToolError, Workplace,
    command_line::words,
    definition::{NOTHING, WRITING_FILES},
    parameter::{optional, required},
    result::quoted,
};
use crate::agent::proto::{RunCommandAction, RunShellCommand, action::Action};

pub(super) static TOOLS: &[Definition] = &[
    Definition {
        parameters: &[
            required("program", Kind::Text, "The program, such as `make`."),
            optional(
                "args",
                Kind::Text,
                "Its arguments as one line, quoted as for a shell. No shell reads them: no pipes, \
                 no variables.",
            ),
            TIMEOUT,
        ],
        is_offered: |facts| facts.has_executor && !facts.is_able(SHELL),
        line: |arguments| joined(&[arguments.words("program"), arguments.words("args")]),
        call: |workplace, arguments| Box::pin(run(workplace, arguments)),
        ..RUN_COMMAND
    },
    Definition {
        parameters: &[
            required("command", Kind::Text, "The line, as it would be typed."),
            TIMEOUT,
        ],
        is_listed: false,
        is_offered: |facts| facts.has_executor && facts.is_able(SHELL),
        line: |arguments| joined(&[arguments.words("command")]),
        call: |workplace, arguments| Box::pin(run_in_shell(workplace, arguments)),
        ..RUN_COMMAND
    },
    Definition {
        name: "run_git_command",
        description: "Runs git in the project's folder.",
        groups: &["use_git"],
        parameters: &[
            optional(
                "repository_url",
                Kind::Text,
                "Not needed: git runs in the project's own repository.",
            ),
            required("command", Kind::Text, "What git shall do, such as `log`."),
            optional(
                "args",
                Kind::Text,
                "More for its command line, quoted as for a shell.",
            ),
        ],
        display: |arguments| format!("Run command {}", quoted(&git_line(arguments))),
        line: |arguments| Some(git_line(arguments)),
        call: |workplace, arguments| Box::pin(run_git(workplace, arguments)),
        ..COMMAND
    },
    Definition {
        name: "run_tests",
        description: "Runs the project's tests, or some of them, and answers with what that prints.",
        parameters: &[required(
            "command",
            Kind::Text,
            "The command with its arguments, quoted as for a shell. No shell reads it.",
        )],
        display: |arguments| {
            let command = arguments.words("command").unwrap_or_default();
            format!("Run tests {}", quoted(command))
        },
        call: |workplace, arguments| Box::pin(run_tests(workplace, arguments)),
        ..WRITING_FILES
    },
];

/// A command may do anything: only its own group permits it.
const COMMAND: Definition = Definition {
    only_reads: false,
    is_offered: |facts| facts.has_executor,
    ..NOTHING
};

/// In two forms: of clients with a shell, and of the others.
const RUN_COMMAND: Definition = Definition {
    name: "run_command",
    description: "Runs a command in the project's folder and answers with what it prints. Not for \
                  reading, searching and changing files, which have tools of their own.",
    groups: &["run_commands"],
    is_command: true,
    display: |arguments| {
        let line = joined(&[
            arguments.words("program").or(arguments.words("command")),
            arguments.words("args"),
        ]);
        format!("Run command {}", quoted(&line.unwrap_or_default()))
    },
    ..COMMAND
};

async fn run(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let timeout = timeout(workplace, arguments)?;
    let action = Action::RunCommand(RunCommandAction {
        program: said(arguments, "program")?.to_owned(),
        arguments: split(arguments, "args")?,
        flags: Vec::new(),
        timeout,
    });
    workplace.act(action).await
}

async fn run_in_shell(
    workplace: &Workplace,
    arguments: Arguments<'_>,
) -> Result<String, ToolError> {
    let timeout = timeout(workplace, arguments)?;
    let action = Action::RunShellCommand(RunShellCommand {
        command: said(arguments, "command")?.to_owned(),
        timeout,
    });
    workplace.act(action).await
}

async fn run_git(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let mut words = split(arguments, "command")?;
    words.extend(split(arguments, "args")?);
    if words.first().is_some_and(|word| word == "git") {
        words.remove(0);
    }
    if words.is_empty() {
        return Err(empty("command"));
    }
    workplace.act(program("git".to_owned(), words)).await
}

async fn run_tests(workplace: &Workplace, arguments: Arguments<'_>) -> Result<String, ToolError> {
    let mut words = split(arguments, "command")?.into_iter();
    let first = words.next().ok_or_else(|| empty("command"))?;
    workplace.act(program(first, words.collect())).await
}

fn program(program: String, arguments: Vec<String>) -> Action {
    Action::RunCommand(RunCommandAction {
        program,
        arguments,
        flags: Vec::new(),
        timeout: None,
    })
}

/// Seconds that a command may take; none where the client knows no such thing.
fn timeout(workplace: &Workplace, arguments: Arguments<'_>) -> Result<Option<i64>, ToolError> {
    let said = arguments.number(TIMEOUT.name);
    match (workplace.facts.is_able("command_timeout"), said) {
        (true, None) => Ok(Some(SECONDS)),
        (true, Some(said)) => Ok(Some(i64::try_from(said).unwrap_or(i64::MAX))),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(ToolError::Denied(
            "timeout parameter is not supported by this client version.".to_owned(),
        )),
    }
}

fn said<'c>(arguments: Arguments<'c>, name: &str) -> Result<&'c str, ToolError> {
    arguments.words(name).ok_or_else(|| empty(name))
}

fn split(arguments: Arguments<'_>, name: &str) -> Result<Vec<String>, ToolError> {
    words(arguments.text(name).unwrap_or_default()).ok_or_else(|| {
        ToolError::Argument(format!(
            "{name} has a quote or a backslash at its end that is not closed; close or escape it"
        ))
    })
}

fn empty(name: &str) -> ToolError {
    ToolError::Argument(format!("{name} is empty; say what to run"))
}

fn git_line(arguments: Arguments<'_>) -> String {
    let command = arguments.words("command").unwrap_or_default();
    let command = command.strip_prefix("git ").unwrap_or(command);
    let line = joined(&[Some("git"), Some(command), arguments.words("args")]);
    line.unwrap_or_default()
}

fn joined(parts: &[Option<&str>]) -> Option<String> {
    let parts: Vec<_> = parts.iter().copied().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

const TIMEOUT: Parameter = optional(
    "timeout",
    Kind::Number,
    "Seconds after which the command is ended; some clients take none. Left out: 120, where the \
     client can.",
);

/// Clients with a shell (agent-platform 3.5).
const SHELL: &str = "shell_command";

/// Of a command that names no time of its own (agent-platform 6.2).
const SECONDS: i64 = 120;
