//! What a reload does to certificates: those that it does not touch go on as they are.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{
    Duogate, Settings,
    mock_authority::MockAuthority,
    tls_client::{Asking, Seen},
};

/// What a client sees that asks for this name.
async fn ask(address: SocketAddr, name: &str) -> std::io::Result<Seen> {
    Asking::new(name, &[]).connect(address).await
}

async fn serial(address: SocketAddr) -> String {
    let seen = ask(address, "edge.test").await.unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(&seen.certificate).unwrap();
    parsed.raw_serial_as_string()
}

#[tokio::test]
async fn domains_of_the_internal_authority_come_and_go() {
    let settings = Settings::public().set("tls.source", "internal");
    let edge = settings.set("tls.files", Value::Null).start();
    let address = edge.https();
    let old = edge.configuration();
    let mut held = ask(address, "edge.test").await.unwrap();
    let refused = ask(address, "other.test").await.unwrap_err().to_string();
    assert!(refused.contains("UnrecognisedName"), "{refused}");
    let root = fs::read(edge.folder().join("state/internal/root.pem")).unwrap();

    let mut file = old.clone();
    file["domains"] = json!(["edge.test", "other.test"]);
    edge.reload(&file, "ok");
    for name in ["edge.test", "other.test"] {
        let names = ask(address, name).await.unwrap().names();
        assert!(names.iter().any(|shown| shown.contains(name)), "{names:?}");
    }
    edge.reload(&old, "ok");
    assert!(ask(address, "other.test").await.is_err());
    assert!(ask(address, "edge.test").await.is_ok());
    // No client has to trust anything new, and who is connected stays so.
    let same = fs::read(edge.folder().join("state/internal/root.pem")).unwrap();
    assert_eq!(same, root);
    assert!(still_open(&mut held).await);
}

/// Sends a request over a connection that was made long ago.
async fn still_open(seen: &mut Seen) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let request = b"GET /monitoring/healthz HTTP/1.1\r\nHost: edge.test\r\n\r\n";
    seen.stream.write_all(request).await.unwrap();
    seen.stream.flush().await.unwrap();
    let mut answer = [0; 15];
    seen.stream.read_exact(&mut answer).await.unwrap();
    answer == *b"HTTP/1.1 200 OK"
}

/// The certificate that `/certs` calls so.
fn certificate(edge: &Duogate, name: &str) -> Option<Value> {
    let all = edge.certificates();
    all.into_iter().find(|shown| shown["name"] == name)
}

#[track_caller]
fn wait_for_certificate(edge: &Duogate, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let shown = certificate(edge, name);
        if let Some(shown) = shown.filter(|shown| shown["state"] == "valid" && wanted(shown)) {
            return shown;
        }
        assert!(Instant::now() < deadline, "no {name}:\n{}", edge.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn another_domain_costs_the_others_no_order() {
    let authority = MockAuthority::start();
    let settings = Settings::public().acme(&authority.directory(), &authority.root);
    let edge = settings.start();
    let named = wait_for_certificate(&edge, "edge.test", |_| true);
    let mut file = edge.configuration();
    // An address has a certificate of its own.
    file["domains"] = json!(["edge.test", "192.0.2.7"]);
    edge.reload(&file, "ok");
    let address = wait_for_certificate(&edge, "192.0.2.7", |_| true);
    assert_eq!(authority.orders().len(), 2, "{:#?}", authority.history());
    let still = certificate(&edge, "edge.test").unwrap();
    assert_eq!(still["serial"], named["serial"]);
    assert_eq!(still["state"], "valid");
    // Names share one; meanwhile and afterwards the address keeps its own.
    file["domains"] = json!(["edge.test", "other.test", "192.0.2.7"]);
    edge.reload(&file, "ok");
    wait_for_certificate(&edge, "edge.test", |shown| {
        shown["serial"] != named["serial"]
    });
    assert_eq!(authority.orders().len(), 3, "{:#?}", authority.history());
    let still = certificate(&edge, "192.0.2.7").unwrap();
    assert_eq!(still["serial"], address["serial"]);
    assert_eq!(authority.accounts().len(), 1);
    // What changes no certificate leaves the keepers alone, an attempt under way too.
    file["drain"]["grace_seconds"] = 7.into();
    edge.reload(&file, "ok");
    assert_eq!(authority.orders().len(), 3);
}

/// A folder as Kubernetes mounts ConfigMaps and Secrets: `NAME -> ..data/NAME`, `..data -> ..N`.
struct Mounted {
    folder: PathBuf,
    names: &'static [&'static str],
}

impl Mounted {
    fn new(folder: &Path, names: &'static [&'static str]) -> Self {
        fs::create_dir_all(folder.join("..1")).unwrap();
        symlink("..1", folder.join("..data")).unwrap();
        for name in names {
            symlink(format!("..data/{name}"), folder.join(name)).unwrap();
        }
        let folder = folder.to_owned();
        Self { folder, names }
    }

    /// Puts the next version in place in one step and removes the one before, as the kubelet does.
    fn turn(&self, number: u32, write: impl Fn(&Path)) {
        let next = self.folder.join(format!("..{number}"));
        fs::create_dir(&next).unwrap();
        write(&next);
        let missing = self.names.iter().any(|name| !next.join(name).exists());
        assert!(!missing, "every name is there");
        symlink(format!("..{number}"), self.folder.join("..data_tmp")).unwrap();
        let turned = fs::rename(self.folder.join("..data_tmp"), self.folder.join("..data"));
        turned.unwrap();
        let before = self.folder.join(format!("..{}", number - 1));
        fs::remove_dir_all(before).unwrap();
    }
}

#[tokio::test]
async fn turned_data_folders_of_kubernetes_are_followed() {
    let settings = Settings::public();
    let folder = settings.folder().path().to_owned();
    let map = Mounted::new(&folder, &["duogate.yaml"]);
    let secret = Mounted::new(&folder.join("tls"), &["tls.crt", "tls.key"]);
    let copy = |into: &Path| {
        fs::copy(folder.join("edge.crt"), into.join("tls.crt")).unwrap();
        fs::copy(folder.join("edge.key"), into.join("tls.key")).unwrap();
    };
    copy(&folder.join("tls/..1"));
    let settings = settings.set(
        "tls.files",
        json!({"certificate": folder.join("tls/tls.crt"), "key": folder.join("tls/tls.key")}),
    );
    // written through the links into the first version
    let edge = settings.start();
    let mut file = edge.configuration();
    let mut shown = serial(edge.https()).await;
    for number in 2..=4 {
        edge.swap_certificate();
        let before = edge.outcomes("certificate_file_reloads", "ok");
        secret.turn(number, copy);
        edge.wait_for_outcome("certificate_file_reloads", "ok", before);
        let next = serial(edge.https()).await;
        assert_ne!(next, shown, "version {number}");
        shown = next;

        file["drain"]["grace_seconds"] = number.into();
        let before = edge.reloads("ok");
        map.turn(number, |into| {
            fs::write(into.join("duogate.yaml"), file.to_string()).unwrap();
        });
        edge.wait_for_reload("ok", before);
    }
    assert_eq!(edge.reloads("refused"), 0);
    assert_eq!(edge.outcomes("certificate_file_reloads", "failed"), 0);
}
