//! Whether the state folder outlives the container.
//!
//! A container without a volume orders a new certificate at each start, and after five of them
//! Let's Encrypt gives none for a week. So that is found before the first order.

use std::path::Path;

/// True when `folder` lies on the writable layer of a container, which is thrown away with it.
/// What cannot be known counts as durable.
pub(super) fn is_ephemeral(folder: &Path) -> bool {
    let Ok(folder) = folder.canonicalize() else {
        return false;
    };
    std::fs::read_to_string(MOUNTS).is_ok_and(|mounts| lies_on_container_layer(&mounts, &folder))
}

/// The mount that holds `folder` decides: an overlay at the root is a container's own layer.
pub(super) fn lies_on_container_layer(mounts: &str, folder: &Path) -> bool {
    let holding = mounts
        .lines()
        .filter_map(Mount::parse)
        .filter(|mount| folder.starts_with(&mount.point))
        // of two mounts on one point the later one is seen
        .max_by_key(|mount| mount.point.len());
    holding.is_some_and(|mount| mount.point == "/" && is_layer(mount.kind))
}

fn is_layer(kind: &str) -> bool {
    matches!(kind, "overlay" | "aufs" | "fuse.fuse-overlayfs" | "vfs")
}

/// A line of mountinfo (proc(5)): where it is mounted, and the kind of file system behind ` - `.
struct Mount<'a> {
    point: String,
    kind: &'a str,
}

impl<'a> Mount<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (before, behind) = line.split_once(" - ")?;
        let point = unescape(before.split(' ').nth(4)?);
        let kind = behind.split(' ').next()?;
        Some(Self { point, kind })
    }
}

/// Spaces and the like stand there as `\040`.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        let code = others
            .get(..3)
            .filter(|_| first == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        let (byte, length) = code.map_or((first, 0), |byte| (byte, 3));
        bytes.push(byte);
        rest = others.get(length..).unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

const MOUNTS: &str = "/proc/self/mountinfo";

#[cfg(test)]
mod tests {
    use super::*;

    const CONTAINER: &str = "\
600 500 0:50 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b,upperdir=/c,workdir=/d
601 600 0:52 / /proc rw,nosuid - proc proc rw
602 600 8:1 /volumes/state/_data /var/lib/duogate rw,relatime master:1 - ext4 /dev/sda1 rw
603 600 8:1 /x /with\\040space rw - ext4 /dev/sda1 rw
nonsense
";

    #[test]
    fn a_volume_is_durable_and_the_layer_is_not() {
        let lost = |path: &str| lies_on_container_layer(CONTAINER, Path::new(path));
        assert!(!lost("/var/lib/duogate"));
        assert!(!lost("/var/lib/duogate/deeper"));
        assert!(lost("/var/lib/duogate-not-mounted"));
        assert!(lost("/certs"));
        assert!(!lost("/with space/certs"));
    }

    #[test]
    fn a_machine_of_its_own_is_durable() {
        let mounts = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n";
        assert!(!lies_on_container_layer(mounts, Path::new("/certs")));
        assert!(!lies_on_container_layer("", Path::new("/certs")));
    }
}
