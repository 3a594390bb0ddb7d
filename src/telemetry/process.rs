//! What the kernel knows of this process, read at each scrape.

use std::{fs, sync::atomic::Ordering};

use rustix::process::{Resource, getrlimit};

use super::Metrics;

impl Metrics {
    /// Brings everything up to date that is read rather than counted. What cannot be read, on
    /// systems without /proc, stays as it is.
    pub fn measure_process(&self) {
        if let Some(pages) = resident_pages() {
            let bytes = pages.saturating_mul(rustix::param::page_size() as u64);
            self.resident_bytes.set(bytes);
        }
        if let Some(ticks) = processor_ticks() {
            let seconds = ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
            // The bits of numbers above zero are in their order; two scrapes at once count once.
            let counter = self.processor_seconds.inner();
            counter.fetch_max(seconds.to_bits(), Ordering::Relaxed);
        }
        if let Some(open) = open_descriptors() {
            self.open_descriptors.set(open);
        }
        if let Some(limit) = getrlimit(Resource::Nofile).current {
            self.descriptor_limit.set(limit);
        }
        let lost = self.dropped_lines();
        self.log_lines_dropped
            .inner()
            .fetch_max(lost, Ordering::Relaxed);
    }
}

fn resident_pages() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

/// Time in user and in kernel mode (proc_pid_stat(5)). The program's name comes before them and
/// may hold anything, but is followed by the last parenthesis.
fn processor_ticks() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(USER_TIME);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user.saturating_add(kernel))
}

/// Since Linux 6.2 the folder's size is the number of descriptors; before, each one is counted.
fn open_descriptors() -> Option<u64> {
    let folder = "/proc/self/fd";
    let size = fs::metadata(folder).ok()?.len();
    if size > 0 {
        return Some(size);
    }
    // One of them is the look itself.
    let count = fs::read_dir(folder).ok()?.count().saturating_sub(1);
    u64::try_from(count).ok()
}

/// Fields between the program's name and `utime`.
const USER_TIME: usize = 11;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_read() {
        let metrics = Metrics::new();
        let _open = fs::File::open("/dev/null").unwrap();
        metrics.measure_process();
        assert!(metrics.resident_bytes.get() > 100_000);
        assert!(metrics.open_descriptors.get() >= 4);
        assert!(metrics.descriptor_limit.get() >= metrics.open_descriptors.get());
        let before = metrics.processor_seconds.get();
        let start = std::time::Instant::now();
        while start.elapsed() < std::time::Duration::from_secs(5)
            && metrics.processor_seconds.get() <= before
        {
            metrics.measure_process();
        }
        assert!(metrics.processor_seconds.get() > before);
        let counted = fs::read_dir("/proc/self/fd").unwrap().count();
        let read = open_descriptors().unwrap();
        assert!(read.abs_diff(counted as u64) < 8, "{read} {counted}");
    }
}
