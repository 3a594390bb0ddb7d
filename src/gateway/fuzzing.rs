//! Doors for the fuzz targets alone; nothing of it is in the server.

use super::{
    chat_events::ChatEvents, chat_request::ChatRequest, cleaning::Cleaner,
    completion_request::CompletionRequest, generation_request::GenerationRequest, json::Json,
    legacy_chat_request::LegacyChatRequest, prompt_request::PromptRequest, react::React,
    repetition::trim_repeated, request_path::request_path, routes,
    suggestion_request::SuggestionRequest,
};
use crate::config::Pages;

/// Reads a body as every route does. What is accepted keeps to the bounds.
pub fn body(bytes: &[u8]) {
    let Ok(tree) = Json::read(bytes) else {
        return;
    };
    let value = tree.to_value();
    assert!(serde_json::to_vec(&value).is_ok());
    if let Ok(request) = CompletionRequest::read(&tree) {
        assert!(request.file.above.chars().count() <= 100_000);
        assert!(request.context.len() <= 100);
        let _ = request.file.prompt_language();
    }
    if let Ok(request) = SuggestionRequest::read(&tree) {
        let _ = request.file.answer_language();
    }
    let _ = PromptRequest::read(&tree);
    let _ = GenerationRequest::read(&tree);
    let _ = LegacyChatRequest::read(&tree);
    if let Ok(request) = ChatRequest::read(&tree) {
        assert!(!request.messages.is_empty());
        let _ = request.question();
    }
}

/// Looks a path up, however it is written.
pub fn path(text: &str) {
    let path = request_path(text);
    let _ = routes::find(&path, &Pages::default());
}

/// Cleans a text in pieces of a size and as a whole: the same comes out.
pub fn cleaning(text: &str, size: usize) {
    let stop = ["[PREFIX]".to_owned(), "\n\n\n".to_owned()];
    for cleaner in [Cleaner::new, Cleaner::of_lines] {
        let cleaned = |pieces: &[String]| {
            let mut cleaner = cleaner(&stop, true);
            let begun: String = pieces.iter().map(|piece| cleaner.push(piece)).collect();
            begun + &cleaner.finish()
        };
        let whole = cleaned(&[text.to_owned()]);
        assert_eq!(cleaned(&pieces(text, size)), whole);
        assert!(whole.starts_with(trim_repeated(&whole, "f(", text)));
    }
}

/// Reads a text of the chat's form in pieces of a size and as a whole: the same comes out.
pub fn chat(text: &str, size: usize) {
    let read = |pieces: &[String]| {
        let mut react = React::new();
        let answer: String = pieces.iter().map(|piece| react.push(piece)).collect();
        (answer, react.finish())
    };
    assert_eq!(read(&pieces(text, size)), read(&[text.to_owned()]));
    let mut events = ChatEvents::new(vec!["issue_reader"], "");
    let mut lines = events.text(text).unwrap_or_default().to_vec();
    lines.extend_from_slice(&events.end(None));
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        assert!(line.is_ascii() && line.ends_with(b"}\n"));
        assert!(serde_json::from_slice::<serde_json::Value>(line).is_ok());
    }
}

fn pieces(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(size.max(1));
    pieces.map(|piece| piece.iter().collect()).collect()
}
