//! The labels of each family. Every value comes from a closed set that `names.rs` tells, or is the
//! name of a certificate from the configuration; none comes from a request.

use std::fmt::Write;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

macro_rules! labels {
    ($($(#[$about:meta])* $name:ident { $($field:ident : $kind:ty),* })*) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
        #[expect(missing_docs, reason = "names.rs tells what each label means, once")]
        pub struct $name { $(pub $field: $kind),* }
    )*};
}

labels! {
    /// Of connections.
    ConnectionLabels { listener: &'static str }

    /// Of handshakes.
    HandshakeLabels {
        outcome: &'static str,
        version: &'static str,
        group: &'static str,
        kind: &'static str
    }

    /// Of answered requests.
    RequestLabels { door: &'static str, status: u16 }

    /// Of gRPC calls.
    CodeLabels { code: u16 }

    /// Of durations.
    DoorLabels { door: &'static str }

    /// Of requests in flight.
    KindLabels { kind: &'static str }

    /// Of broken rules.
    ViolationLabels { protocol: &'static str, rule: RuleName }

    /// Of what happens towards an upstream.
    UpstreamLabels { upstream: &'static str, outcome: &'static str }

    /// Of an upstream as a whole.
    UpstreamNameLabels { upstream: &'static str }

    /// Of connections to an upstream.
    UpstreamConnectionLabels { upstream: &'static str, state: &'static str }

    /// Of a certificate.
    CertificateLabels { name: String }

    /// Of a certificate's state.
    CertificateStateLabels { name: String, state: &'static str }

    /// Of refusals by an ACME server.
    AcmeErrorLabels { kind: &'static str }

    /// A plain outcome.
    OutcomeLabels { outcome: &'static str }

    /// Of the process's way to its end.
    PhaseLabels { phase: &'static str }

    /// Of the program.
    BuildLabels { version: &'static str }
}

/// The name of a constant, `BARE_LINE_FEED`, which is written in small letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RuleName(pub &'static str);

impl EncodeLabelValue for RuleName {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0
            .chars()
            .try_for_each(|letter| encoder.write_char(letter.to_ascii_lowercase()))
    }
}
