//! `POST /v1/embeddings/code_embeddings` with its `/index` and `/search`.

use serde_json::{Value, json};

use super::{CONTENT, MODEL_KEY, VERSIONS, open_gateway, post, post_file, with, without};
use crate::support::{
    llama::Llama,
    model_server::{ModelServer, Reply},
};

const PATHS: [&str; 3] = [
    "/v1/embeddings/code_embeddings",
    "/v1/embeddings/code_embeddings/index",
    "/v1/embeddings/code_embeddings/search",
];

/// What Rails sends.
fn wanted(endpoint: &str, identifier: &str) -> Value {
    json!({
        "model_metadata": {
            "provider": "litellm",
            "name": "embedding",
            "endpoint": endpoint,
            "api_key": MODEL_KEY,
            "identifier": identifier,
        },
        "contents": [format!("def {CONTENT}(): pass"), "second"],
    })
}

fn vectors() -> Reply {
    let body = json!({
        "object": "list",
        "model": "emb",
        "data": [
            {"object": "embedding", "index": 1, "embedding": [0.25, -1.5]},
            {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]},
        ],
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    });
    json_reply(200, &body)
}

fn json_reply(status: u16, body: &Value) -> Reply {
    let kind = vec![("Content-Type", "application/json")];
    Reply::Status(status, kind, body.to_string())
}

#[test]
fn vectors_are_answered_field_by_field() {
    let model = ModelServer::with(vectors());
    let edge = open_gateway().start();
    for (version, path) in VERSIONS.into_iter().cycle().zip(PATHS) {
        let answer = post(&edge, &[version], path, &wanted(&model.url(), "openai/emb"));
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.field("content-type"), Some("application/json"));
        assert_eq!(
            answer.body,
            r#"{"model":{"engine":"litellm_embedding","name":"embedding","identifier":"openai/emb"},"predictions":[{"embedding":[0.1,0.2],"index":0},{"embedding":[0.25,-1.5],"index":1}]}"#
        );
        let asked = model.last();
        assert_eq!(asked.path, "/v1/embeddings");
        let key = format!("Bearer {MODEL_KEY}");
        assert_eq!(asked.header("authorization"), Some(key.as_str()));
        assert_eq!(
            asked.body,
            json!({
                "model": "emb",
                "input": [format!("def {CONTENT}(): pass"), "second"],
                "encoding_format": "float",
            })
        );
    }
    let text = edge.operator("/metrics").body;
    let counted = r#"inference_input_tokens_total{model_engine="litellm-chat",model_name="embedding",feature_category="embeddings",unit_primitive="generate_embeddings_codebase"} 21"#;
    assert!(text.contains(counted), "{text}");
}

#[test]
fn identifiers_and_endpoints_are_taken_however_they_are_typed() {
    let model = ModelServer::with(vectors());
    let edge = open_gateway().start();
    let host = model.url().trim_end_matches("/v1").to_owned();
    for (endpoint, identifier, name) in [
        (model.url(), "emb", "emb"),
        (model.url(), "custom_openai/emb", "emb"),
        (model.url(), "Qwen/Qwen3-Embedding", "Qwen/Qwen3-Embedding"),
        (model.url(), "unmapped/emb", "unmapped/emb"),
        (host.clone(), "emb", "emb"),
        (format!("{host}/v1/embeddings"), "emb", "emb"),
        (format!("{host}/v1/"), "hosted_vllm/a/b", "a/b"),
    ] {
        let answer = post(&edge, &[], PATHS[0], &wanted(&endpoint, identifier));
        assert_eq!(answer.status, 200, "{endpoint} {identifier} {answer:?}");
        let asked = model.last();
        assert_eq!(
            (asked.path.as_str(), &asked.body["model"]),
            ("/v1/embeddings", &name.into())
        );
    }
}

#[test]
fn dimensions_are_asked_for_and_dropped_where_that_is_wanted() {
    let model = ModelServer::with(vectors());
    let edge = open_gateway().start();
    let long = with(wanted(&model.url(), "emb"), "dimensions", 256);
    assert_eq!(post(&edge, &[], PATHS[0], &long).status, 200);
    assert_eq!(model.last().body["dimensions"], 256);

    let refusal =
        json!({"error": {"message": "This model does not support specifying dimensions."}});
    model.reply(json_reply(400, &refusal));
    let asked = model.requests().len();
    let answer = post(&edge, &[], PATHS[0], &long);
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(model.requests().len(), asked + 1);

    let dropped = with(long, "litellm_drop_params", true);
    assert_eq!(post(&edge, &[], PATHS[0], &dropped).status, 400);
    assert_eq!(model.requests().len(), asked + 3, "once more, without");
    assert_eq!(model.last().body.get("dimensions"), None);
}

#[test]
fn what_does_not_fit_the_contract_is_refused_by_field() {
    let model = ModelServer::with(vectors());
    let edge = open_gateway().start();
    let good = || wanted(&model.url(), "openai/emb");
    let created = "Error creating the model_metadata: ";
    for (body, detail) in [
        (json!([]), "body: "),
        (without(good(), "model_metadata"), "model_metadata: "),
        (
            without(good(), "model_metadata.provider"),
            "model_metadata.provider: ",
        ),
        (
            without(good(), "model_metadata.identifier"),
            "model_metadata.identifier: ",
        ),
        (
            with(good(), "model_metadata.identifier", ""),
            "model_metadata.identifier: ",
        ),
        (
            with(good(), "model_metadata.provider", "openai"),
            "Allowed providers are: gitlab|litellm.",
        ),
        (with(good(), "model_metadata.provider", "gitlab"), created),
        (
            without(good(), "model_metadata.name"),
            "Model `name` must be set when using `litellm` provider.",
        ),
        (
            with(good(), "model_metadata.name", "mistral"),
            "Model `name` must be 'embedding' when using `litellm` provider.",
        ),
        (
            without(good(), "model_metadata.endpoint"),
            "Model `endpoint` must be set when using `litellm` provider.",
        ),
        (with(good(), "model_metadata.endpoint", "nowhere"), created),
        (
            with(
                good(),
                "model_metadata.endpoint",
                "http://169.254.169.254/v1",
            ),
            created,
        ),
        (
            with(good(), "model_metadata.identifier", "sagemaker/x"),
            created,
        ),
        (with(good(), "model_metadata.api_key", "a\nb"), created),
        (without(good(), "contents"), "contents: "),
        (with(good(), "contents", json!([])), "contents: "),
        (with(good(), "contents", "text"), "contents: "),
        (with(good(), "contents", json!(["a", 7])), "contents[1]: "),
        (
            with(good(), "contents", json!(vec!["a"; 2049])),
            "contents: ",
        ),
        (with(good(), "dimensions", 0), "dimensions: "),
        (with(good(), "dimensions", 65_537), "dimensions: "),
        (with(good(), "dimensions", "256"), "dimensions: "),
        (
            with(good(), "litellm_drop_params", "yes"),
            "litellm_drop_params: ",
        ),
    ] {
        let answer = post(&edge, &[], PATHS[1], &body);
        assert_eq!(answer.status, 422, "{detail} {answer:?}");
        let told = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(told.starts_with(detail), "{detail}: {told}");
        assert!(!told.contains(MODEL_KEY));
    }
    let long = with(good(), "contents", json!(["é".repeat(400_001)]));
    assert_eq!(post_file(&edge, PATHS[0], &long).status, 422);
    assert!(model.requests().is_empty());

    let closed = open_gateway().set("models.custom_enabled", false).start();
    let answer = post(&closed, &[], PATHS[0], &good());
    assert_eq!(answer.status, 422, "{answer:?}");
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("models.custom_enabled")
    );
}

#[test]
fn what_the_model_server_says_becomes_what_gitlab_reads() {
    let model = ModelServer::start("x");
    let edge = open_gateway().start();
    let error = |status| {
        let words = format!("{MODEL_KEY} is wrong");
        json_reply(status, &json!({"error": {"message": words}}))
    };
    let html = Reply::Status(
        200,
        vec![("Content-Type", "text/html")],
        "<html>".to_owned(),
    );
    for (reply, status, words) in [
        (error(400), 400, "litellm.BadRequestError: 400"),
        (error(422), 400, "litellm.BadRequestError: 422"),
        (error(401), 401, "litellm.AuthenticationError: 401"),
        (error(429), 429, "litellm.RateLimitError: 429"),
        (
            error(404),
            502,
            "Inference failed: the model server answered 404",
        ),
        (
            error(500),
            502,
            "Inference failed: the model server answered 500",
        ),
        (
            error(503),
            503,
            "Inference failed: the model server answered 503",
        ),
        (Reply::Reset, 502, "Inference failed: "),
        (html, 502, "Inference failed: "),
        (
            json_reply(200, &json!({"data": []})),
            502,
            "Inference failed: ",
        ),
        (
            json_reply(200, &json!({"data": [{"embedding": "AA=="}]})),
            502,
            "Inference failed: ",
        ),
    ] {
        model.reply(reply);
        let answer = post(&edge, &[], PATHS[2], &wanted(&model.url(), "openai/emb"));
        assert_eq!(answer.status, status, "{words} {answer:?}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(words), "{words}: {detail}");
    }
}

#[test]
fn a_real_server_gives_its_vectors() {
    let Some(llama) = Llama::of_embeddings(MODEL_KEY) else {
        return;
    };
    let edge = open_gateway().start();
    let body = with(
        wanted(&llama.url(), "always-the-same"),
        "contents",
        json!(["ab", "ba"]),
    );
    let answer = post(&edge, &[], PATHS[0], &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    let lengths: Vec<usize> = answer["predictions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|prediction| prediction["embedding"].as_array().unwrap().len())
        .collect();
    assert_eq!(lengths, [320, 320]);
    let first = &answer["predictions"][0]["embedding"];
    assert_ne!(*first, answer["predictions"][1]["embedding"]);
    let length: f64 = first
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap().powi(2))
        .sum();
    assert!(
        (length - 1.0).abs() < 1e-3,
        "llama.cpp's vectors have the length 1: {length}"
    );
}
