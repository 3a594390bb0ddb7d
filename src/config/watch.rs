//! Wakes a reader when something changes in the folders of some files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::sync::Notify;

/// Watches the folder of each file and, where the file is a link, the folder of its target: a
/// link that is turned shows in the former, a target that is rewritten in the latter.
///
/// Folders, not files: whoever replaces a file by renaming leaves a watch on the old one blind.
#[derive(Debug)]
pub struct FolderWatch {
    files: Vec<PathBuf>,
    watcher: Option<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    wake: Arc<Notify>,
}

impl FolderWatch {
    /// Watches the folders of `files`. Where the system offers no watch, `changed` never returns
    /// and the caller's poll is what remains.
    pub fn new<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> Self {
        let wake = Arc::new(Notify::new());
        let waker = Arc::clone(&wake);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            if event.map_or(true, |event| is_change(event.kind)) {
                waker.notify_one();
            }
        });
        let watcher = watcher
            .inspect_err(|error| {
                tracing::warn!(%error, "no watch on files; they are polled instead");
            })
            .ok();
        let mut watch = Self {
            files: files
                .into_iter()
                .map(|file| file.as_ref().to_owned())
                .collect(),
            watcher,
            watched: BTreeSet::new(),
            wake,
        };
        watch.follow_links();
        watch
    }

    /// Returns after a change since the last call.
    pub async fn changed(&self) {
        self.wake.notified().await;
    }

    /// Watches where the links point now. To be called after each change.
    pub fn follow_links(&mut self) {
        let Some(watcher) = &mut self.watcher else {
            return;
        };
        let wanted = folders(&self.files);
        for old in self.watched.difference(&wanted) {
            // A folder that was deleted took its watch along.
            let _ = watcher.unwatch(old);
        }
        self.watched = wanted
            .into_iter()
            .filter(|folder| {
                // Watching again is harmless and catches a folder that was made anew.
                watcher
                    .watch(folder, RecursiveMode::NonRecursive)
                    .inspect_err(|error| {
                        tracing::debug!(%error, "a folder is polled, not watched");
                    })
                    .is_ok()
            })
            .collect();
    }
}

/// Our own reading must not wake us.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

fn folders(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    for file in files {
        folders.extend(parent(file));
        folders.extend(file.canonicalize().ok().as_deref().and_then(parent));
    }
    folders
}

fn parent(file: &Path) -> Option<PathBuf> {
    let parent = file.parent()?;
    if parent.as_os_str().is_empty() {
        return Some(PathBuf::from("."));
    }
    Some(parent.to_owned())
}
