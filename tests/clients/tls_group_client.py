"""Shakes hands as OpenSSL 4 does and prints as JSON what was negotiated.

tls_group_client.py HOST:PORT SERVER_NAME ROOT
"""

import json
import socket
import sys

from OpenSSL import SSL

host, port = sys.argv[1].rsplit(":", 1)
context = SSL.Context(SSL.TLS_CLIENT_METHOD)
context.load_verify_locations(sys.argv[3])
context.set_verify(SSL.VERIFY_PEER)
context.set_alpn_protos([b"http/1.1"])
with socket.create_connection((host, int(port)), timeout=20) as raw:
    raw.settimeout(None)
    connection = SSL.Connection(context, raw)
    connection.set_tlsext_host_name(sys.argv[2].encode())
    connection.set_connect_state()
    connection.do_handshake()
    connection.sendall(f"GET /monitoring/healthz HTTP/1.1\r\nHost: {sys.argv[2]}\r\n\r\n".encode())
    status = connection.recv(4096).split(b" ")[1].decode()
    seen = {
        "version": connection.get_protocol_version_name(),
        "group": connection.get_group_name(),
        "cipher": connection.get_cipher_name(),
        "alpn": connection.get_alpn_proto_negotiated().decode(),
        "status": status,
    }
print(json.dumps(seen))
