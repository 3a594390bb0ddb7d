//! Doors for the fuzz targets alone; nothing of it is in the server.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use super::{client, mounts, renewal_info};

/// How long a server asks us to wait.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    client::parse_retry_after(value, now)
}

/// The start and the end of a window of renewal information, and the moment that chance gives, in
/// seconds since 1970.
pub fn renewal_window(body: &[u8], chance: f64) -> Option<(u64, u64, u64)> {
    let window = renewal_info::choose(body, chance)?;
    Some((window.start, window.end, window.chosen))
}

/// Whether a folder lies on a container's own layer by this table of mounts.
pub fn is_ephemeral(mounts: &str, folder: &str) -> bool {
    mounts::lies_on_container_layer(mounts, Path::new(folder))
}
