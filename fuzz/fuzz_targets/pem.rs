//! Keys and certificates are read the same from real line ends, literal ones and quotes.
#![no_main]

use duogate::foundation::{PemError, certificates_from_pem, private_key_from_pem};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let key = private_key_from_pem(text);
    let certificates = certificates_from_pem(text);
    assert_ne!(certificates, Ok(Vec::new()), "no certificate is an error");
    assert_ne!(certificates.as_ref().err(), Some(&PemError::NoPrivateKey));
    if !text.contains(['\\', '"', '\'']) {
        let literal = text.replace('\n', "\\n");
        for same in [
            literal.clone(),
            format!("\"{text}\""),
            format!("'{literal}'"),
        ] {
            // what trims differently is spoiled by its white space, not by us
            if text == text.trim() {
                assert_eq!(private_key_from_pem(&same), key, "{same:?}");
                assert_eq!(certificates_from_pem(&same), certificates, "{same:?}");
            }
        }
    }
});
