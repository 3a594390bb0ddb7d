//! README.md's section "Try the AI gateway": its curl lines, as a reader pastes them.

use std::{fs, time::Duration};

use crate::{
    command_line::root,
    support::{
        Duogate, Settings, command,
        llama::{CHAT, Llama},
        run,
        secrets::MODEL_KEY,
    },
};

/// A command and what README.md says it answers; in that, `...` is anything.
struct Example {
    command: String,
    answer: Vec<String>,
}

#[test]
fn the_echo_answers_what_the_page_says() {
    let edge = Settings::without_file(true).start();
    let examples = examples();
    let told: Vec<&Example> = examples
        .iter()
        .filter(|example| !example.answer.is_empty())
        .collect();
    assert_eq!(told.len(), 5);
    for example in told {
        let answer = paste(&edge, &example.command);
        let lines: Vec<&str> = answer.lines().collect();
        assert_eq!(lines.len(), example.answer.len(), "{answer}");
        for (line, wanted) in lines.into_iter().zip(&example.answer) {
            assert!(is_like(line, wanted), "{line} is not {wanted}");
        }
    }
}

#[test]
fn the_echo_of_a_completion_is_a_stream_where_one_is_wanted() {
    let edge = Settings::without_file(true).start();
    let examples = examples();
    for (path, text) in [
        ("/v2/code/completions", "echo: The code at the cursor:"),
        ("/v1/prompts/", "echo: The commit message:"),
    ] {
        let example = examples
            .iter()
            .find(|example| example.command.contains(path));
        let command = &example.unwrap().command;
        let streamed = command.replacen("-d '{", "-d '{\"stream\": true, ", 1);
        assert_ne!(&streamed, command);
        assert_eq!(paste(&edge, &streamed), text);
    }
}

#[test]
fn a_model_server_of_the_readers_own_is_asked() {
    let Some(model) = Llama::start(MODEL_KEY) else {
        return;
    };
    let edge = Settings::without_file(true).start();
    let examples = examples();
    let own: Vec<&Example> = examples
        .iter()
        .filter(|example| example.answer.is_empty())
        .collect();
    let [own] = own[..] else {
        panic!("one command has no answer of ours: {}", own.len());
    };
    let command = replaced(&own.command, "http://127.0.0.1:8000/v1", &model.url());
    let command = replaced(&command, "sk-yours", MODEL_KEY);
    assert_eq!(paste(&edge, &command), format!("\"{CHAT}\""));
}

/// Runs the command in a shell, with the port of the test and in the folder of the process, as
/// after `make run`.
#[track_caller]
fn paste(edge: &Duogate, text: &str) -> String {
    let port = format!("localhost:{}", edge.https().port());
    let text = replaced(text, "localhost:8443", &port);
    let mut shell = command("sh");
    shell.args(["-c", &text]).current_dir(edge.folder());
    run(shell, Duration::from_secs(60)).success()
}

#[track_caller]
fn replaced(text: &str, old: &str, new: &str) -> String {
    assert!(text.contains(old), "{old} is not in {text}");
    text.replace(old, new)
}

fn examples() -> Vec<Example> {
    let page = fs::read_to_string(root("README.md")).unwrap();
    let section = page.split("## Try the AI gateway").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    let mut examples: Vec<Example> = Vec::new();
    for line in lines.filter(|line| !line.is_empty()) {
        if line.starts_with("curl ") {
            examples.push(Example {
                command: format!("{line}\n"),
                answer: Vec::new(),
            });
            continue;
        }
        let example = examples.last_mut().unwrap();
        match line.strip_prefix("# ") {
            Some(answer) => example.answer.push(answer.to_owned()),
            None => example.command.extend([line, "\n"]),
        }
    }
    examples
}

/// Whether the pieces between `...` stand in the line in this order, from its beginning to its end.
fn is_like(line: &str, wanted: &str) -> bool {
    let pieces: Vec<&str> = wanted.split("...").collect();
    let (first, last) = (pieces[0], pieces[pieces.len() - 1]);
    let mut rest = line;
    let in_order = pieces.iter().all(|piece| match rest.split_once(piece) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    });
    let whole = pieces.len() > 1 || line == wanted;
    in_order && whole && line.starts_with(first) && line.ends_with(last)
}
