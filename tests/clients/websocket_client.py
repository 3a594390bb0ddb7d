"""WebSocket over HTTP/1.1 through the edge; prints what happened as JSON.

websocket_client.py HOST:PORT ROOT SCENARIO [ARGUMENT...]
"""

import json
import socket
import ssl
import sys
import time

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

address, root, scenario, *arguments = sys.argv[1:]
host, port = address.rsplit(":", 1)


def dial(path, **more):
    context = ssl.create_default_context(cafile=root)
    context.set_alpn_protocols(["http/1.1"])
    return connect(
        f"wss://edge.test:{port}{path}", sock=socket.create_connection((host, int(port))),
        ssl=context, server_hostname="edge.test", max_size=None, compression=None, **more)


def run_echo():
    with dial("/echo%2Fpath?q=1", subprotocols=["other", "duo"]) as connection:
        connection.send("text")
        text = connection.recv(timeout=20)
        large = bytes(range(256)) * 4096 * 4
        connection.send(large)
        binary = connection.recv(timeout=20) == large
        connection.send(iter(["in ", "three ", "pieces"]))
        pieces = connection.recv(timeout=20)
        pong = connection.ping().wait(20)
        connection.send("head")
        head = json.loads(connection.recv(timeout=20))
        protocol = connection.subprotocol
    print(json.dumps({
        "text": text, "binary": binary, "pieces": pieces, "pong": pong, "head": head,
        "protocol": protocol, "code": connection.close_code}))


def run_close(code):
    with dial(f"/close/{code}") as connection:
        try:
            connection.recv(timeout=20)
        except ConnectionClosed as closed:
            print(json.dumps({"code": closed.rcvd.code, "reason": closed.rcvd.reason}))


def run_held(seconds):
    """Echoes every 0.2 s until the other side closes or the time is over."""
    until = time.monotonic() + float(seconds)
    echoed = 0
    with dial("/echo") as connection:
        try:
            while time.monotonic() < until:
                connection.send("tick")
                connection.recv(timeout=20)
                echoed += 1
                if echoed == 1:
                    print("open", flush=True)
                time.sleep(0.2)
        except ConnectionClosed:
            pass
    print(json.dumps({"echoed": echoed, "code": connection.close_code}))


globals()[f"run_{scenario}"](*arguments)
