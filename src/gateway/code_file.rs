//! The file that is edited, with the code around the cursor.

use super::{fields::Fields, language, refusal::Refusal};

/// Fields that all code routes share (http-api 2.1, 2.3).
#[derive(Clone, Copy, Debug)]
pub(super) struct CodeFile<'v> {
    /// `file_name`, without white space around it.
    pub(super) name: &'v str,
    /// `language_identifier`
    pub(super) identifier: Option<&'v str>,
    /// `content_above_cursor`
    pub(super) above: &'v str,
    /// `content_below_cursor`
    pub(super) below: &'v str,
}

impl<'v> CodeFile<'v> {
    /// Reads `current_file` or a component's payload.
    pub(super) fn read(fields: &Fields<'v, '_>) -> Result<Self, Refusal> {
        Ok(Self {
            name: fields.required_text("file_name", NAME)?.trim(),
            identifier: fields.text("language_identifier", NAME)?,
            above: fields.required_text("content_above_cursor", CONTENT)?,
            below: fields.required_text("content_below_cursor", CONTENT)?,
        })
    }

    /// The language as answers name it.
    pub(super) fn answer_language(&self) -> String {
        language::answer_word(self.name, self.identifier)
    }

    /// The language as prompts name it.
    pub(super) fn prompt_language(&self) -> String {
        language::prompt_word(self.name, self.identifier)
    }
}

/// Characters of names (http-api 2.1).
const NAME: usize = 255;

/// Characters on one side of the cursor (http-api 2.1).
const CONTENT: usize = 100_000;
