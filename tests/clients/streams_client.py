"""Many streams at once through the edge, held until they end; prints how each ended as JSON.

streams_client.py HOST:PORT ROOT COUNT KIND...

Opens COUNT of each KIND (sse, websocket, grpc), says `open` once each has carried a message,
and `ended KIND HOW` for each that ends. Messages are numbered: one that is lost, doubled or out of
order ends its stream. SIGUSR1 makes the gRPC streams half-close, as a client does that is done.
"""

import asyncio
import collections
import itertools
import json
import signal
import ssl
import sys

import grpc
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

address, root = sys.argv[1:3]
count, kinds = int(sys.argv[3]), sys.argv[4:]
host, port = address.rsplit(":", 1)
context = ssl.create_default_context(cafile=root)
context.set_alpn_protocols(["http/1.1"])
GAP = 0.4  # seconds between two messages of a stream
PATIENCE = 20  # seconds an echo may take on a busy machine
opened = collections.Counter()
ended = collections.defaultdict(collections.Counter)


def note_open(kind):
    opened[kind] += 1
    if sum(opened.values()) == len(kinds) * count:
        print("open", flush=True)


def note_end(kind, how):
    ended[kind][how] += 1
    print("ended", kind, how, flush=True)


async def events(reader):
    """The events of a chunked body, however its chunks are cut; ends where the body does."""
    text = b""
    while size := int(await reader.readline(), 16):
        text += (await reader.readexactly(size + 2))[:-2]
        *whole, text = text.split(b"\n\n")
        for event in whole:
            yield json.loads(event.removeprefix(b"data: "))


async def sse():
    reader, writer = await asyncio.open_connection(
        host, int(port), ssl=context, server_hostname="edge.test")
    writer.write(f"GET /told?gap={GAP} HTTP/1.1\r\nHost: edge.test\r\n\r\n".encode())
    expected, last = 0, False
    try:
        await reader.readuntil(b"\r\n\r\n")
        async for event in events(reader):
            if event["number"] != expected:
                return note_end("sse", f"{event['number']} instead of {expected}")
            if not expected:
                note_open("sse")
            expected, last = expected + 1, event["last"]
        note_end("sse", "whole" if last else "early")
    except (asyncio.IncompleteReadError, ValueError, OSError):  # no size where the connection ended
        note_end("sse", "cut" if expected else "never began")
    writer.close()


async def websocket():
    async with connect(f"wss://edge.test:{port}/echo", host=host, port=int(port), ssl=context,
                       server_hostname="edge.test", compression=None, proxy=None,
                       ping_interval=None) as connection:
        try:
            for number in itertools.count():
                await connection.send(str(number))
                if await asyncio.wait_for(connection.recv(), PATIENCE) != str(number):
                    return note_end("websocket", "wrong echo")
                if not number:
                    note_open("websocket")
                await asyncio.sleep(GAP)
        except ConnectionClosed:
            note_end("websocket", str(connection.close_code))


async def rpc(channel, done):
    call = channel.stream_stream("/DuoWorkflow/Bidi")()
    try:
        for number in itertools.count():
            await call.write(b"%d" % number)
            answer = await asyncio.wait_for(call.read(), PATIENCE)
            if answer is grpc.aio.EOF:
                return note_end("grpc", "early " + (await call.code()).name)
            if answer != b"%d" % number:
                return note_end("grpc", "wrong echo")
            if not number:
                note_open("grpc")
            if done.is_set():
                break
            await asyncio.sleep(GAP)
        await call.done_writing()
        while await call.read() is not grpc.aio.EOF:
            pass
        note_end("grpc", (await call.code()).name)
    except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
        note_end("grpc", (await call.code()).name)


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
