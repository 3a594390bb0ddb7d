//! State files that survive a kill at any moment: temporary file, fsync, rename, fsync of the
//! folder; mode 0600 in folders of mode 0700.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::TlsError;

/// Replaces the file at `path` by `content` in one step, with mode 0600.
pub fn write_durably(path: &Path, content: &[u8]) -> Result<(), TlsError> {
    replace(path, content).map_err(|source| TlsError::StateNotWritable {
        path: path.to_owned(),
        source,
    })
}

/// Makes a folder and its parents, each new one with mode 0700.
pub fn create_private_folder(path: &Path) -> Result<(), TlsError> {
    DirBuilder::new()
        .recursive(true)
        .mode(FOLDER_MODE)
        .create(path)
        .map_err(|source| TlsError::StateNotWritable {
            path: path.to_owned(),
            source,
        })
}

/// Writes a file in the folder, reads it back and removes it, so that a read-only or full volume
/// is found before anything depends on it.
pub fn probe_folder(folder: &Path) -> Result<(), TlsError> {
    create_private_folder(folder)?;
    let path = folder.join(format!(".probe-{}", std::process::id()));
    let probed = replace(&path, PROBE).and_then(|()| {
        let read = fs::read(&path)?;
        if read == PROBE {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "what was written is not what is read back",
            ))
        }
    });
    // The probe may never have been made; what matters was decided above.
    let _ = fs::remove_file(&path);
    probed.map_err(|source| TlsError::StateNotWritable {
        path: folder.to_owned(),
        source,
    })
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = temporary_path(path);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(&temporary)?;
    // An older temporary file left by a kill keeps its mode through `create`.
    file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

fn temporary_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

/// Keys are for their owner alone.
const FILE_MODE: u32 = 0o600;

/// As are their folders.
const FOLDER_MODE: u32 = 0o700;

/// Content of the probe; any bytes would do. As many as one issuance writes at most: an order, a key
/// and a long chain.
const PROBE: &[u8] = &[b'.'; 16 * 1024];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_privately_and_a_blocked_folder_is_named() {
        let folder = std::env::temp_dir().join(format!("duogate-durable-{}", std::process::id()));
        let path = folder.join("a").join("key.pem");
        create_private_folder(path.parent().expect("it has one")).expect("writable");
        write_durably(&path, b"one").expect("writable");
        write_durably(&path, b"two").expect("writable");
        assert_eq!(fs::read(&path).expect("readable"), b"two");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!temporary_path(&path).exists());
        probe_folder(&folder).expect("writable");

        // A file where a folder should be stops root too, unlike permissions.
        let error = probe_folder(&path.join("folder")).expect_err("a file is in the way");
        assert!(error.to_string().contains("tls.state"), "{error}");
        fs::remove_dir_all(&folder).expect("ours");
    }
}
