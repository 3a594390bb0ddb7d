//! Listening sockets from one process to the next over a Unix socket (unix(7), SCM_RIGHTS).
//!
//! No descriptor is left open across exec and none is known by its number alone, so no other
//! program that is started meanwhile gets one, and no unsafe code is needed to own them again.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::TcpListener,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Sends handles of these sockets; they stay in the channel until the other side takes them.
pub fn pass_sockets<S: AsFd>(channel: &UnixStream, sockets: &[S]) -> io::Result<()> {
    let sockets: Vec<BorrowedFd<'_>> = sockets.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fits = sockets.len() <= MOST_SOCKETS;
    if !fits || !control.push(SendAncillaryMessage::ScmRights(&sockets)) {
        return Err(io::Error::other("there are too many listening sockets"));
    }
    // descriptors travel with at least one byte
    sendmsg(
        channel,
        &[IoSlice::new(&[0])],
        &mut control,
        SendFlags::empty(),
    )?;
    Ok(())
}

/// Takes what [`pass_sockets`] sent; waits for it.
pub fn receive_sockets(channel: &UnixStream) -> io::Result<Vec<TcpListener>> {
    let mut space = [MaybeUninit::uninit(); SPACE];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let (mut byte, flags) = ([0], RecvFlags::CMSG_CLOEXEC);
    let received = recvmsg(
        channel,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        flags,
    )?;
    if received.bytes == 0 || received.flags.contains(ReturnFlags::CTRUNC) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let sockets = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    Ok(sockets.flatten().map(TcpListener::from).collect())
}

/// More listeners than any configuration has; Linux passes up to 253 at once.
const MOST_SOCKETS: usize = 250;

const SPACE: usize = rustix::cmsg_space!(ScmRights(MOST_SOCKETS));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_arrive_and_listen() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        pass_sockets(&ours, &[&socket]).unwrap();
        drop((ours, socket));
        let received = receive_sockets(&theirs).unwrap();
        assert_eq!(received.len(), 1);
        assert_eq!(received[0].local_addr().unwrap(), address);
        let _client = std::net::TcpStream::connect(address).unwrap();
        received[0].accept().unwrap();
        assert!(receive_sockets(&theirs).is_err(), "nobody is left to send");
    }

    #[test]
    fn too_many_are_refused_and_not_cut() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let many: Vec<_> = (0..=MOST_SOCKETS).map(|_| &socket).collect();
        assert!(pass_sockets(&ours, &many).is_err());
    }
}
