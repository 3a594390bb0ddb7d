//! Other programs: started with their output captured, ended with the test.

use std::{
    ffi::OsStr,
    io::Read,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::secrets;

/// A command for `program` that the kernel kills when the thread that started it ends, however it
/// ends. `setpriv` becomes the program, so the process id is the program's own.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command.stdin(Stdio::null());
    command
}

/// What a finished program left.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// The standard output of a program that must have succeeded.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        assert!(
            self.status.success(),
            "{}\n{}\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        self.stdout
    }

    /// Standard output as JSON, of a program that must have succeeded.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        let text = self.success();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
    }
}

/// Runs a program to its end, at most `limit` long.
#[track_caller]
pub(crate) fn run(mut command: Command, limit: Duration) -> Outcome {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = read_all(child.stdout.take().unwrap());
    let stderr = read_all(child.stderr.take().unwrap());
    let status = wait(&mut child, limit);
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let text =
        |reader: JoinHandle<Vec<u8>>| String::from_utf8_lossy(&reader.join().unwrap()).into_owned();
    let (stdout, stderr) = (text(stdout), text(stderr));
    let Some(status) = status else {
        panic!("{command:?} took longer than {limit:?}\n{stdout}\n{stderr}");
    };
    Outcome {
        status,
        stdout,
        stderr,
    }
}

fn read_all(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// A program that runs beside the test; killed on drop.
pub(crate) struct Process {
    name: String,
    child: Child,
    output: Arc<Mutex<Vec<u8>>>,
    /// The log was asked for contents.
    may_hold_contents: bool,
}

impl Process {
    /// From now on what it writes may hold prompts and answers.
    pub(crate) fn expect_contents(&mut self) {
        self.may_hold_contents = true;
    }

    /// Starts a program that is spoken to by its standard input.
    pub(crate) fn start_with_input(name: &str, mut command: Command) -> (Self, ChildStdin) {
        command.stdin(Stdio::piped());
        let mut process = Self::start(name, command);
        let input = process.child.stdin.take().unwrap();
        (process, input)
    }

    pub(crate) fn start(name: &str, mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {error}: {command:?}"));
        let output = Arc::new(Mutex::new(Vec::new()));
        follow(child.stdout.take().unwrap(), &output);
        follow(child.stderr.take().unwrap(), &output);
        Self {
            name: name.to_owned(),
            child,
            output,
            may_hold_contents: false,
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Everything written so far, both outputs in the order they were read.
    pub(crate) fn output(&self) -> String {
        String::from_utf8_lossy(&self.output.lock().unwrap()).into_owned()
    }

    /// The first line that holds `words`, waited for.
    #[track_caller]
    pub(crate) fn line_with(&mut self, words: &str, limit: Duration) -> String {
        let deadline = Instant::now() + limit;
        loop {
            let ended = self.child.try_wait().unwrap();
            let output = self.output();
            if let Some(line) = output.lines().find(|line| line.contains(words)) {
                return line.to_owned();
            }
            assert!(
                ended.is_none(),
                "{} ended with {}:\n{output}",
                self.name,
                ended.unwrap()
            );
            assert!(
                Instant::now() < deadline,
                "{} never said {words:?}:\n{output}",
                self.name
            );
            thread::sleep(POLL);
        }
    }

    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for the end.
    #[track_caller]
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        match wait(&mut self.child, limit) {
            Some(status) => status,
            None => panic!(
                "{} still runs after {limit:?}:\n{}",
                self.name,
                self.output()
            ),
        }
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if self.name == "duogate" && !thread::panicking() {
            secrets::search(&self.output(), self.may_hold_contents);
        }
    }
}

/// Short enough not to slow a test, long enough not to burn a core.
const POLL: Duration = Duration::from_millis(10);

fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > deadline {
            return None;
        }
        thread::sleep(POLL);
    }
}

fn follow(mut from: impl Read + Send + 'static, into: &Arc<Mutex<Vec<u8>>>) {
    let into = Arc::clone(into);
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            into.lock().unwrap().extend_from_slice(&buffer[..length]);
        }
    });
}
