//! Streams as they flow: pieces arrive when the model writes them, silence is bridged.

use std::{
    io::{BufRead, BufReader, Read},
    process::Stdio,
    time::{Duration, Instant},
};

use super::{open_gateway, prompt, with};
use crate::support::{
    curl,
    model_server::{ModelServer, Reply},
};

#[test]
fn pieces_arrive_as_the_model_writes_them() {
    let pieces: Vec<String> = (0..5).map(|number| format!("piece {number}\n")).collect();
    let model = ModelServer::with(Reply::Paced(pieces, Duration::from_millis(300)));
    let edge = open_gateway().start();
    let body = with(prompt(&model), "stream", true).to_string();
    for version in super::VERSIONS {
        let arguments = [
            version,
            "-H",
            "Content-Type: application/json",
            "--data-binary",
            body.as_str(),
        ];
        let mut client = curl(&edge, &arguments, "/v1/prompts/generate_commit_message");
        let mut client = client.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(client.stdout.take().unwrap());
        let began = Instant::now();
        let mut arrived = Vec::new();
        for _ in 0..5 {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            arrived.push(began.elapsed());
        }
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        assert!(client.wait().unwrap().success());
        assert_eq!(rest, "");
        // no clock of ours decides: four pauses lie between the first piece and the last
        let spread = arrived[4].saturating_sub(arrived[0]);
        assert!(spread > Duration::from_millis(900), "{arrived:?}");
    }
}

#[test]
fn one_character_is_never_cut_in_two() {
    let pieces: Vec<String> = "é漢🙂".chars().map(String::from).collect();
    let model = ModelServer::with(Reply::Pieces(pieces));
    let edge = open_gateway().start();
    let body = with(prompt(&model), "stream", true);
    let answer = super::post(&edge, &[], "/v1/prompts/generate_commit_message", &body);
    assert_eq!(answer.body, "é漢🙂");
}
