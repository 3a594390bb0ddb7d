//! Issuance while the process is killed, the disk is full or read-only, or the clock jumps.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use duogate::{
    app::{self, Services},
    foundation::{Randomness, SystemRandomness, certificates_from_pem, private_key_from_pem},
    listener::InheritedSockets,
};
use serde_json::Value;

use super::support::{
    Duogate, Settings,
    clock::MovableClock,
    command,
    mock_authority::{Behaviour, MockAuthority, Reply, Step},
    run, seconds_from_environment, skip,
};

fn edge(authority: &MockAuthority) -> Settings {
    Settings::public().acme(&authority.directory(), &authority.root)
}

/// Five states side by side, ten kills each.
#[test]
fn killed_at_fifty_random_moments_state_stays_readable_and_orders_few() {
    let mut bits = [0; 8];
    SystemRandomness.fill(&mut bits);
    let seed = seconds_from_environment("DUOGATE_TEST_SEED", u64::from_le_bytes(bits) >> 1);
    thread::scope(|scope| {
        for lane in 0..5 {
            scope.spawn(move || kill_often(seed, lane));
        }
    });
}

fn kill_often(seed: u64, lane: u64) {
    let authority = MockAuthority::with(Behaviour {
        processing_looks: 1,
        ..Behaviour::default()
    });
    let told = format!("DUOGATE_TEST_SEED={seed}, lane {lane}");
    let mut settings = edge(&authority);
    let state = settings.folder().path().join("state");
    let mut moment = Moment(seed.wrapping_add(lane << 48));
    for attempts in 1..=KILLS_PER_LANE {
        let server = settings.spawn();
        thread::sleep(moment.next());
        settings = server.kill();
        let issued = read_state(&state, &told);
        let orders = authority.orders().len();
        assert!(
            orders <= attempts,
            "{told}: {orders} orders in {attempts} attempts"
        );
        if issued {
            // so that the next attempt issues again
            fs::remove_dir_all(state.join("certificates")).unwrap();
        }
    }
    let server = settings.start();
    server.valid_certificate();
    let (orders, accounts) = (authority.orders().len(), authority.accounts().len());
    assert!(orders <= KILLS_PER_LANE + 1, "{told}: {orders}");
    assert!(accounts <= KILLS_PER_LANE + 1, "{told}: {accounts}");
}

/// Start, account, order, proof, issuance and renewal's plan together take about 1.3 s.
struct Moment(u64);

impl Moment {
    fn next(&mut self) -> Duration {
        // xorshift: any moment does, but the same for the same seed
        self.0 |= 1;
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Duration::from_micros(self.0 % 1_400_000)
    }
}

const KILLS_PER_LANE: usize = 10;

/// Reads every state file as whoever wrote it would; tells whether there is a certificate.
fn read_state(state: &Path, told: &str) -> bool {
    let mut issued = false;
    for path in files_below(state) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        match extension.as_ref() {
            "json" => {
                let read = serde_json::from_str::<Value>(&text);
                assert!(read.is_ok(), "{told}: {}: {text:?}", path.display());
            }
            "pem" => {
                certificates_from_pem(&text).unwrap_or_else(|error| panic!("{told}: {error}"));
                private_key_from_pem(&text).unwrap_or_else(|error| panic!("{told}: {error}"));
                issued |= name == "certificate.pem";
            }
            // unfinished ones are never read and are overwritten by the next
            "new" => {}
            _ => assert!(
                name.starts_with(".probe-") || name.contains("lock"),
                "{told}: {}",
                path.display()
            ),
        }
    }
    issued
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files_below(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// A Duogate whose state folder is a disk of its own, as only root can make one.
fn on_a_small_disk(authority: &MockAuthority) -> Option<Duogate> {
    if !rustix::process::geteuid().is_root() {
        skip("a disk of its own for the state needs root");
        return None;
    }
    let settings = edge(authority);
    let state = settings.folder().path().join("state");
    fs::create_dir(&state).unwrap();
    let mut shell = command("unshare");
    shell.args(["--mount", "--", "sh", "-c"]);
    shell.arg("mount -t tmpfs -o size=256k tmpfs \"$0\" && exec \"$@\"");
    shell.arg(&state).arg(env!("CARGO_BIN_EXE_duogate"));
    let mut server = settings.spawn_by(shell);
    server.wait_until_ready(Duration::from_secs(20));
    Some(server)
}

fn in_its_mounts(server: &Duogate, words: &[&str]) {
    let mut enter = command("nsenter");
    let process = server.pid().as_raw_nonzero().to_string();
    enter
        .args(["--target", &process, "--mount", "--"])
        .args(words);
    run(enter, Duration::from_secs(10)).success();
}

#[test]
fn a_full_or_read_only_disk_burns_no_order_and_the_certificate_stays() {
    for fault in ["full", "read-only"] {
        let authority = MockAuthority::with(Behaviour {
            life: Duration::from_secs(12),
            ..Behaviour::default()
        });
        let Some(server) = on_a_small_disk(&authority) else {
            return;
        };
        let first = server.valid_certificate();
        let orders = authority.orders().len();
        let state = server.folder().join("state");
        let state = state.to_str().unwrap();
        if fault == "full" {
            let fill = format!("head -c 1000000 /dev/zero > {state}/filler 2>/dev/null; true");
            in_its_mounts(&server, &["sh", "-c", &fill]);
        } else {
            in_its_mounts(&server, &["mount", "-o", "remount,ro", state]);
        }
        let shown = server.certificate_with("a failure", |shown| shown["failures"] == 1);
        let words = shown["last_error"].as_str().unwrap();
        let wanted = ["No space left", "Read-only file system"];
        assert!(
            words.starts_with("tls.state: ") && wanted.iter().any(|wanted| words.contains(wanted)),
            "{fault}: {words}"
        );
        assert_eq!(shown["serial"], first["serial"], "{fault}");
        assert_eq!(
            authority.orders().len(),
            orders,
            "{fault}: no order was made"
        );
        assert_eq!(server.operator("/readyz").status, 200, "{fault}");
    }
}

/// Waits until whoever keeps certificates looked at the clock this often.
async fn looks(clock: &MovableClock, count: usize) {
    let (until, deadline) = (
        clock.sleeps() + count,
        Instant::now() + Duration::from_secs(20),
    );
    while clock.sleeps() < until {
        assert!(Instant::now() < deadline, "nobody sleeps on this clock");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn start(settings: &Settings, clock: &MovableClock) -> app::Running {
    let services = Services {
        clock: Arc::new(clock.clone()),
        ..Services::default()
    };
    let config = settings.loaded().config;
    app::start(config, services, InheritedSockets::default())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_by_years_starts_no_storm() {
    let clock = MovableClock::new(Duration::from_millis(5));
    let authority = MockAuthority::on(Arc::new(clock.clone()), Behaviour::default());
    let settings = edge(&authority);
    let _running = start(&settings, &clock).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while authority.certificates().is_empty() {
        assert!(Instant::now() < deadline, "{:#?}", authority.history());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // years back, home, years ahead (one renewal), home, ahead and back again
    for (days, most) in [(-3650, 1), (0, 1), (3650, 2), (0, 2), (3650, 2), (-3650, 2)] {
        clock.set_ahead(days);
        looks(&clock, 60).await;
        let orders = authority.orders().len();
        assert!(
            orders <= most,
            "{days} days: {orders} orders: {:#?}",
            authority.history()
        );
    }
    assert_eq!(authority.orders().len(), 2, "the jump ahead made it due");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_during_a_pause_costs_one_attempt_at_most() {
    let clock = MovableClock::new(Duration::from_millis(5));
    let authority = MockAuthority::on(Arc::new(clock.clone()), Behaviour::default());
    let refusal = Reply::rate_limited("not now", "86400");
    authority.script(Step::NewOrder, 1000, &refusal);
    let settings = edge(&authority);
    let _running = start(&settings, &clock).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while authority.count(Step::NewOrder) == 0 {
        assert!(Instant::now() < deadline, "{:#?}", authority.history());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for (days, most) in [(0, 1), (-3650, 1), (0, 1), (3650, 2), (-3650, 2), (0, 2)] {
        clock.set_ahead(days);
        looks(&clock, 60).await;
        let attempts = authority.count(Step::NewOrder);
        assert!(attempts <= most, "{days} days: {attempts} attempts");
    }
    assert_eq!(authority.count(Step::NewOrder), 2, "the pause was over");
}
