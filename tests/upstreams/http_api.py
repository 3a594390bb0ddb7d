"""A stand-in for the AI gateway's HTTP service, written at the level of bytes.

Every path answers a JSON object with what arrived: method, target as sent, header fields in order,
length and digest of the body, the number of the connection. Some paths do more:

/sse?count=5&gap=0.2     server-sent events, one a gap, each with the time it was written
/chunked?count=5&gap=0   the same as plain chunks
/bytes?size=N            N bytes with Content-Length
/slow?seconds=N          the head comes after N seconds
/cut                     promises 1000 bytes, sends 10, closes
/cut-chunks              two chunks, then closes without the last one
/garbage                 something that is no HTTP
/endless                 events until the client leaves; /left tells how many clients left early
/told?gap=0.2            numbered events until SIGUSR1, then one that says it is the last
"""

import argparse
import asyncio
import hashlib
import json
import signal
import time
from urllib.parse import parse_qs, urlsplit

connections = 0
left_early = 0
told = asyncio.Event()


async def read_head(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, target, version = lines[0].split(" ", 2)
    fields = [line.split(":", 1) for line in lines[1:] if line]
    return method, target, version, [[name, value.strip()] for name, value in fields]


async def read_body(reader, fields):
    known = {name.lower(): value for name, value in fields}
    digest, length = hashlib.sha256(), 0
    if known.get("transfer-encoding", "").lower() == "chunked":
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            piece = await reader.readexactly(size + 2)
            if size == 0:
                break
            digest.update(piece[:-2])
            length += size
    else:
        remaining = int(known.get("content-length", "0"))
        while remaining:
            piece = await reader.read(min(remaining, 65536))
            if not piece:
                raise asyncio.IncompleteReadError(b"", remaining)
            digest.update(piece)
            length += len(piece)
            remaining -= len(piece)
    return length, digest.hexdigest()


def head(status, fields):
    lines = [f"HTTP/1.1 {status}"] + [f"{name}: {value}" for name, value in fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(piece):
    return b"%x\r\n%s\r\n" % (len(piece), piece)


async def stream(writer, kind, pieces, gap):
    writer.write(head("200 OK", [("Content-Type", kind), ("Transfer-Encoding", "chunked")]))
    for number, make in enumerate(pieces):
        if number and gap:
            await asyncio.sleep(gap)
        writer.write(chunk(make()))
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def event():
    return b"data: %s\n\n" % json.dumps({"at": time.time()}).encode()


async def numbered(writer, gap):
    writer.write(head("200 OK", [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]))
    number, last = 0, False
    while not last:
        last = told.is_set()
        writer.write(chunk(b"data: %s\n\n" % json.dumps({"number": number, "last": last}).encode()))
        await writer.drain()
        number += 1
        await asyncio.sleep(0 if last else gap)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def answer(method, target, version, fields, body, number, reader, writer):
    global left_early
    url = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    gap = float(query.get("gap", "0"))
    count = int(query.get("count", "5"))
    if url.path == "/sse":
        await stream(writer, "text/event-stream", [event] * count, gap)
    elif url.path == "/chunked":
        await stream(writer, "application/octet-stream", [event] * count, gap)
    elif url.path == "/bytes":
        size = int(query["size"])
        writer.write(head("200 OK", [("Content-Length", size), ("Content-Type", "text/plain")]))
        while size and method != "HEAD":
            writer.write(b"x" * min(size, 65536))
            size -= min(size, 65536)
            await writer.drain()
    elif url.path == "/told":
        await numbered(writer, gap)
    elif url.path == "/cut":
        writer.write(head("200 OK", [("Content-Length", 1000)]) + b"0123456789")
        await writer.drain()
        return False
    elif url.path == "/cut-chunks":
        writer.write(head("200 OK", [("Transfer-Encoding", "chunked")]) + chunk(b"one") + chunk(b"two"))
        await writer.drain()
        return False
    elif url.path == "/garbage":
        writer.write(b"220 mail.example.com ESMTP\r\n\r\n")
        await writer.drain()
        return False
    elif url.path == "/endless":
        writer.write(head("200 OK", [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")]))
        leaves = asyncio.ensure_future(reader.read(1))
        while not leaves.done():
            writer.write(chunk(event()))
            await asyncio.wait([leaves], timeout=0.05)
        left_early += 1
        return False
    else:
        if url.path == "/slow":
            await asyncio.sleep(float(query["seconds"]))
        seen = {
            "method": method, "target": target, "version": version, "fields": fields,
            "body_bytes": body[0], "body_sha256": body[1], "connection": number,
            "left_early": left_early,
        }
        text = json.dumps(seen).encode()
        answered = [
            ("Content-Type", "application/json"), ("Content-Length", len(text)),
            ("X-Upstream", "stand-in"), ("Keep-Alive", "timeout=60"),
            ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"),
        ]
        writer.write(head("200 OK", answered) + (b"" if method == "HEAD" else text))
        await writer.drain()
    return True


async def serve(reader, writer):
    global connections
    connections += 1
    number = connections
    try:
        goes_on = True
        while goes_on:
            method, target, version, fields = await read_head(reader)
            if any(name.lower() == "expect" for name, _ in fields):
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await read_body(reader, fields)
            goes_on = await answer(method, target, version, fields, body, number, reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass
    finally:
        writer.close()


async def main():
    options = argparse.ArgumentParser()
    options.add_argument("--listen", default="127.0.0.1:0")
    host, port = options.parse_args().listen.rsplit(":", 1)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, told.set)
    server = await asyncio.start_server(serve, host, int(port), limit=1 << 20)
    address = server.sockets[0].getsockname()
    print(f"ready {address[0]}:{address[1]}", flush=True)
    await server.serve_forever()


asyncio.run(main())
