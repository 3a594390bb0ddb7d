//! New signing keys.

use std::{fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::Context;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};

/// A new RSA key of 2048 bits in PEM: what GitLab's documentation makes with openssl.
pub(super) fn new_key() -> anyhow::Result<String> {
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
        .context("the crypto provider makes no RSA key")?;
    Ok(pair.serialize_pem())
}

/// Writes a new key to a file that only its owner may read and that does not exist yet.
pub(super) fn write_new_key(path: &Path) -> anyhow::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY)
        .open(path)
        .with_context(|| format!("{}: the key file cannot be created", path.display()))?;
    let key = new_key()?;
    file.write_all(key.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{}: the key cannot be written", path.display()))
}

/// Nobody but the owner reads or writes a private key.
const OWNER_ONLY: u32 = 0o600;
