//! What is measured, seen by scraping the real process.

mod counting;
mod served;
