//! Streams that come as server-sent events, as most providers' do.

use std::fmt::Debug;

use super::{provider::StreamDecoder, refusal::DecodeError, told::Told};
use crate::upstream::{SseError, SseEvent, SseReader};

/// Reads the events of one stream.
pub(super) trait Pieces: Debug + Send {
    /// Reads one. None comes after `told.is_done`.
    fn read(&mut self, event: &SseEvent, told: &mut Told) -> Result<(), DecodeError>;
}

/// Takes a stream apart for a provider that reads its events.
#[derive(Debug)]
pub(super) struct SsePieces<P> {
    reader: SseReader,
    pieces: P,
}

impl<P: Pieces> SsePieces<P> {
    /// For the beginning of a stream.
    pub(super) fn new(pieces: P) -> Self {
        Self {
            reader: SseReader::new(LARGEST_EVENT),
            pieces,
        }
    }

    fn read(&mut self, event: &SseEvent, told: &mut Told) -> Result<(), DecodeError> {
        if told.is_done {
            return Ok(());
        }
        self.pieces.read(event, told)
    }
}

impl<P: Pieces> StreamDecoder for SsePieces<P> {
    fn push(&mut self, bytes: &[u8], told: &mut Told) -> Result<(), DecodeError> {
        self.reader.push(bytes);
        while let Some(event) = self.reader.next_event().map_err(too_large)? {
            self.read(&event, told)?;
        }
        Ok(())
    }

    fn finish(&mut self, told: &mut Told) -> Result<(), DecodeError> {
        match self.reader.finish().map_err(too_large)? {
            Some(event) => self.read(&event, told),
            None => Ok(()),
        }
    }
}

fn too_large(error: SseError) -> DecodeError {
    DecodeError::TooLarge(error.to_string())
}

/// One event holds a few tokens; some servers send an answer in one.
const LARGEST_EVENT: usize = 1024 * 1024;
