//! For tests and fuzz targets of providers: streams cut in every way.

#[cfg(test)]
use super::{Event, provider::Provider};
use super::{provider::StreamDecoder, refusal::DecodeError, told::Told};

/// What a stream tells, which has to be the same however its bytes are cut.
#[cfg(test)]
#[track_caller]
pub(super) fn streamed(provider: &dyn Provider, stream: &[u8]) -> (Told, Option<DecodeError>) {
    streamed_by(&|| provider.stream(), stream)
}

/// The same for decoders that `new` makes.
#[cfg(test)]
#[track_caller]
pub(super) fn streamed_by(new: New<'_>, stream: &[u8]) -> (Told, Option<DecodeError>) {
    let whole = cut(new, stream, stream.len());
    for size in 1..stream.len() {
        let pieces = cut(new, stream, size);
        assert_eq!(told(&pieces), told(&whole), "pieces of {size} bytes");
    }
    whole
}

/// The events of a stream that has no fault.
#[cfg(test)]
#[track_caller]
pub(super) fn events(provider: &dyn Provider, stream: &str) -> Vec<Event> {
    let (told, fault) = streamed(provider, stream.as_bytes());
    assert_eq!(fault, None);
    told.events.into()
}

pub(super) type New<'a> = &'a dyn Fn() -> Box<dyn StreamDecoder>;
pub(super) type Read = (Told, Option<DecodeError>);

/// Everything about it that can be compared.
pub(super) fn told((told, fault): &Read) -> impl PartialEq + std::fmt::Debug + '_ {
    let Told {
        events,
        model,
        is_finished,
        is_done,
    } = told;
    (events, model, is_finished, is_done, fault)
}

/// What a stream tells whose bytes come in pieces of this size.
pub(super) fn cut(new: New<'_>, stream: &[u8], size: usize) -> Read {
    let mut told = Told::of("asked".to_owned());
    let mut decoder = new();
    for piece in stream.chunks(size.max(1)) {
        if let Err(fault) = decoder.push(piece, &mut told) {
            return (told, Some(fault));
        }
    }
    let fault = decoder.finish(&mut told).err();
    (told, fault)
}
