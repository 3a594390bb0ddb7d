//! The smaller commands: health, keys, completions, what is generated, exit codes.

use std::{
    io::{Read, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
};

use crate::command_line::{Folder, duogate, root};

#[test]
fn what_is_generated_is_up_to_date() {
    let committed = |path: &str| std::fs::read_to_string(root(path)).expect(path);
    let schema = duogate(&["config", "schema"], &[]).output;
    assert_eq!(
        schema,
        committed("config/schema.json"),
        "run: target/debug/duogate config schema > config/schema.json"
    );
    let reference = duogate(&["config", "schema", "--markdown"], &[]).output;
    assert_eq!(
        reference,
        committed("docs/configuration.md"),
        "run: target/debug/duogate config schema --markdown > docs/configuration.md"
    );
    let metrics = duogate(&["metrics"], &[]).output;
    assert_eq!(
        metrics,
        committed("docs/metrics.md"),
        "run: target/debug/duogate metrics > docs/metrics.md"
    );
}

#[test]
fn health_asks_the_admin_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the command connects");
        let mut request = [0; 512];
        let count = stream.read(&mut request).expect("the command asks");
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).expect("the command listens");
        String::from_utf8_lossy(&request[..count]).into_owned()
    });
    let admin = ("DUOGATE_LISTEN__ADMIN", address.as_str());
    let alive = duogate(&["health"], &[admin]);
    assert_eq!(
        (alive.code, alive.output.as_str()),
        (0, "alive\n"),
        "{alive:?}"
    );
    let request = server.join().expect("the server saw the request");
    assert!(
        request.starts_with("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:"),
        "{request}"
    );
    // the listener is closed now
    let dead = duogate(&["health"], &[admin]);
    assert_eq!(dead.code, 1);
    assert!(
        dead.errors.contains("no answer from the admin listener"),
        "{}",
        dead.errors
    );
    let off = duogate(&["health"], &[("DUOGATE_LISTEN__ADMIN", "null")]);
    assert_eq!(off.code, 1);
    assert!(
        off.errors.contains("listen.admin is null"),
        "{}",
        off.errors
    );
}

#[test]
fn new_keys_are_pkcs8_and_for_their_owner_alone() {
    let shown = duogate(&["keys", "new"], &[]);
    assert_eq!(shown.code, 0);
    duogate::foundation::private_key_from_pem(&shown.output).expect("it is a key");
    assert!(shown.output.starts_with("-----BEGIN PRIVATE KEY-----"));
    let folder = Folder::new();
    let path = folder.0.join("signing.pem");
    let file = path.to_string_lossy().into_owned();
    let written = duogate(&["keys", "new", "--output", &file], &[]);
    assert_eq!(written.code, 0, "{written:?}");
    assert!(!written.output.contains("BEGIN"));
    let mode = std::fs::metadata(&path)
        .expect("it is written")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read_to_string(&path).expect("it is readable");
    duogate::foundation::private_key_from_pem(&before).expect("it is a key");
    let again = duogate(&["keys", "new", "--output", &file], &[]);
    assert_eq!(again.code, 1);
    assert!(again.errors.contains("signing.pem"), "{}", again.errors);
    assert_eq!(
        std::fs::read_to_string(&path).expect("it is readable"),
        before
    );
}

#[test]
fn commands_end_with_the_documented_codes() {
    for shell in ["bash", "zsh", "fish"] {
        let script = duogate(&["completions", shell], &[]);
        assert_eq!(script.code, 0);
        assert!(
            script.output.contains("duogate") && script.output.contains("health"),
            "{shell}"
        );
    }
    let version = duogate(&["--version"], &[]);
    assert_eq!(
        version.output,
        format!("duogate {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = duogate(&["--help"], &[]);
    assert_eq!(help.code, 0);
    for word in [
        "serve",
        "check",
        "config",
        "health",
        "doctor",
        "keys",
        "completions",
        "Exit codes",
    ] {
        assert!(help.output.contains(word), "{word}: {}", help.output);
    }
    for wrong in [
        &["serv"][..],
        &["--what"],
        &["check", "x"],
        &["completions", "tcsh"],
        &["keys"],
    ] {
        assert_eq!(duogate(wrong, &[]).code, 2, "{wrong:?}");
    }
    assert_eq!(duogate(&["check"], &[]).code, 0);
}
