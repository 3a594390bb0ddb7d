//! Tells a service manager how far we are (sd_notify: one datagram with `KEY=VALUE` lines).

use std::{
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::net::{SocketAddr, UnixDatagram},
    },
};

use rustix::time::{ClockId, clock_gettime};

/// Says it, where a service manager listens. Nobody else minds, so failures are only for the eyes
/// of those who debug.
pub(super) fn tell(state: &str) {
    let Some(socket) = crate::config::notify_socket() else {
        return;
    };
    if let Err(error) = send(&socket, state) {
        tracing::debug!(%error, state, "the service manager was not told");
    }
}

/// What Type=notify-reload asks for: the moment the reload began.
pub(super) fn reloading() -> String {
    let now = clock_gettime(ClockId::Monotonic);
    let microseconds = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
    format!("RELOADING=1\nMONOTONIC_USEC={microseconds}")
}

fn send(socket: &str, state: &str) -> io::Result<()> {
    let address = match socket.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_abstract_names_are_reached() {
        let name = format!("duogate-notify-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let receiver = UnixDatagram::bind_addr(&address).unwrap();
        send(&format!("@{name}"), "READY=1").unwrap();
        let mut buffer = [0; 64];
        let length = receiver.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
        assert!(send("/nowhere/notify", "READY=1").is_err());
    }
}
