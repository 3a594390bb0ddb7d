//! Randomness as a parameter, so that tests can fix it.

/// A source of random bytes for identifiers and jitter. Keys come from the crypto provider.
pub trait Randomness: Send + Sync + std::fmt::Debug + 'static {
    /// Fills the buffer with random bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// A number in `0.0 ..= 1.0`, for jitter.
    fn fraction(&self) -> f64 {
        let mut bits = [0_u8; 4];
        self.fill(&mut bits);
        f64::from(u32::from_le_bytes(bits)) / f64::from(u32::MAX)
    }
}

/// The crypto provider's generator, seeded by the operating system without any file: a static
/// binary in an empty root has no /dev/urandom.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads randomness"
    )]
    fn fill(&self, buffer: &mut [u8]) {
        aws_lc_rs::rand::fill(buffer).expect(
            "it fails only where the system has no entropy at all, and then TLS failed before",
        );
    }
}
