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

/// A new key for each variable of the official container, as Compose reads them in `.env`: one
/// line each, in quotation marks, within which it takes `\\n` for a line end.
pub(super) fn new_environment() -> anyhow::Result<String> {
    let line = |name: &&str| {
        let key = new_key()?.trim_end().replace('\n', "\\n");
        Ok(format!("{name}=\"{key}\""))
    };
    let lines: anyhow::Result<Vec<String>> = OFFICIAL_KEYS.iter().map(line).collect();
    Ok(lines?.join("\n"))
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

/// The signing keys of both services, and the keys that stay valid while those change
/// (gitlab-clients 5.2).
const OFFICIAL_KEYS: [&str; 4] = [
    "AIGW_SELF_SIGNED_JWT__SIGNING_KEY",
    "AIGW_SELF_SIGNED_JWT__VALIDATION_KEY",
    "DUO_WORKFLOW_SELF_SIGNED_JWT__SIGNING_KEY",
    "DUO_WORKFLOW_SELF_SIGNED_JWT__VALIDATION_KEY",
];
