"""Many TLS connections that make one request each and then idle."""

import select
import socket
import ssl
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Connections:
    """Open connections to 127.0.0.1; closed together."""

    def __init__(self, port, certificate, version):
        self.port = port
        self.version = version
        self.open_ones = []
        self.context = ssl.create_default_context(cafile=str(certificate))
        self.context.set_alpn_protocols([version])
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.open_ones:
            connection.close()

    def open(self, count, seconds):
        """Opens so many more, or says how far it came in that time: some servers take minutes."""
        end = time.monotonic() + seconds
        for number in range(count):
            if time.monotonic() > end:
                raise TimeoutError(f"{number} of {count} connections were open after {seconds} s")
            raw = socket.create_connection(("127.0.0.1", self.port), 10)
            connection = self.context.wrap_socket(raw, server_hostname="bench.test")
            assert connection.selected_alpn_protocol() == self.version, "another protocol was chosen"
            self.open_ones.append(connection)
            if self.version == "h2":
                request_http2(connection)
            else:
                request_http1(connection)


def request_http1(connection):
    connection.sendall(b"GET / HTTP/1.1\r\nHost: bench.test\r\n\r\n")
    answer = b""
    while not answer.endswith(b"x" * 1024) and b"0\r\n\r\n" not in answer:
        piece = connection.recv(4096)
        assert piece, "closed before the answer"
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200"), answer[:100]


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def request_http2(connection):
    authority = b"bench.test"
    # :method GET, :scheme https, :path / from the static table; :authority literal
    block = b"\x82\x87\x84\x41" + bytes([len(authority)]) + authority
    connection.sendall(PREFACE + frame(4, 0, 0) + frame(1, 0x5, 1, block))
    received = b""
    ended = False
    while not ended:
        piece = connection.recv(16384)
        assert piece, "closed before the answer"
        received += piece
        while len(received) >= 9:
            length = int.from_bytes(received[:3], "big")
            if len(received) < 9 + length:
                break
            kind, flags = received[3], received[4]
            stream = int.from_bytes(received[5:9], "big")
            received = received[9 + length:]
            if kind == 4 and not flags & 1:
                connection.sendall(frame(4, 1, 0))
            assert kind != 7, "the server says GOAWAY"
            ended = ended or (stream == 1 and kind in (0, 1) and bool(flags & 1))
    # what was announced late, such as the acknowledgement of our settings
    # poll, since select knows no descriptor above 1 023
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    while waiting.poll(0) and connection.recv(16384):
        pass
