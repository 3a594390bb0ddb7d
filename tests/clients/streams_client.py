"""Many streams at once through the edge, held until they end; prints how each ended as JSON.

streams_client.py HOST:PORT ROOT COUNT SSE_EVENTS KIND...

Opens COUNT of each KIND (sse, websocket, grpc), says `open` once each has carried a message,
and `ended KIND HOW` for each that ends. SIGUSR1 makes the gRPC streams half-close, as a client does
that is done.
"""

import asyncio
import collections
import json
import signal
import ssl
import sys

import grpc
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

address, root = sys.argv[1:3]
count, events = int(sys.argv[3]), int(sys.argv[4])
kinds = sys.argv[5:]
host, port = address.rsplit(":", 1)
context = ssl.create_default_context(cafile=root)
context.set_alpn_protocols(["http/1.1"])
opened = collections.Counter()
ended = collections.defaultdict(collections.Counter)


def note_open(kind):
    opened[kind] += 1
    if sum(opened.values()) == len(kinds) * count:
        print("open", flush=True)


def note_end(kind, how):
    ended[kind][how] += 1
    print("ended", kind, how, flush=True)


async def sse():
    reader, writer = await asyncio.open_connection(
        host, int(port), ssl=context, server_hostname="edge.test")
    path = f"/sse?count={events}&gap=0.4"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: edge.test\r\n\r\n".encode())
    seen, text = 0, b""
    while not text.endswith(b"\r\n0\r\n\r\n"):
        piece = await reader.read(65536)
        if not piece:
            return note_end("sse", f"cut after {seen}")
        if b"data: " in piece and not seen:
            note_open("sse")
        seen += piece.count(b"data: ")
        text = (text + piece)[-64:]
    note_end("sse", "whole" if seen == events else f"whole with {seen}")
    writer.close()


async def websocket():
    async with connect(f"wss://edge.test:{port}/echo", host=host, port=int(port), ssl=context,
                       server_hostname="edge.test", compression=None, proxy=None,
                       ping_interval=None) as connection:
        first = True
        try:
            while True:
                await connection.send("tick")
                if await asyncio.wait_for(connection.recv(), 20) != "tick":
                    return note_end("websocket", "wrong echo")
                if first:
                    note_open("websocket")
                first = False
                await asyncio.sleep(0.4)
        except ConnectionClosed:
            note_end("websocket", str(connection.close_code))


async def rpc(channel, done):
    call = channel.stream_stream("/DuoWorkflow/Bidi")()
    first = True
    try:
        while not done.is_set():
            await call.write(b"tick")
            if await asyncio.wait_for(call.read(), 20) is grpc.aio.EOF:
                return note_end("grpc", "early " + (await call.code()).name)
            if first:
                note_open("grpc")
            first = False
            await asyncio.sleep(0.4)
        await call.done_writing()
        while await call.read() is not grpc.aio.EOF:
            pass
        note_end("grpc", (await call.code()).name)
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError) as error:
        note_end("grpc", f"{type(error).__name__} {await call.code()}")


async def guarded(kind, stream):
    try:
        await stream
    except Exception as error:  # whatever it is, the test has to see it
        note_end(kind, f"{type(error).__name__}: {error}")


async def main():
    done = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, done.set)
    credentials = grpc.ssl_channel_credentials(open(root, "rb").read())
    options = [("grpc.ssl_target_name_override", "edge.test"), ("grpc.enable_retries", 0)]
    async with grpc.aio.secure_channel(address, credentials, options) as channel:
        make = {"sse": sse, "websocket": websocket, "grpc": lambda: rpc(channel, done)}
        await asyncio.gather(
            *(guarded(kind, make[kind]()) for kind in kinds for _ in range(count)))
    print(json.dumps(ended), flush=True)


asyncio.run(main())
