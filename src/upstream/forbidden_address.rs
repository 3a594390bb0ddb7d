//! Addresses that no request may make us call, whatever name leads there.
//!
//! Requests name the model server, so whoever may send one could have us ask what only this host
//! can reach. Model servers live on private networks and on loopback, so those stay open; what is
//! never a model server does not.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use super::Lookup;

/// Why an address is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} addresses are never called")]
pub struct ForbiddenAddress(&'static str);

/// Refuses addresses that no model server has: link-local ones, where clouds keep their metadata,
/// those that mean no host or many, and the same written as IPv6.
pub fn judge_address(address: IpAddr) -> Result<(), ForbiddenAddress> {
    match address {
        IpAddr::V4(address) => judge_v4(address),
        IpAddr::V6(address) => judge_v6(address),
    }
}

/// The same for the host of a URL, as far as it is an address or a name that is always refused.
/// Names are judged again by what they resolve to.
pub fn judge_host(host: &str) -> Result<(), ForbiddenAddress> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return judge_address(address);
    }
    let name = bare.trim_end_matches('.').to_ascii_lowercase();
    if METADATA_NAMES.contains(&name.as_str()) {
        return Err(ForbiddenAddress("metadata"));
    }
    Ok(())
}

/// A lookup that leaves out addresses that are never called. Where no other is left, it fails.
pub(super) fn careful(lookup: Lookup) -> Lookup {
    Arc::new(move |host, port| {
        let found = lookup(host, port);
        Box::pin(async move {
            let mut refused = None;
            let mut allowed = found.await?;
            allowed.retain(|address| match judge_address(address.ip()) {
                Ok(()) => true,
                Err(reason) => {
                    refused = Some(reason);
                    false
                }
            });
            match refused {
                Some(reason) if allowed.is_empty() => Err(io::Error::other(reason)),
                _ => Ok(allowed),
            }
        })
    })
}

fn judge_v4(address: Ipv4Addr) -> Result<(), ForbiddenAddress> {
    let kind = if METADATA.contains(&address) {
        "metadata"
    } else if address.is_link_local() {
        "link-local"
    } else if address.octets()[0] == 0 {
        "unspecified"
    } else if address.is_multicast() {
        "multicast"
    } else if address.is_broadcast() {
        "broadcast"
    } else {
        return Ok(());
    };
    Err(ForbiddenAddress(kind))
}

fn judge_v6(address: Ipv6Addr) -> Result<(), ForbiddenAddress> {
    let segments = address.segments();
    let kind = if METADATA_V6.contains(&address) || segments[..2] == AMAZON {
        "metadata"
    } else if address.is_unspecified() {
        "unspecified"
    } else if segments[0] & 0xffc0 == 0xfe80 {
        "link-local"
    } else if address.is_multicast() {
        "multicast"
    } else {
        return embedded(address).into_iter().try_for_each(judge_v4);
    };
    Err(ForbiddenAddress(kind))
}

/// The IPv4 addresses that an IPv6 address may stand for: mapped, compatible, NAT64 or 6to4.
fn embedded(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let octets = address.octets();
    let at = |places: [usize; 4]| {
        let octets = places.map(|place| octets.get(place).copied().unwrap_or_default());
        Ipv4Addr::from(octets)
    };
    let last = [12, 13, 14, 15];
    match address.segments() {
        // ::1 is loopback and no IPv4 address
        [0, 0, 0, 0, 0, 0, high, _] if high != 0 => vec![at(last)],
        [0, 0, 0, 0, 0, 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![at(last)],
        // a network's own NAT64 writes them after 48 bits or after 96 (RFC 6052, RFC 8215)
        [0x64, 0xff9b, 1, ..] => {
            let mut both = vec![at(last), at([6, 7, 9, 10])];
            both.sort();
            // the form that it is not written in often reads as zeros
            both.into_iter()
                .skip_while(Ipv4Addr::is_unspecified)
                .collect()
        }
        [0x2002, ..] => vec![at([2, 3, 4, 5])],
        _ => Vec::new(),
    }
}

/// Where clouds answer with the credentials of the host: Amazon, Google and Azure are link-local,
/// these are not.
const METADATA: [Ipv4Addr; 3] = [
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // Azure's host agent
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle
];

/// The same by IPv6.
const METADATA_V6: [Ipv6Addr; 1] = [
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), // Google
];

/// The network of Amazon's services for a host: its metadata and the credentials of containers.
const AMAZON: [u16; 2] = [0xfd00, 0xec2];

/// Names for them, which a proxy would resolve out of our sight.
const METADATA_NAMES: [&str; 5] = [
    "metadata.google.internal",
    "metadata.goog",
    "metadata",
    "instance-data", // Amazon
    "instance-data.ec2.internal",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_never_a_model_server_is_refused_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "[fe80::1]",
            "febf::1",
            "::",
            "ff02::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "64:ff9b:1:a9fe:a9:fe00::",
            "2002:a9fe:a9fe::1",
            "metadata.google.internal",
            "Metadata.Google.Internal.",
            "instance-data",
        ] {
            assert!(judge_host(host).is_err(), "{host}");
        }
    }

    #[test]
    fn private_networks_and_loopback_are_where_models_live() {
        for host in [
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "127.0.0.1",
            "::1",
            "fd12::1",
            "::ffff:10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::10.0.0.1",
            "64:ff9b:1:a00:0:100::",
            "2001:db8::1",
            "vllm.internal",
            "metadata.example.com",
        ] {
            assert_eq!(judge_host(host), Ok(()), "{host}");
        }
    }
}
