//! Listening sockets from one process to the next over a Unix socket (unix(7), SCM_RIGHTS).
//!
//! No descriptor is left open across exec and none is known by its number alone, so no other
//! program that is started meanwhile gets one, and no unsafe code is needed to own them again.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::{SocketAddr, TcpListener},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Sends handles of these sockets, each with the address that the configuration asked for; they
/// stay in the channel until the other side takes them.
pub fn pass_sockets<S: AsFd>(channel: &UnixStream, sockets: &[(SocketAddr, S)]) -> io::Result<()> {
    let descriptors: Vec<BorrowedFd<'_>> = sockets.iter().map(|(_, fd)| fd.as_fd()).collect();
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fits = sockets.len() <= MOST_SOCKETS;
    if !fits || !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("there are too many listening sockets"));
    }
    // never empty: descriptors travel with at least one byte
    let mut text = String::from("duogate");
    for (asked, _) in sockets {
        text.push(' ');
        text.push_str(&asked.to_string());
    }
    let pieces = [IoSlice::new(text.as_bytes())];
    sendmsg(channel, &pieces, &mut control, SendFlags::empty())?;
    Ok(())
}

/// Takes what [`pass_sockets`] sent; waits for it.
pub fn receive_sockets(channel: &UnixStream) -> io::Result<Vec<(SocketAddr, TcpListener)>> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let (mut text, flags) = (vec![0; MOST_TEXT], RecvFlags::CMSG_CLOEXEC);
    let received = recvmsg(
        channel,
        &mut [IoSliceMut::new(&mut text)],
        &mut control,
        flags,
    )?;
    let sockets = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let sockets: Vec<_> = sockets.flatten().map(TcpListener::from).collect();
    text.truncate(received.bytes);
    let text = String::from_utf8_lossy(&text);
    let asked: Result<Vec<SocketAddr>, _> = text.split(' ').skip(1).map(str::parse).collect();
    match asked {
        Ok(asked) if asked.len() == sockets.len() && text.starts_with("duogate") => {
            Ok(asked.into_iter().zip(sockets).collect())
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// More listeners than any configuration has; Linux passes up to 253 at once.
const MOST_SOCKETS: usize = 250;

/// An address with its scope takes 60 characters at most.
const MOST_TEXT: usize = 64 * (MOST_SOCKETS + 1);

const SPACE: usize = rustix::cmsg_space!(ScmRights(MOST_SOCKETS));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_arrive_and_listen() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let asked = SocketAddr::from(([0, 0, 0, 0], 0));
        pass_sockets(&ours, &[(asked, &socket), (address, &socket)]).unwrap();
        drop((ours, socket));
        let received = receive_sockets(&theirs).unwrap();
        let came: Vec<_> = received.iter().map(|(asked, _)| *asked).collect();
        assert_eq!(came, [asked, address]);
        assert_eq!(received[1].1.local_addr().unwrap(), address);
        let _client = std::net::TcpStream::connect(address).unwrap();
        received[0].1.accept().unwrap();
        assert!(receive_sockets(&theirs).is_err(), "nobody is left to send");
    }

    #[test]
    fn too_many_are_refused_and_not_cut() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let asked = socket.local_addr().unwrap();
        let many: Vec<_> = (0..=MOST_SOCKETS).map(|_| (asked, &socket)).collect();
        assert!(pass_sockets(&ours, &many).is_err());
    }
}
