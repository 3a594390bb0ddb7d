//! Keys and certificates out of PEM text, as administrators really paste them.

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// Why a PEM text gave no key or no certificate. Never carries any of the text itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// The key is protected by a passphrase.
    #[error(
        "the private key is encrypted; write it without a passphrase: openssl pkey -in KEY -out NEW_KEY"
    )]
    EncryptedKey,
    /// There is no private key in the text.
    #[error(
        "holds no private key; expected a PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY"
    )]
    NoPrivateKey,
    /// There is no certificate in the text.
    #[error(
        "holds no certificate; expected at least one PEM block CERTIFICATE, the server's own first"
    )]
    NoCertificate,
    /// A block is damaged.
    #[error("is not valid PEM: a block is cut off or its base64 is damaged")]
    Damaged,
}

/// The first private key of a PEM text: PKCS#8, PKCS#1 or SEC1. Accepts real line ends, the two
/// characters `\n` in their place, and surrounding quotes (gitlab-clients 4.5).
pub fn private_key_from_pem(text: &str) -> Result<PrivateKeyDer<'static>, PemError> {
    let text = normalize(text);
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(PemError::EncryptedKey);
    }
    match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
        Ok(key) => Ok(key),
        Err(rustls_pki_types::pem::Error::NoItemsFound) => Err(PemError::NoPrivateKey),
        Err(_) => Err(PemError::Damaged),
    }
}

/// All certificates of a PEM text in their order.
pub fn certificates_from_pem(text: &str) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let text = normalize(text);
    let certificates = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| PemError::Damaged)?;
    if certificates.is_empty() {
        return Err(PemError::NoCertificate);
    }
    Ok(certificates)
}

fn normalize(text: &str) -> String {
    let text = text.trim();
    let unquoted = ['"', '\''].iter().find_map(|quote| {
        text.strip_prefix(*quote)
            .and_then(|rest| rest.strip_suffix(*quote))
    });
    unquoted.unwrap_or(text).replace("\\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_line_ends_and_quotes_are_accepted() {
        let pair = rcgen::KeyPair::generate().expect("the provider makes P-256 keys");
        let pem = pair.serialize_pem();
        let literal = format!("\"{}\"", pem.trim().replace('\n', "\\n"));
        assert_eq!(private_key_from_pem(&pem), private_key_from_pem(&literal));
        assert!(private_key_from_pem(&pem).is_ok());
    }

    #[test]
    fn encrypted_missing_and_damaged_are_told_apart() {
        let encrypted =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(private_key_from_pem(encrypted), Err(PemError::EncryptedKey));
        assert_eq!(private_key_from_pem("hello"), Err(PemError::NoPrivateKey));
        assert_eq!(certificates_from_pem("hello"), Err(PemError::NoCertificate));
        let damaged = "-----BEGIN CERTIFICATE-----\n*?\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates_from_pem(damaged), Err(PemError::Damaged));
    }
}
