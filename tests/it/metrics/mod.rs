//! What is measured, seen by scraping the real process.

mod alerts;
mod counting;
mod dashboard;
mod prometheus;
pub(crate) mod served;
