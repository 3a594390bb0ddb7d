//! What two processes, or two servers, have to share: a state folder, and the attempts at a
//! certificate when one of the servers is for trials.

use std::{fs, time::Duration};

use serde_json::json;

use super::support::{
    Duogate, Settings, command,
    mock_authority::{MockAuthority, Reply, Step},
    run,
};

fn edge(authority: &MockAuthority) -> Settings {
    Settings::public().acme(&authority.directory(), &authority.root)
}

#[test]
fn the_second_process_on_a_state_folder_serves_and_takes_over() {
    let authority = MockAuthority::start();
    let settings = edge(&authority);
    let state = settings.folder().path().join("state");
    let mut first = settings.start();
    let shown = first.valid_certificate();
    let mut second = edge(&authority).set("tls.state", json!(state)).start();
    second.log_line("another process keeps these certificates");
    let same = second.certificates().swap_remove(0);
    assert_eq!(same["serial"], shown["serial"], "the stored one is served");
    assert_eq!(authority.orders().len(), 1);
    first.terminate();
    assert!(first.wait(Duration::from_secs(60)).success());
    let certificate = second.valid_certificate();
    assert_eq!(certificate["serial"], shown["serial"]);
    renew(&second);
    second.next_certificate(&certificate);
    assert_eq!(authority.orders().len(), 2);
}

#[test]
fn after_a_failure_the_trial_comes_first() {
    let (real, staging) = (MockAuthority::start(), MockAuthority::start());
    let settings = edge(&real);
    let roots = [&real, &staging].map(|authority| fs::read_to_string(&authority.root).unwrap());
    let roots = settings.folder().write("roots.pem", roots.concat());
    real.script(Step::NewOrder, 1, &Reply::bad_gateway());
    staging.script(Step::NewOrder, 1, &Reply::bad_gateway());
    let server = settings
        .set("tls.acme.ca_file", json!(roots))
        .set("tls.acme.staging_directory", staging.directory())
        .start();
    server.certificate_with("a failure", |shown| shown["failures"] == 1);
    assert_eq!(
        (real.count(Step::NewOrder), staging.count(Step::NewOrder)),
        (1, 0)
    );
    renew(&server);
    let shown = server.certificate_with("a failed trial", |shown| shown["failures"] == 2);
    assert_eq!(
        (real.count(Step::NewOrder), staging.count(Step::NewOrder)),
        (1, 1),
        "{shown}"
    );
    renew(&server);
    let shown = server.valid_certificate();
    assert_eq!(shown["directory"], real.directory());
    assert_eq!(
        (real.count(Step::NewOrder), staging.count(Step::NewOrder)),
        (2, 2)
    );
    assert_eq!((real.orders().len(), staging.orders().len()), (1, 1));
}

fn renew(server: &Duogate) {
    let mut certs = command(env!("CARGO_BIN_EXE_duogate"));
    certs.env("DUOGATE_LISTEN__ADMIN", server.admin().to_string());
    certs.args(["certs", "renew", "edge.test"]);
    run(certs, Duration::from_secs(20)).success();
}
