//! Why a listener could not be had.

use std::{io, net::SocketAddr};

use rustix::io::Errno;

/// A failure before any connection was accepted.
#[derive(Debug, thiserror::Error)]
pub enum ListenerError {
    /// An address could not be bound.
    #[error("listen.{key}: cannot listen on {address}: {reason}; {remedy}")]
    Address {
        /// The key under `listen`.
        key: &'static str,
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        reason: io::Error,
        /// What to do about it.
        remedy: String,
    },
    /// A socket was handed to us that no key asks for.
    #[error(
        "the service manager handed over a socket on {address}, but no key under listen asks for \
         that port; set listen.https, listen.http or another to it, or take it out of the socket unit"
    )]
    UnmatchedInherited {
        /// Where the socket listens.
        address: SocketAddr,
    },
    /// A descriptor was handed to us that is no TCP listener.
    #[error(
        "descriptor {number} from the service manager is not a listening TCP socket: {reason}; \
         use ListenStream= with a port in the socket unit"
    )]
    ForeignDescriptor {
        /// The descriptor's position, counted from 3 as the service manager does.
        number: usize,
        /// What the operating system said.
        reason: io::Error,
    },
}

/// What an operator can do when binding failed.
pub(super) fn remedy(address: SocketAddr, reason: &io::Error) -> String {
    let port = address.port();
    match reason.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::ADDRINUSE) => format!(
            "another process has this port, often nginx, apache2 or an older duogate; \
             `ss -ltnp 'sport = :{port}'` names it: stop it, or choose another port"
        ),
        Some(Errno::ACCESS | Errno::PERM) => format!(
            "ports below 1024 are forbidden to this user: grant the capability \
             (`setcap cap_net_bind_service=+ep` on the binary, AmbientCapabilities=\
             CAP_NET_BIND_SERVICE in systemd), lower the sysctl \
             net.ipv4.ip_unprivileged_port_start to {port}, or choose a port above 1023"
        ),
        Some(Errno::ADDRNOTAVAIL) => {
            "no interface of this machine has this address; use [::] for all".to_owned()
        }
        Some(Errno::AFNOSUPPORT) => {
            "this machine has no IPv6; use an IPv4 address such as 0.0.0.0".to_owned()
        }
        Some(Errno::MFILE | Errno::NFILE) => {
            "no file descriptors are left; raise LimitNOFILE or `ulimit -n`".to_owned()
        }
        _ => "choose another address".to_owned(),
    }
}
