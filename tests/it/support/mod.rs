//! Real parts and small tools for the tests.

pub(crate) mod clock;
pub(crate) mod scratch;
pub(crate) mod tls_client;
