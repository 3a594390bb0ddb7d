//! The first bytes of a connection are answered the same way however they are cut, and never
//! with more than an alert or one sentence.
#![no_main]

use duogate::tls::fuzzing::greet;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static RUNTIME: tokio::runtime::Runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
}

fuzz_target!(|bytes: &[u8]| {
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let whole = greet(bytes, bytes.len().max(1)).await;
            for piece in [1, 100] {
                let cut = greet(bytes, piece).await;
                assert_eq!(cut.wishes, whole.wishes, "in pieces of {piece}");
                assert_eq!(cut.answer, whole.answer, "in pieces of {piece}");
            }
            let alert = whole.answer.len() == 7 && whole.answer[0] == 21;
            let sentence = whole.answer.starts_with(b"HTTP/1.1 400 ");
            assert!(
                whole.answer.is_empty() || alert || sentence,
                "{:?}",
                whole.answer
            );
            assert!(whole.wishes.is_none() || whole.answer.is_empty());
        });
    });
});
