//! How the process was started, as far as arguments and environment tell it beside the keys.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

/// A program with its arguments.
#[derive(Clone, Debug)]
pub struct Program {
    /// Where it lies.
    pub path: PathBuf,
    /// What follows its name.
    pub arguments: Vec<OsString>,
}

impl Program {
    /// What this process was started as. The path is the one that was given, links and all, so
    /// that a successor is whatever lies there by then; to be asked for at the start, while it
    /// still leads to the program that runs.
    pub fn of_this_process() -> io::Result<Self> {
        let running = std::env::current_exe()?;
        let mut words = std::env::args_os();
        let given = PathBuf::from(words.next().unwrap_or_default());
        let same = |path: &PathBuf| path.canonicalize().is_ok_and(|path| path == running);
        let path = places(&given).into_iter().find(same).unwrap_or(running);
        Ok(Self {
            path,
            arguments: words.collect(),
        })
    }
}

/// Where a shell finds what is called so.
fn places(given: &Path) -> Vec<PathBuf> {
    if given.components().count() > 1 {
        return std::path::absolute(given).into_iter().collect();
    }
    #[expect(clippy::disallowed_methods, reason = "this room reads the environment")]
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders)
        .map(|folder| folder.join(given))
        .collect()
}

/// The process that started this one to take its place, as the environment names it.
pub fn predecessor() -> Option<u32> {
    #[expect(clippy::disallowed_methods, reason = "this room reads the environment")]
    let text = std::env::var_os(PREDECESSOR_VARIABLE)?;
    text.to_str()?.parse().ok()
}

/// Names the process that hands its sockets over; set by it for its successor, never by people.
pub const PREDECESSOR_VARIABLE: &str = "DUOGATE_PREDECESSOR";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_looked_for_and_a_path_is_made_whole() {
        assert!(places(Path::new("sh")).iter().any(|path| path.exists()));
        let here = std::env::current_dir().unwrap();
        assert_eq!(places(Path::new("a/b")), [here.join("a/b")]);
        assert_eq!(places(Path::new("/a/b")), [PathBuf::from("/a/b")]);
    }

    #[test]
    fn this_process_can_be_started_again() {
        assert!(Program::of_this_process().unwrap().path.is_file());
    }
}
