//! What an ACME server and the kernel tell is read or refused: Retry-After, renewal information
//! and the table of mounts.
#![no_main]

use std::time::{Duration, SystemTime};

use duogate::acme::fuzzing::{is_ephemeral, renewal_window, retry_after};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    for chance in [0.0, 0.5, 1.0] {
        if let Some((start, end, chosen)) = renewal_window(bytes, chance) {
            assert!(
                start < end && start <= chosen && chosen <= end,
                "{start} {chosen} {end}"
            );
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Some(pause) = retry_after(text, now) {
        let later = now - Duration::from_secs(10);
        assert!(
            retry_after(text, later).is_some_and(|longer| longer >= pause),
            "{pause:?}"
        );
        assert_eq!(retry_after(&format!(" {text} "), now), Some(pause));
    }
    let (folder, mounts) = text.split_once('\n').unwrap_or((text, ""));
    if is_ephemeral(mounts, folder) {
        assert!(
            ["overlay", "aufs", "vfs"]
                .iter()
                .any(|kind| mounts.contains(kind))
        );
        // a mount of its own is what makes a folder durable
        let volume = format!("{mounts}\n9 9 8:1 / {} rw - ext4 /dev/a rw", escape(folder));
        assert!(
            !is_ephemeral(&volume, folder) || folder == "/",
            "{volume:?}"
        );
    }
});

fn escape(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b'!'..=b'[' | b']'..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:03o}"),
    });
    escaped.collect()
}
