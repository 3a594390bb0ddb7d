//! `null` in stored states, where a value is expected.

use serde::{Deserialize, Deserializer};

/// Reads `null` as the default: some servers store it for what they do not have.
pub(super) fn null_as_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
