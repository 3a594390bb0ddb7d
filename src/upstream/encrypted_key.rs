//! Private keys under a password, as OpenSSL writes them: PKCS #8 with PBES2 (RFC 8018).

use std::num::NonZeroU32;

use aws_lc_rs::{
    cipher::{
        AES_128, AES_192, AES_256, Algorithm, DecryptionContext, PaddedBlockDecryptingKey,
        UnboundCipherKey,
    },
    iv::FixedLength,
    pbkdf2,
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::pem::Pem;

/// Why a key cannot be opened. Never carries any of it, nor the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EncryptedKeyError {
    /// It is something else, or cut off.
    #[error("the encrypted private key is damaged")]
    Damaged,
    /// By other means than those above.
    #[error(
        "the private key is encrypted in a way that is not read; write it anew: \
         openssl pkey -aes256 -in KEY -out NEW_KEY"
    )]
    Unknown,
    /// What comes out is no key.
    #[error("the password does not open the private key")]
    WrongPassword,
}

/// The first encrypted key of a PEM text. None where there is none.
pub(super) fn decrypted_key(
    text: &str,
    password: &str,
) -> Option<Result<PrivateKeyDer<'static>, EncryptedKeyError>> {
    let mut blocks = Pem::iter_from_buffer(text.as_bytes());
    let block = blocks.find_map(|block| block.ok().filter(|block| block.label == LABEL));
    let Some(block) = block else {
        let is_traditional = text.contains("Proc-Type: 4,ENCRYPTED");
        return is_traditional.then_some(Err(EncryptedKeyError::Unknown));
    };
    Some(open(&block.contents, password.as_bytes()))
}

fn open(der: &[u8], password: &[u8]) -> Result<PrivateKeyDer<'static>, EncryptedKeyError> {
    let sealed = Sealed::read(der)?;
    let mut key = vec![0; sealed.cipher.1];
    pbkdf2::derive(
        sealed.function,
        sealed.iterations,
        sealed.salt,
        password,
        &mut key,
    );
    let wrong = |_| EncryptedKeyError::WrongPassword;
    let key = UnboundCipherKey::new(sealed.cipher.0, &key).map_err(wrong)?;
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(wrong)?;
    let vector = FixedLength::try_from(sealed.vector).map_err(|_| EncryptedKeyError::Damaged)?;
    let mut content = sealed.content.to_vec();
    let plain = key
        .decrypt(&mut content, DecryptionContext::Iv128(vector))
        .map_err(wrong)?;
    // one wrong password in 256 leaves what looks like padding
    let mut reader = Der(plain);
    if reader.take(SEQUENCE).is_none() || !reader.0.is_empty() {
        return Err(EncryptedKeyError::WrongPassword);
    }
    Ok(PrivatePkcs8KeyDer::from(plain.to_vec()).into())
}

/// What an encrypted key says of itself.
struct Sealed<'a> {
    function: pbkdf2::Algorithm,
    iterations: NonZeroU32,
    salt: &'a [u8],
    /// With the length of its key.
    cipher: (&'static Algorithm, usize),
    vector: &'a [u8],
    content: &'a [u8],
}

impl<'a> Sealed<'a> {
    fn read(der: &'a [u8]) -> Result<Self, EncryptedKeyError> {
        let unknown = EncryptedKeyError::Unknown;
        let (mut scheme, content) = outer(der).ok_or(EncryptedKeyError::Damaged)?;
        if scheme.take(OBJECT) != Some(PBES2) {
            return Err(unknown);
        }
        let parts = scheme.enter(SEQUENCE).and_then(|mut parts| {
            let function = parts.enter(SEQUENCE)?;
            Some((function, parts.enter(SEQUENCE)?))
        });
        let (mut function, mut cipher) = parts.ok_or(EncryptedKeyError::Damaged)?;
        if function.take(OBJECT) != Some(PBKDF2) {
            return Err(unknown);
        }
        let derivation = function.enter(SEQUENCE).and_then(derivation);
        let (salt, iterations, hash) = derivation.ok_or(EncryptedKeyError::Damaged)?;
        let name = cipher.take(OBJECT).unwrap_or_default();
        let vector = cipher.take(OCTETS).ok_or(unknown)?;
        let known = FUNCTIONS.iter().find(|(known, _)| *known == hash);
        let function = known.ok_or(unknown)?.1;
        let known = CIPHERS.iter().find(|(known, ..)| *known == name);
        let (_, algorithm, length) = known.ok_or(unknown)?;
        let iterations = NonZeroU32::new(iterations).filter(|count| count.get() <= MOST_ROUNDS);
        Ok(Self {
            function,
            iterations: iterations.ok_or(unknown)?,
            salt,
            cipher: (algorithm, *length),
            vector,
            content,
        })
    }
}

/// How it is encrypted, and what.
fn outer(der: &[u8]) -> Option<(Der<'_>, &[u8])> {
    let mut whole = Der(der).enter(SEQUENCE)?;
    Some((whole.enter(SEQUENCE)?, whole.take(OCTETS)?))
}

/// Salt, rounds and hash of a key's derivation.
fn derivation(mut given: Der<'_>) -> Option<(&[u8], u32, &[u8])> {
    let salt = given.take(OCTETS)?;
    let rounds = given.take(INTEGER)?;
    let significant = rounds.iter().skip_while(|byte| **byte == 0);
    let rounds = significant.fold(0_u32, |value, byte| {
        value.saturating_mul(256).saturating_add(u32::from(*byte))
    });
    // the length of the key follows from the cipher
    given.take(INTEGER);
    let hash = match given.enter(SEQUENCE) {
        Some(mut hash) => hash.take(OBJECT)?,
        None => HMAC_SHA1,
    };
    Some((salt, rounds, hash))
}

/// DER that is left to read.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element if it is of this kind; else nothing is read.
    fn take(&mut self, kind: u8) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_first()?;
        let (length, mut rest) = rest.split_first()?;
        let mut length = usize::from(*length);
        if length >= LONG_FORM {
            // no key is longer than two bytes tell
            let (digits, left) = rest.split_at_checked(length - LONG_FORM)?;
            if digits.len() > 2 {
                return None;
            }
            let digits = digits.iter();
            length = digits.fold(0, |value, digit| value * 256 + usize::from(*digit));
            rest = left;
        }
        let (content, rest) = rest.split_at_checked(length)?;
        (*first == kind).then(|| {
            self.0 = rest;
            content
        })
    }

    fn enter(&mut self, kind: u8) -> Option<Self> {
        self.take(kind).map(Self)
    }
}

const LABEL: &str = "ENCRYPTED PRIVATE KEY";

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// From here on the byte tells how many bytes the length has.
const LONG_FORM: usize = 0x80;

const PBES2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
const PBKDF2: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";

/// What is meant where no hash is named.
const HMAC_SHA1: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x02\x07";

const FUNCTIONS: [(&[u8], pbkdf2::Algorithm); 4] = [
    (HMAC_SHA1, pbkdf2::PBKDF2_HMAC_SHA1),
    (
        b"\x2a\x86\x48\x86\xf7\x0d\x02\x09",
        pbkdf2::PBKDF2_HMAC_SHA256,
    ),
    (
        b"\x2a\x86\x48\x86\xf7\x0d\x02\x0a",
        pbkdf2::PBKDF2_HMAC_SHA384,
    ),
    (
        b"\x2a\x86\x48\x86\xf7\x0d\x02\x0b",
        pbkdf2::PBKDF2_HMAC_SHA512,
    ),
];

/// In CBC, with the lengths of their keys.
static CIPHERS: [(&[u8], &Algorithm, usize); 3] = [
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x02", &AES_128, 16),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x16", &AES_192, 24),
    (b"\x60\x86\x48\x01\x65\x03\x04\x01\x2a", &AES_256, 32),
];

/// OpenSSL writes 2048, careful people a million; more would hold up the start for seconds.
const MOST_ROUNDS: u32 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(pem: &str, password: &str) -> Result<PrivateKeyDer<'static>, EncryptedKeyError> {
        decrypted_key(pem, password).unwrap()
    }

    #[test]
    fn what_openssl_encrypts_is_opened_with_the_password_alone() {
        let plain = crate::foundation::private_key_from_pem(PLAIN).unwrap();
        for pem in [AES_256_SHA256, AES_128_SHA1, AES_192_SHA512, AES_256_SHA384] {
            assert_eq!(opened(pem, "secret").unwrap(), plain);
            for wrong in ["", "Secret", "secret "] {
                let error = opened(pem, wrong).unwrap_err();
                assert_eq!(error, EncryptedKeyError::WrongPassword);
            }
        }
    }

    #[test]
    fn other_ways_are_named_as_such() {
        let traditional = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
        for pem in [TRIPLE_DES, SCRYPT, traditional] {
            assert_eq!(opened(pem, "secret"), Err(EncryptedKeyError::Unknown));
        }
        assert!(decrypted_key(PLAIN, "secret").is_none());
        assert!(decrypted_key("", "secret").is_none());
    }

    #[test]
    fn no_damage_is_taken_for_a_key() {
        let block = Pem::iter_from_buffer(AES_256_SHA256.as_bytes()).next();
        let whole = block.unwrap().unwrap().contents;
        for length in 0..whole.len() {
            let (cut, _) = whole.split_at(length);
            assert!(open(cut, b"secret").is_err(), "{length}");
        }
        // the last bytes are content; before them each tells something
        for place in 0..100 {
            let mut changed = whole.clone();
            for byte in changed.iter_mut().skip(place).take(1) {
                *byte ^= 0x7f;
            }
            let _ = open(&changed, b"secret");
        }
    }

    /// A key that was made for this test.
    const PLAIN: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9f+YwV1HbsLcpWT0\n\
KViC6crEKB0f654i/VYqc51dSPehRANCAATlnlAtHCssXnIv8WiueIIA4r6YeeNM\n\
6Bo0ub1qJrKdyNjNqfcyOgh4Wt1NeFVPrB2LKvMm679xHQY2hf/iHPDW\n\
-----END PRIVATE KEY-----";
    /// openssl pkcs8 -topk8 -v2 aes-256-cbc; so are the others, of the same key.
    const AES_256_SHA256: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgvGlw8kCClbQICCAAw\n\
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEPUryzgUyiN0HX3snkM795UEgZB/\n\
ftQ24iaRq3y02qhGY8I05GugcmfbRT69Ow4KB1gkhlGwpMly5/O6PwPaJ/FQrqJ7\n\
jPzNm7m1ik8TqKsuBXLbEkKiNJ61WQzcouTHVG8Z37rIZ42V2it3Fcq7t0ZmijpM\n\
4idvc6YuzB7aYYmRydN3Rjq9xreFSiMOaRAoRpASdQL9hyqtAx4hZ1JqE7hEyVk=\n\
-----END ENCRYPTED PRIVATE KEY-----";
    /// -v2 aes-128-cbc -v2prf hmacWithSHA1
    const AES_128_SHA1: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
MIHeMEkGCSqGSIb3DQEFDTA8MBsGCSqGSIb3DQEFDDAOBAjM9WOXATLOawICCAAw\n\
HQYJYIZIAWUDBAECBBDkOO0FrumBow3SASR44faTBIGQ/tOgWe91S8e2yZPiAKdm\n\
3oJrElXKRxnxMQDCYP55u921L+nvpa5LkHN8xBFUrtVJZkz2SorZ94stWUq3BqAz\n\
JOqc4Lq5Cx4yWpXMm5Ag1/D9ViC2GGfPP57iD/dWlpjr1GTUtco81GF0b7nKR1b1\n\
wkcxvMfZ9mbFKHUR/yDuqZsbbse5LZrnpXw3fjYeiryb\n\
-----END ENCRYPTED PRIVATE KEY-----";
    /// -v2 aes-192-cbc -v2prf hmacWithSHA512
    const AES_192_SHA512: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAji1QaXMWFrzQICCAAw\n\
DAYIKoZIhvcNAgsFADAdBglghkgBZQMEARYEEJZzMUNeHclLVl9qUVgWlFUEgZAk\n\
Zuxx/9c5vqD4FRUnWo6X9q3jGsyIgp+AmyIoM1LEoO247naqbljQsZC90ePccH3c\n\
dgAaBX/DTZB19r98TBCVdhBWQ7sxuj9uPB9XAoT7+4F71nASkT1tYGhs2aquNGVp\n\
Uxbw+PXPLbKy+vsNsHtvymTyhzA/OVxzBbNFtknoW6zqCIsaC8IG4mbniyYv4KE=\n\
-----END ENCRYPTED PRIVATE KEY-----";
    /// -v2 aes-256-cbc -v2prf hmacWithSHA384
    const AES_256_SHA384: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhQxiKNPHZtfQICCAAw\n\
DAYIKoZIhvcNAgoFADAdBglghkgBZQMEASoEEMj/B4pDdVMEAsEvrvEtzA0EgZAV\n\
E5hqu1l2OVGtwnUcirwN6ZfldgHlUTdNLBgmuLORVB7fypqo0YuoyT9iSHpycJUR\n\
EEnjc8Gi3jm99LY5owsfl/zD/kIWXrx97qLOqKRz0MCnQGhlH/UrhgG+n+XY5qs2\n\
nY9S5DomiDjEIctCXLpzxEbjf+ZGX6c8xn5sRVV6vaqJXs+ZTfQKJw80jeCVRh4=\n\
-----END ENCRYPTED PRIVATE KEY-----";
    /// -v2 des3
    const TRIPLE_DES: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAiIe7P1g9AqJwICCAAw\n\
DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIVxni+ppYUDAEgZCLtUcqJSOWKKFv\n\
KupeLg98/vdIJX7/SBEtOTP8eCUZ12EM5BN68BHGfIl46Fc4K5varQ0XdFtTDNnD\n\
svXQnoawm0+fwlC4OHyxM8dT3nD1clC767bmRIPio0zTNDgmaAMxcnCinkvSoEpb\n\
X3weEZ4y2OE2BDmd714XVSBUVcaW6jY+Yo1Sbv6X5IT5KFA9PaE=\n\
-----END ENCRYPTED PRIVATE KEY-----";
    /// -scrypt
    const SCRYPT: &str = "\
-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
MIHkME8GCSqGSIb3DQEFDTBCMCEGCSsGAQQB2kcECzAUBAgVP8PwXlAezgICQAAC\n\
AQgCAQEwHQYJYIZIAWUDBAEqBBA+VJoHQlzvm6O5A12CUnyGBIGQ/JBTy2ngnVbo\n\
P7+0pLQdnxSZVCcxAK/ezS77vrE+DpWerJXbTo/hY3wfcUv5b7U4e/DnqxAvRJbT\n\
gAoo+COWy6jRfko6rusNSVWugtg79F0Rxpw2dN2f2TPn0cu16kuEQeQh1FmL26ay\n\
BnReYPNWWv/QOw8T8dyRZoBq89uiJ3S/RBLmCocUd+4EndbdRlKx\n\
-----END ENCRYPTED PRIVATE KEY-----";
}
