//! Vendors of models whose servers are of OpenAI's kind.

use serde_json::{Value, json};

use super::{KEY, Room, metadata};
use crate::support::model_server::ModelServer;

#[tokio::test]
async fn the_operators_keys_and_addresses_serve_requests_without_them() {
    let server = ModelServer::start("hi");
    let url = server.url();
    for (identifier, name) in [
        ("openai/gpt-4o", "OPENAI"),
        ("mistral/mistral-large-latest", "MISTRAL"),
        ("codestral/codestral-latest", "CODESTRAL"),
    ] {
        let (key, base) = (format!("{name}_API_KEY"), format!("{name}_API_BASE"));
        let own = format!("sk-of-{name}");
        let room = Room::with(&[(&key, &own), (&base, &url)]);
        for endpoint in ["", url.as_str()] {
            let mut wanted = metadata(&server);
            wanted["identifier"] = json!(identifier);
            wanted["endpoint"] = json!(endpoint);
            wanted["api_key"] = Value::Null;
            room.whole(&wanted, false).await.unwrap();
            let asked = server.last();
            assert_eq!(asked.path, "/v1/chat/completions");
            let bearer = format!("Bearer {own}");
            assert_eq!(asked.header("authorization"), Some(bearer.as_str()));
            wanted["api_key"] = json!(KEY);
            room.whole(&wanted, false).await.unwrap();
            let bearer = format!("Bearer {KEY}");
            assert_eq!(server.last().header("authorization"), Some(bearer.as_str()));
        }
        // another server gets nobody's word, as before
        let other = ModelServer::start("hi");
        let mut wanted = metadata(&other);
        wanted["identifier"] = json!(identifier);
        wanted["api_key"] = Value::Null;
        room.whole(&wanted, false).await.unwrap();
        assert_eq!(
            other.last().header("authorization"),
            Some("Bearer dummy_key")
        );
    }
}

#[tokio::test]
async fn codestral_fills_in_the_middle() {
    let server = ModelServer::start("hi");
    let room = Room::with(&[]);
    let mut wanted = metadata(&server);
    wanted["name"] = json!("codestral");
    wanted["identifier"] = json!("text-completion-codestral/codestral-latest");
    assert!(room.target(&wanted).unwrap().is_text_completion());
    for stream in [false, true] {
        wanted["endpoint"] = json!(format!("{}/fim/completions", server.url()));
        let whole = room.whole(&wanted, stream).await.unwrap();
        assert_eq!(whole.text, "hi");
        let asked = server.last();
        assert_eq!(asked.path, "/v1/fim/completions");
        assert_eq!(asked.body["stream"] == true, stream);
        let bearer = format!("Bearer {KEY}");
        assert_eq!(asked.header("authorization"), Some(bearer.as_str()));
    }
}
