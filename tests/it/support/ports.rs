//! Ports for listeners that cannot be told to take any free one.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
};

/// A loopback port that no other test uses while this lives.
pub(crate) struct Port {
    number: u16,
    // the lock on this file is the reservation; the kernel drops it with the process
    _reservation: File,
}

impl Port {
    /// Any free port below the range from which the kernel gives ports to outgoing connections.
    pub(crate) fn free() -> Self {
        let start = u16::try_from(std::process::id() % 5000).unwrap();
        (0..RANGE_LENGTH)
            .map(|step| RANGE_START + (start * 3 + step) % RANGE_LENGTH)
            .find_map(|number| {
                let reservation = reservation(number);
                reservation.try_lock().ok()?;
                TcpListener::bind((Ipv4Addr::LOCALHOST, number)).ok()?;
                Some(Self {
                    number,
                    _reservation: reservation,
                })
            })
            .expect("some port is free")
    }

    /// This port; waits for another test that has it.
    pub(crate) fn exactly(number: u16) -> Self {
        let reservation = reservation(number);
        reservation.lock().unwrap();
        Self {
            number,
            _reservation: reservation,
        }
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.number))
    }
}

/// Linux gives outgoing connections ports from 32768; the well-known ones end long before this.
const RANGE_START: u16 = 12_000;
const RANGE_LENGTH: u16 = 20_000;

fn reservation(number: u16) -> File {
    let folder = std::env::temp_dir().join("duogate-test-ports");
    fs::create_dir_all(&folder).unwrap();
    File::create(folder.join(number.to_string())).unwrap()
}
