//! Behaviour from outside: one file per behaviour.

// `cfg(test)` tells clippy that these are tests, where unwrap and indexing are fine.
#[cfg(test)]
mod architecture;
#[cfg(test)]
#[expect(dead_code, unused_imports, reason = "the scenarios that use it follow")]
mod support;
