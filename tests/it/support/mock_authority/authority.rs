//! The handle that tests hold.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant, SystemTime},
};

use duogate::foundation::{Clock, SystemClock};
use tokio::{net::TcpListener, runtime::Runtime};

use super::{
    behaviour::Behaviour,
    desk::Desk,
    issuer::{Issued, Issuer},
    ledger::{Ledger, Recorded, Window},
    order::Order,
    reply::Reply,
    server,
    step::Step,
};
use crate::support::{Folder, TestAuthority};

/// A running authority on a thread of its own. It ends with the value, and the test fails then if
/// the client broke a rule of the protocol.
pub(crate) struct MockAuthority {
    desk: Arc<Desk>,
    /// The root of its HTTPS listener, in PEM.
    pub(crate) root: PathBuf,
    /// The root of what it issues, in PEM.
    pub(crate) issuer: PathBuf,
    pub(crate) address: SocketAddr,
    runtime: Option<Runtime>,
    _folder: Folder,
}

impl MockAuthority {
    /// An honest authority that believes every challenge.
    pub(crate) fn start() -> Self {
        Self::with(Behaviour::default())
    }

    pub(crate) fn with(behaviour: Behaviour) -> Self {
        Self::on(Arc::new(SystemClock), behaviour)
    }

    /// Issues by this clock.
    pub(crate) fn on(clock: Arc<dyn Clock>, behaviour: Behaviour) -> Self {
        let folder = Folder::new();
        let (certificate, key) =
            TestAuthority::new(&folder).issue(&folder, "mock", &["localhost", "127.0.0.1"]);
        let root = folder.path().join("root.pem");
        let issuer = Issuer::new();
        let issuer_root = folder.write("issuer.pem", issuer.root());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        // no await: the test may run on a runtime of its own
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).unwrap()
        };
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Desk {
            base: format!("https://localhost:{}", address.port()),
            clock,
            issuer,
            ledger: Mutex::new(Ledger {
                behaviour,
                ..Ledger::default()
            }),
            runtime: runtime.handle().clone(),
        });
        let acceptor = server::acceptor(&certificate, &key);
        runtime.spawn(server::serve(listener, acceptor, Arc::clone(&desk)));
        Self {
            desk,
            root,
            issuer: issuer_root,
            address,
            runtime: Some(runtime),
            _folder: folder,
        }
    }

    pub(crate) fn directory(&self) -> String {
        format!("{}/directory", self.desk.base)
    }

    /// Changes how it works from now on.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.desk.ledger().behaviour);
    }

    /// The next `times` requests at this step get this answer.
    pub(crate) fn script(&self, step: Step, times: usize, reply: &Reply) {
        let mut ledger = self.desk.ledger();
        for _ in 0..times {
            ledger.script.push_back((step, reply.clone()));
        }
    }

    /// Takes back what is scripted and was not asked for.
    pub(crate) fn unscript(&self) {
        self.desk.ledger().script.clear();
    }

    /// Tells another window for this certificate, as after a revocation.
    pub(crate) fn move_window(&self, certificate: usize, start: SystemTime, end: SystemTime) {
        let window = Window::Between(start, end);
        self.desk.ledger().windows.push((certificate, window));
    }

    /// Answers this instead of renewal information.
    pub(crate) fn garble_window(&self, certificate: usize, text: &str) {
        let window = Window::Text(text.to_owned());
        self.desk.ledger().windows.push((certificate, window));
    }

    /// Knows no account any more, as after a restore from an old backup.
    pub(crate) fn forget_accounts(&self) {
        for account in &mut self.desk.ledger().accounts {
            account.known = false;
        }
    }

    pub(crate) fn requests(&self, step: Step) -> Vec<Recorded> {
        let ledger = self.desk.ledger();
        let requests = ledger.requests.iter();
        requests
            .filter(|request| request.step == step)
            .cloned()
            .collect()
    }

    pub(crate) fn count(&self, step: Step) -> usize {
        self.requests(step).len()
    }

    /// Accounts made, and what each was told.
    pub(crate) fn accounts(&self) -> Vec<serde_json::Value> {
        let ledger = self.desk.ledger();
        let accounts = ledger.accounts.iter();
        accounts.map(|account| account.wanted.clone()).collect()
    }

    pub(crate) fn orders(&self) -> Vec<Order> {
        self.desk.ledger().orders.clone()
    }

    pub(crate) fn certificates(&self) -> Vec<Issued> {
        self.desk.ledger().certificates.clone()
    }

    /// Waits until a step was asked for at least `count` times.
    #[track_caller]
    pub(crate) fn wait_for(&self, step: Step, count: usize, limit: Duration) {
        let deadline = Instant::now() + limit;
        while self.count(step) < count {
            assert!(
                Instant::now() < deadline,
                "{step:?} was asked for {} times, not {count}; {:#?}",
                self.count(step),
                self.history()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Every request, one a line, for the words of a failing test.
    pub(crate) fn history(&self) -> Vec<String> {
        let ledger = self.desk.ledger();
        let line =
            |request: &Recorded| format!("{} {} {}", request.status, request.path, request.payload);
        ledger.requests.iter().map(line).collect()
    }
}

impl Drop for MockAuthority {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        if !thread::panicking() {
            let violations = self.desk.ledger().violations.clone();
            assert!(
                violations.is_empty(),
                "the client broke rules: {violations:?}"
            );
        }
    }
}
