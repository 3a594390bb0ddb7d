"""TLS connections one after the other, by the OpenSSL of the cryptography package (3.5 or newer).

    tls_load.py PORT SECONDS full      full handshakes as that OpenSSL offers: X25519MLKEM768 first
    tls_load.py PORT SECONDS resumed   TLS 1.3 resumptions, each by the ticket of the one before

Prints how many connections there were, how many of them resumed, and the group.
"""

import socket
import sys
import time

from OpenSSL import SSL


def main(port, seconds, resumed):
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    # a server that asks for the name gets it; whose certificate it is does not matter here
    context.set_verify(SSL.VERIFY_NONE, lambda *_: True)
    session = connect(context, port, None, resumed)[1] if resumed else None
    count = reused = 0
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        was_reused, newer, group = connect(context, port, session, resumed)
        count += 1
        reused += was_reused
        session = newer if resumed else None
    print(f"{count} connections, {reused} resumed, group {group}")


def connect(context, port, session, wants_ticket):
    raw = socket.create_connection(("127.0.0.1", int(port)), 10)
    connection = SSL.Connection(context, raw)
    # else Nagle's algorithm waits 40 ms for an acknowledgement between our two writes
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.set_tlsext_host_name(b"bench.test")
    if session is not None:
        connection.set_session(session)
    connection.set_connect_state()
    raw.settimeout(None)
    connection.do_handshake()
    newer = None
    if wants_ticket:
        # tickets come behind the handshake, so something has to be read
        connection.send(b"GET / HTTP/1.1\r\nHost: bench.test\r\nConnection: close\r\n\r\n")
        connection.recv(16384)
        newer = connection.get_session()
    reused = SSL._lib.SSL_session_reused(connection._ssl) == 1
    group = connection.get_group_name()
    # OpenSSL forgets the session of a connection that was not closed in order
    connection.set_shutdown(SSL.SENT_SHUTDOWN)
    raw.close()
    return reused, newer, group


main(sys.argv[1], sys.argv[2], sys.argv[3] == "resumed")
