//! Values that are compared with files of `tests/it/flow/golden`.

use std::{fs, path::Path};

use serde_json::Value;

/// Compares with `NAME.json`. With `DUOGATE_TEST_UPDATE_GOLDEN` set, the file is written anew, to be
/// read by a person before it is kept.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a switch of the tests")]
pub(super) fn matches(name: &str, value: &Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/flow/golden");
    let path = folder.join(format!("{name}.json"));
    let text = format!("{value:#}\n");
    if std::env::var_os("DUOGATE_TEST_UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs", path.display());
}
