"""An upstream that sends server-sent events at a steady pace: /events?gap=SECONDS&count=N.

    events.py PORT
"""

import asyncio
import sys
import urllib.parse

EVENT = b"data: " + b"t" * 100 + b"\n\n"
CHUNK = f"{len(EVENT):x}\r\n".encode() + EVENT + b"\r\n"


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(head.split()[1].decode()).query)
            gap, count = float(query["gap"][0]), int(query["count"][0])
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                         b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(count):
                await asyncio.sleep(gap)
                writer.write(CHUNK)
                await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=1024)
    async with server:
        await server.serve_forever()


asyncio.run(main())
