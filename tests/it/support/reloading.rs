//! Changes the configuration of a running Duogate.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::Value;

use super::Duogate;

impl Duogate {
    /// The configuration file as it stands.
    pub(crate) fn configuration(&self) -> Value {
        let text = fs::read_to_string(self.folder().join("duogate.yaml")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Replaces the file by renaming, as editors do.
    pub(crate) fn replace_configuration(&self, text: &str) {
        let next = self.folder().join("next.yaml");
        fs::write(&next, text).unwrap();
        fs::rename(&next, self.folder().join("duogate.yaml")).unwrap();
    }

    /// A counter with this label, from `/metrics`; 0 where it is not there yet.
    pub(crate) fn outcomes(&self, counter: &str, outcome: &str) -> u64 {
        let sample = format!("duogate_{counter}_total{{outcome=\"{outcome}\"}}");
        let text = self.operator("/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(&sample));
        line.map_or(0, |count| count.trim().parse().unwrap())
    }

    #[track_caller]
    pub(crate) fn wait_for_outcome(&self, counter: &str, outcome: &str, more_than: u64) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.outcomes(counter, outcome) <= more_than {
            assert!(
                Instant::now() < deadline,
                "{counter} {outcome} stays:\n{}",
                self.log()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Reloads so far with this outcome.
    pub(crate) fn reloads(&self, outcome: &str) -> u64 {
        self.outcomes("config_reloads", outcome)
    }

    #[track_caller]
    pub(crate) fn wait_for_reload(&self, outcome: &str, more_than: u64) {
        self.wait_for_outcome("config_reloads", outcome, more_than);
    }

    /// Puts a file in force by SIGHUP.
    #[track_caller]
    pub(crate) fn reload(&self, file: &Value, outcome: &str) {
        let (before, in_force) = (self.reloads(outcome), self.configuration_hash());
        let text = file.to_string();
        let standing = fs::read_to_string(self.folder().join("duogate.yaml")).unwrap();
        let changes = standing != text && outcome == "ok";
        self.replace_configuration(&text);
        self.process.signal(Signal::HUP);
        self.wait_for_reload(outcome, before);
        // The folder is watched too, so the reload that was counted may be a second one of the file
        // before. A change of nothing but secrets does not show in the number.
        let deadline = Instant::now() + Duration::from_secs(2);
        while changes && self.configuration_hash() == in_force && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A number that changes with the configuration in force.
    fn configuration_hash(&self) -> Option<String> {
        let text = self.operator("/metrics").body;
        let mut lines = text.lines();
        lines.find_map(|line| {
            line.strip_prefix("duogate_config_hash ")
                .map(ToOwned::to_owned)
        })
    }
}
