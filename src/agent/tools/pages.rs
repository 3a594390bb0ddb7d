//! Lists that GitLab gives in pages.

use serde_json::Value;

use super::{Endpoint, ToolError, Workplace, workplace::not_json};

/// What a list holds, as far as it was read.
#[derive(Debug)]
pub(super) struct Pages {
    /// The elements in GitLab's order.
    pub(super) items: Vec<Value>,
    /// Whether these are all.
    pub(super) is_whole: bool,
}

impl Pages {
    /// Reads a list to its end, or to as many pages. A page that is full means that another may
    /// follow: clients pass on no headers that would say so (agent-platform 12).
    pub(super) async fn read(
        workplace: &Workplace,
        list: &Endpoint,
        most: usize,
    ) -> Result<Self, ToolError> {
        let mut items = Vec::new();
        let mut bytes = 0;
        for number in 1..=most {
            let page = list.clone().query("per_page", Some(PER_PAGE));
            let text = workplace.get(&page.query("page", Some(number))).await?;
            let Ok(Value::Array(page)) = serde_json::from_str(&text) else {
                return Err(not_json());
            };
            let is_last = page.len() < PER_PAGE;
            items.extend(page);
            if is_last {
                return Ok(Self {
                    items,
                    is_whole: true,
                });
            }
            bytes += text.len();
            if bytes > BYTES {
                break;
            }
        }
        Ok(Self {
            items,
            is_whole: false,
        })
    }

    /// The list as JSON; before it, where it goes on, a line that says so.
    pub(super) fn text(self) -> String {
        let count = self.items.len();
        let list = Value::Array(self.items);
        if self.is_whole {
            return list.to_string();
        }
        format!("There are more than the {count} that follow; the rest was not read.\n{list}")
    }
}

/// The most that GitLab gives at once.
pub(super) const PER_PAGE: usize = 100;

/// Pages of a list whose every element the model reads: more than its window holds of notes.
pub(super) const MOST: usize = 10;

/// Bytes after which no further page is read: a model reads a part of them (`result.rs`).
const BYTES: usize = 1024 * 1024;
