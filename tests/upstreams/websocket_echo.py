"""A WebSocket server that sends every message back. A path of /close/CODE closes with that code;
/protocols agrees to the subprotocol `duo`; what it saw of the handshake is the answer to `head`."""

import argparse
import asyncio
import json

from websockets.asyncio.server import serve


async def echo(connection):
    path = connection.request.path
    if path.startswith("/close/"):
        await connection.close(int(path.rsplit("/", 1)[1]), "as asked")
        return
    async for message in connection:
        if message == "head":
            fields = [[name, value] for name, value in connection.request.headers.raw_items()]
            message = json.dumps({"path": path, "fields": fields})
        await connection.send(message)


async def main():
    options = argparse.ArgumentParser()
    options.add_argument("--listen", default="127.0.0.1:0")
    host, port = options.parse_args().listen.rsplit(":", 1)
    # no size bound and no compression of its own: what is measured is the way through
    async with serve(
        echo, host, int(port), max_size=None, compression=None, ping_interval=None,
        subprotocols=["duo"], select_subprotocol=choose,
    ) as server:
        address = server.sockets[0].getsockname()
        print(f"ready {address[0]}:{address[1]}", flush=True)
        await asyncio.get_running_loop().create_future()


def choose(connection, offered):
    return "duo" if "duo" in offered else None


asyncio.run(main())
