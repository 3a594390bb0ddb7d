//! The tool that looks things up in GitLab's documentation.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Case, each_does_as_it_should};
use crate::{
    sessions::Scene,
    support::{Folder, command, model_server::Reply, run},
};

#[test]
fn without_an_index_nothing_is_found() {
    each_does_as_it_should(&[
        Case {
            tool: "gitlab_documentation_search",
            arguments: json!({"search": "How do I cache?"}),
            asks: Vec::new(),
            reads: r#"{"search_results":[]}"#,
        },
        Case {
            tool: "gitlab_documentation_search",
            arguments: json!({"question": "How?"}),
            asks: Vec::new(),
            reads: "Tool gitlab_documentation_search execution failed due to wrong arguments. You \
                    must adhere to the tool args schema! search is missing",
        },
    ]);
}

#[test]
fn the_best_four_passages_are_found() {
    let folder = Folder::new();
    let pages = folder.path().join("pages");
    std::fs::create_dir(&pages).unwrap();
    for number in 0..6 {
        let page =
            format!("---\ntitle: Runner {number}\n---\n\nA marmot runner caches {number}.\n");
        std::fs::write(pages.join(format!("runner_{number}.md")), page).unwrap();
    }
    let index = folder.path().join("docs.db");
    let mut build = command(env!("CARGO_BIN_EXE_duogate"));
    build.args(["docs", "index"]).arg(&pages);
    build.arg("--output").arg(&index);
    run(build, Duration::from_secs(60)).success();
    let scene = Scene::with("", |settings| {
        settings.set("documentation_index", index.to_str().unwrap())
    });
    let call = crate::sessions::tools::wants(
        "gitlab_documentation_search",
        r#"{"search": "marmot runner"}"#,
    );
    let done = Reply::Pieces(vec!["Done.".to_owned()]);
    scene.model.reply(Reply::Sequence(vec![call, done]));
    scene.turn(json!({})).went_well();
    let read: Value = serde_json::from_str(&super::last(&scene.model.last().body)).unwrap();
    let found = read["search_results"].as_array().unwrap();
    assert_eq!(found.len(), 4, "{read}");
    for passage in found {
        let text = passage["content"].as_str().unwrap();
        assert!(text.contains("marmot runner"), "{passage}");
        assert!(passage["metadata"]["source_url"].is_string(), "{passage}");
    }
}
