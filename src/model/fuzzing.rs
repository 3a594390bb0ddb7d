//! The decoders of providers for the fuzz targets, which link the crate as its users do.

use super::{
    anthropic_decode::{self, AnthropicPieces},
    converse_decode::{self, ConverseStream},
    cutting::{New, cut, told},
    gemini_decode::{self, GeminiPieces},
    openai_decode::{self, OpenAiPieces},
    provider::StreamDecoder,
    refusal::DecodeError,
    responses_decode::{self, ResponsePieces},
    sse_pieces::SsePieces,
    told::Told,
};

/// Whatever a server of some provider sends as a stream is told the same however it is cut.
pub fn stream(bytes: &[u8], size: usize) {
    for new in STREAMS {
        let new: New<'_> = new;
        let whole = cut(new, bytes, bytes.len());
        let pieces = cut(new, bytes, size);
        assert!(told(&whole) == told(&pieces), "pieces of {size} bytes");
    }
}

/// Whole answers are read or refused, and so are refusals.
pub fn whole(bytes: &[u8]) {
    for decode in WHOLES {
        let mut told = Told::of("asked".to_owned());
        let _ = decode(bytes, &mut told);
    }
    let _ = gemini_decode::refusal(bytes);
    let _ = converse_decode::refusal(&http::HeaderMap::new(), bytes);
}

const STREAMS: [&dyn Fn() -> Box<dyn StreamDecoder>; 5] = [
    &|| Box::new(SsePieces::new(OpenAiPieces::default())),
    &|| Box::new(SsePieces::new(ResponsePieces::default())),
    &|| Box::new(SsePieces::new(AnthropicPieces::default())),
    &|| Box::new(SsePieces::new(GeminiPieces::default())),
    &|| Box::new(ConverseStream::new()),
];

type Whole = fn(&[u8], &mut Told) -> Result<(), DecodeError>;

const WHOLES: [Whole; 5] = [
    openai_decode::decode,
    responses_decode::decode,
    anthropic_decode::decode,
    GeminiPieces::whole,
    converse_decode::decode,
];
