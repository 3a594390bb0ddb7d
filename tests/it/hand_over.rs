//! SIGUSR2: another binary takes the place of the running one, and no client notices.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::{SocketAddr, UnixDatagram},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, set_child_subreaper, waitpid};
use serde_json::{Value, json};

use crate::support::{
    Duogate, Folder, Process, Settings, Standin, command, fetch,
    mock_authority::{Behaviour, MockAuthority, Validation},
    python, run, skip,
};

const BINARY: &str = env!("CARGO_BIN_EXE_duogate");

/// A Duogate started through a link that can be turned, and those that took its place.
struct Line {
    edge: Duogate,
    link: PathBuf,
    /// Whose parent this test becomes when their own ends; the flag is for those that ended.
    successors: Vec<(Pid, bool)>,
    _folder: Folder,
}

impl Line {
    fn start(settings: Settings) -> Self {
        set_child_subreaper(Some(rustix::process::getpid())).unwrap();
        let folder = Folder::new();
        let link = folder.path().join("duogate");
        symlink(BINARY, &link).unwrap();
        let mut edge = settings.spawn_by(command(&link));
        edge.wait_until_ready(Duration::from_secs(20));
        Self {
            edge,
            link,
            successors: Vec::new(),
            _folder: folder,
        }
    }

    /// As `ln -sfn` does.
    fn turn(&self, target: impl AsRef<Path>) {
        let next = self.link.with_extension("next");
        symlink(target, &next).unwrap();
        fs::rename(&next, &self.link).unwrap();
    }

    fn present(&self) -> Pid {
        let last = self.successors.last();
        last.map_or_else(|| self.edge.pid(), |(process, _)| *process)
    }

    #[track_caller]
    fn wait_for_lines(&self, words: &str, count: usize) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let log = self.edge.log();
            let mut lines = log.lines().filter(|line| line.contains(words));
            if let Some(line) = lines.nth(count - 1) {
                return line.to_owned();
            }
            assert!(Instant::now() < deadline, "no {words:?}:\n{log}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks the present process to hand over and waits until it has.
    #[track_caller]
    fn hand_over(&mut self) -> Pid {
        kill_process(self.present(), Signal::USR2).unwrap();
        let line = self.wait_for_lines("the successor serves", self.successors.len() + 1);
        let line: Value = serde_json::from_str(&line).unwrap();
        let process = i32::try_from(line["successor"].as_i64().unwrap()).unwrap();
        let process = Pid::from_raw(process).unwrap();
        self.successors.push((process, false));
        process
    }

    /// Waits for the end of a successor whose own parent has ended.
    #[track_caller]
    fn exit_code(&mut self, number: usize) -> Option<i32> {
        let (process, ended) = &mut self.successors[number];
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            if let Ok(Some((_, status))) = waitpid(Some(*process), WaitOptions::NOHANG) {
                *ended = true;
                assert!(status.exited(), "{status:?}:\n{}", self.edge.log());
                return status.exit_status();
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{process:?} does not end:\n{}", self.edge.log());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        for (process, ended) in &self.successors {
            if !ended {
                let _ = kill_process(*process, Signal::KILL);
            }
        }
    }
}

/// The same binary under another name, removed with the test.
struct SecondBinary(PathBuf);

impl SecondBinary {
    /// Beside the first, since hard links do not leave their file system.
    fn new() -> Self {
        let name = format!("duogate-{}", std::process::id());
        let path = Path::new(BINARY).with_file_name(name);
        fs::hard_link(BINARY, &path).unwrap();
        Self(path)
    }
}

impl Drop for SecondBinary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn load(edge: &Duogate, more: &[&str]) -> Process {
    let mut command = python("clients/load_client.py");
    command.arg(edge.https().to_string()).arg(edge.root());
    command.args(["9", "3"]).args(more);
    let mut load = Process::start("load_client", command);
    load.line_with("open", Duration::from_secs(20));
    load
}

#[track_caller]
fn last_line(process: &mut Process) -> Value {
    process.wait(Duration::from_secs(60));
    let output = process.output();
    serde_json::from_str(output.lines().last().unwrap()).unwrap()
}

#[test]
fn three_upgrades_under_load_refuse_and_lose_nothing() {
    let web = Standin::start("http_api", &[]);
    let platform = Standin::start("grpc_service", &[]);
    let settings = Settings::public().gateway(&web.url());
    let settings = settings.agent_platform(&platform.url());
    let settings = settings.set("drain.delay_seconds", 1);
    let mut line = Line::start(settings.set("drain.grace_seconds", 40));
    let edge = &line.edge;
    let mut streams = python("clients/streams_client.py");
    streams.arg(edge.https().to_string()).arg(edge.root());
    let mut streams = Process::start("streams_client", {
        streams.args(["5", "sse"]);
        streams
    });
    streams.line_with("open", Duration::from_secs(30));
    let mut loads = [&[][..], &["kept"], &["grpc"]].map(|more| load(edge, more));

    let other = SecondBinary::new();
    for target in [other.0.as_path(), Path::new(BINARY), other.0.as_path()] {
        line.turn(target);
        let successor = line.hand_over();
        let running = format!("/proc/{}/exe", successor.as_raw_nonzero());
        assert_eq!(fs::read_link(running).unwrap(), target);
        thread::sleep(Duration::from_secs(1));
    }
    for load in &mut loads {
        let facts = last_line(load);
        let outcomes = facts["outcomes"].as_object().unwrap();
        assert_eq!(outcomes.len(), 1, "{facts}\n{}", line.edge.log());
        assert!(outcomes["200"].as_u64().unwrap() > 50, "{facts}");
    }
    // The first process still carries the streams that it began.
    assert!(line.edge.process.has_ended().is_none());
    web.process.signal(Signal::USR1);
    assert_eq!(last_line(&mut streams), json!({"sse": {"whole": 5}}));
    let first = line.edge.wait(Duration::from_secs(20));
    assert_eq!(first.code(), Some(0), "{}", line.edge.log());
    assert_eq!(line.exit_code(0), Some(0));
    assert_eq!(line.exit_code(1), Some(0));
    kill_process(line.present(), Signal::TERM).unwrap();
    assert_eq!(line.exit_code(2), Some(0));
}

#[test]
fn a_broken_binary_or_configuration_leaves_the_old_process_in_service() {
    let mut line = Line::start(Settings::public());
    let good = line.edge.configuration().to_string();
    let cases = [
        ("/bin/false", good.as_str(), "exit status: 1"),
        ("/nowhere/duogate", &good, "cannot be started"),
        (BINARY, "domains: [\n", "exit status: 1"),
        (BINARY, "gatewey: x\n", "exit status: 1"),
    ];
    for (number, (target, text, words)) in cases.into_iter().enumerate() {
        line.turn(target);
        line.edge.replace_configuration(text);
        line.edge.process.signal(Signal::USR2);
        let failed = line.wait_for_lines("the hand-over failed", number + 1);
        assert!(failed.contains(words), "{target}: {failed}");
        let answer = fetch(&line.edge, &[], "/monitoring/healthz");
        assert_eq!(answer.status, 200, "{target}");
    }
    assert!(line.edge.log().contains("did you mean gateway?"));
    line.edge.replace_configuration(&good);
    line.hand_over();
    let first = line.edge.wait(Duration::from_secs(20));
    assert_eq!(first.code(), Some(0), "{}", line.edge.log());
    let answer = fetch(&line.edge, &[], "/monitoring/healthz");
    assert_eq!(answer.status, 200, "{}", line.edge.log());
    kill_process(line.present(), Signal::TERM).unwrap();
    assert_eq!(line.exit_code(0), Some(0));
}

#[test]
fn a_process_that_is_told_to_end_takes_its_unready_successor_along() {
    let mut line = Line::start(Settings::public());
    let script = line.link.with_extension("sh");
    fs::write(&script, "#!/bin/sh\necho begun $$\nexec sleep 60\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    line.turn(&script);
    line.edge.process.signal(Signal::USR2);
    let begun = line.wait_for_lines("begun ", 1);
    let process = begun.trim_start_matches("begun ").trim();
    line.edge.terminate();
    let status = line.edge.wait(Duration::from_secs(20));
    assert_eq!(status.code(), Some(0), "{}", line.edge.log());
    assert!(!Path::new("/proc").join(process).exists(), "it was left");
}

#[test]
fn a_predecessor_that_hands_nothing_over_is_told() {
    let mut shell = command("sh");
    let script = "DUOGATE_PREDECESSOR=$$ \"$0\" \"$@\"; exit $?";
    shell.args(["-c", script, BINARY]);
    let mut server = Settings::public().spawn_by(shell);
    assert_eq!(server.wait(Duration::from_secs(20)).code(), Some(1));
    let words = "unset DUOGATE_PREDECESSOR";
    assert!(server.log().contains(words), "{}", server.log());
}

#[test]
fn the_successor_keeps_the_certificates_and_the_service_manager_follows_it() {
    let authority = MockAuthority::start();
    let settings = Settings::public().acme(&authority.directory(), &authority.root);
    let (http, https) = (settings.http(), settings.https());
    authority.change(|behaviour: &mut Behaviour| {
        behaviour.validation = Validation::Real { http, https };
    });
    let folder = Folder::new();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind_addr(&SocketAddr::from_pathname(&path).unwrap()).unwrap();
    let patience = Some(Duration::from_secs(30));
    manager.set_read_timeout(patience).unwrap();
    let said = || {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let settings = settings.environment("NOTIFY_SOCKET", path.to_str().unwrap());
    // The old process stays for a while: what it would keep, or say, would be seen.
    let mut line = Line::start(settings.set("drain.delay_seconds", 8));
    assert_eq!(said(), "READY=1");
    let first = line.edge.valid_certificate();
    let successor = line.hand_over();
    assert_eq!(said(), format!("MAINPID={}", successor.as_raw_nonzero()));
    assert_eq!(said(), "READY=1");
    assert_eq!(line.edge.valid_certificate()["serial"], first["serial"]);
    let mut renew = command(BINARY);
    renew.env_clear().env("PATH", "/usr/bin:/bin");
    renew.env("DUOGATE_LISTEN__ADMIN", line.edge.admin().to_string());
    renew.args(["certs", "renew", "edge.test"]);
    run(renew, Duration::from_secs(20)).success();
    line.edge.next_certificate(&first);
    assert_eq!(authority.orders().len(), 2);
    assert!(line.edge.process.has_ended().is_none(), "it still drains");
    let first = line.edge.wait(Duration::from_secs(30));
    assert_eq!(first.code(), Some(0), "{}", line.edge.log());
    kill_process(successor, Signal::TERM).unwrap();
    assert_eq!(said(), "STOPPING=1");
    assert_eq!(line.exit_code(0), Some(0), "{}", line.edge.log());
}

#[test]
fn the_first_process_of_a_container_refuses() {
    let unshare = |program: &str| {
        let mut unshare = command("unshare");
        unshare.args(["--user", "--map-root-user", "--pid", "--fork"]);
        unshare.args(["--kill-child", program]);
        unshare
    };
    let possible = run(unshare("true"), Duration::from_secs(10));
    if !possible.status.success() {
        return skip("processes cannot have a namespace of their own here");
    }
    let mut edge = Settings::public().spawn_by(unshare(BINARY));
    edge.wait_until_ready(Duration::from_secs(20));
    let parent = edge.pid().as_raw_nonzero();
    let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap();
    let first = Pid::from_raw(children.trim().parse().unwrap()).unwrap();
    kill_process(first, Signal::USR2).unwrap();
    edge.log_line("this is process 1");
    assert_eq!(fetch(&edge, &[], "/monitoring/healthz").status, 200);
}
