//! Whatever proxies write, nobody but a trusted peer is believed, and what is believed was written.
#![no_main]

use std::net::IpAddr;

use duogate::http::fuzzing::client;
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let trusted: [IpNet; 2] = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
    let fields: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let stranger: IpAddr = "192.0.2.1".parse().unwrap();
    assert_eq!(client(stranger, &fields, &trusted), stranger);
    let proxy: IpAddr = "10.0.0.1".parse().unwrap();
    assert_eq!(client(proxy, &fields, &[]), proxy);
    let found = client(proxy, &fields, &trusted);
    assert_eq!(found, found.to_canonical());
    // whatever stands left of the first stranger changes nothing
    if !trusted.iter().any(|network| network.contains(&found)) {
        let mut forged = vec![&b"203.0.113.66"[..]];
        forged.extend(&fields);
        assert_eq!(
            client(proxy, &forged, &trusted),
            found,
            "a forged field was believed"
        );
    }
    // one more proxy on the right changes nothing either
    let mut longer = fields.clone();
    longer.push(b"10.9.9.9");
    let seen = client(proxy, &longer, &trusted);
    assert!(seen == found || found == proxy, "{seen} instead of {found}");
});
