//! One process keeps the certificates of a state folder.
//!
//! A second process (an upgrade, or a mistake) serves what is stored and waits: two that order
//! for the same names would spend the ACME server's limits twice and overwrite each other's keys.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use rustix::fs::{FlockOperation, flock};

use super::AcmeError;

/// Asks for the lock of a state folder and hands out shares of it. The lock is free again when
/// the last share is dropped, or when the process dies, however it dies.
#[derive(Debug)]
pub(super) struct StateLock {
    path: PathBuf,
    held: Mutex<Weak<File>>,
}

/// A share of the lock.
#[derive(Debug)]
pub(super) struct LockShare(#[expect(dead_code, reason = "held open, never read")] Arc<File>);

impl StateLock {
    /// The lock of `state_folder`; takes nothing yet.
    pub(super) fn new(state_folder: &Path) -> Self {
        Self {
            path: state_folder.join(LOCK_FILE),
            held: Mutex::default(),
        }
    }

    /// A share; none while another process, or an ending part of this one, has the lock.
    pub(super) fn try_share(&self) -> Result<Option<LockShare>, AcmeError> {
        // The weak pointer is valid after any panic.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = held.upgrade() {
            return Ok(Some(LockShare(file)));
        }
        let failed = |error: std::io::Error| AcmeError::Damaged {
            path: self.path.clone(),
            reason: error.to_string(),
        };
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        if !self.path.exists() {
            options.open(&self.path).map_err(failed)?;
        }
        // Held open for reading alone, so that the file system can still be made read-only.
        let file = File::open(&self.path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(failed(error.into())),
        }
        // Only for people who wonder who it is; a full disk must not stop renewals.
        let _ = options
            .truncate(true)
            .open(&self.path)
            .and_then(|mut file| writeln!(file, "{}", std::process::id()));
        let file = Arc::new(file);
        *held = Arc::downgrade(&file);
        Ok(Some(LockShare(file)))
    }

    /// The process that has the lock, as far as its file tells.
    pub(super) fn owner(&self) -> String {
        let mut text = String::new();
        let read = File::open(&self.path)
            .and_then(|file| file.take(PID_BYTES).read_to_string(&mut text).map(|_| ()));
        match read {
            Ok(()) if !text.trim().is_empty() => format!("process {}", text.trim()),
            _ => "another process".to_owned(),
        }
    }
}

const LOCK_FILE: &str = "lock";

/// A process number and its line end.
const PID_BYTES: u64 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_is_shared_within_and_refused_from_outside_until_its_end() {
        let folder = std::env::temp_dir().join(format!("duogate-lock-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("writable");
        let (ours, theirs) = (StateLock::new(&folder), StateLock::new(&folder));
        let first = ours.try_share().expect("writable").expect("free");
        let second = ours.try_share().expect("writable").expect("ours");
        assert!(theirs.try_share().expect("writable").is_none());
        let me = format!("process {}", std::process::id());
        assert_eq!(theirs.owner(), me);
        drop(first);
        assert!(theirs.try_share().expect("writable").is_none());
        drop(second);
        assert!(theirs.try_share().expect("writable").is_some());
        std::fs::remove_dir_all(&folder).expect("ours");
    }
}
