//! Behaviour from outside: one file per behaviour.

// `cfg(test)` tells clippy that these are tests, where unwrap and indexing are fine.
#[cfg(test)]
mod certificates;
#[cfg(test)]
mod configuration;
#[cfg(test)]
mod support;
