//! What the name resolves to.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use super::{Finding, Place};
use crate::upstream::Resolver;

/// Looks the name up. No address means that nothing else can be looked at.
pub(super) async fn look_up(
    place: &Place,
    instead: Option<IpAddr>,
    patience: Duration,
) -> (Vec<SocketAddr>, Vec<Finding>) {
    let port = place.origin().port();
    if let Some(address) = instead {
        let seen = format!("not asked; {} is taken to be {address}", place.host());
        return (
            vec![SocketAddr::new(address, port)],
            vec![Finding::ok(SUBJECT, seen)],
        );
    }
    if let Some(address) = place.origin().address() {
        let seen = format!("{address} is an address; nothing to look up");
        let mut findings = vec![Finding::ok(SUBJECT, seen)];
        findings.extend(gitlab_refuses(place.host(), &[address]));
        return (vec![SocketAddr::new(address, port)], findings);
    }
    match Resolver::system().addresses(place.origin(), patience).await {
        Ok(mut addresses) => {
            addresses.truncate(MAXIMUM_ADDRESSES);
            let bare: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
            let seen = format!("{} is {}", place.host(), listed(&bare));
            let mut findings = vec![Finding::ok(SUBJECT, seen)];
            findings.extend(gitlab_refuses(place.host(), &bare));
            (addresses, findings)
        }
        Err(error) => {
            let remedy = format!(
                "add an A record (and AAAA where there is IPv6) for {} that points to Duogate's \
                 host, or correct the name; to look at a server before its name exists: --address IP",
                place.host()
            );
            (
                Vec::new(),
                vec![Finding::problem(SUBJECT, error.to_string(), remedy)],
            )
        }
    }
}

fn listed(addresses: &[IpAddr]) -> String {
    let words: Vec<String> = addresses
        .iter()
        .map(|address| match address {
            IpAddr::V4(address) => format!("{address} (A)"),
            IpAddr::V6(address) => format!("{address} (AAAA)"),
        })
        .collect();
    words.join(", ")
}

/// GitLab refuses localhost as a setting, and its `HEAD` probe alone, unlike all calls with data,
/// refuses private addresses (gitlab-clients 0 and 2.1).
fn gitlab_refuses(host: &str, addresses: &[IpAddr]) -> Option<Finding> {
    let address = addresses.iter().find(|address| is_private(**address))?;
    if address.is_loopback() {
        return Some(Finding::warning(
            SUBJECT,
            format!("{address} is this machine alone; GitLab refuses such a URL in its settings"),
            "give GitLab a name that points to an address of this machine that others reach",
        ));
    }
    Some(Finding::warning(
        SUBJECT,
        format!(
            "{address} is a private address, which the host probe of GitLab's health check refuses, \
             although every feature works"
        ),
        format!(
            "in GitLab, Admin > Settings > Network > Outbound requests: add {host} to the hosts \
             that may be accessed from hooks and integrations"
        ),
    ))
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_private() || address.is_loopback() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address
                    .to_ipv4_mapped()
                    .is_some_and(|address| is_private(IpAddr::V4(address)))
        }
    }
}

const SUBJECT: &str = "dns";

/// More than any gateway has; each is dialled.
const MAXIMUM_ADDRESSES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_and_public_ones_are_not() {
        let of = |text: &str| gitlab_refuses("name", &[text.parse().expect("an address")]);
        assert!(of("198.51.100.7").is_none() && of("2001:db8::1").is_none());
        for private in ["10.0.0.1", "192.168.1.1", "fd00::1", "::ffff:10.0.0.1"] {
            let finding = of(private).expect(private);
            assert!(finding.seen.contains("private"), "{finding:?}");
        }
        assert!(of("127.0.0.1").expect("told").seen.contains("this machine"));
    }
}
