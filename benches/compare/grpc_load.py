"""gRPC in C core, as GitLab's clients speak it: an upstream, and the client of its streams.

    grpc_load.py serve PORT
    grpc_load.py streams PORT CERTIFICATE STREAMS COUNT GAP

/bench.Bench/Echo answers a message, /bench.Bench/Stream gives COUNT of them, GAP seconds apart.
The client prints how many messages it received.
"""

import asyncio
import pathlib
import sys

import grpc


async def echo(request, _context):
    return request


async def stream(request, _context):
    count, gap = request.split()
    for _ in range(int(count)):
        await asyncio.sleep(float(gap))
        yield b"t" * 100


async def serve(port):
    server = grpc.aio.server(options=[("grpc.http2.max_ping_strikes", 0)])
    handlers = {"Echo": grpc.unary_unary_rpc_method_handler(echo),
                "Stream": grpc.unary_stream_rpc_method_handler(stream)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Bench", handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


async def receive(channel, request):
    received = 0
    async for _ in channel.unary_stream("/bench.Bench/Stream")(request):
        received += 1
    return received


async def streams(port, certificate, number, count, gap):
    credentials = grpc.ssl_channel_credentials(pathlib.Path(certificate).read_bytes())
    options = [("grpc.ssl_target_name_override", "bench.test")]
    async with grpc.aio.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
        request = f"{count} {gap}".encode()
        received = await asyncio.gather(*(receive(channel, request) for _ in range(int(number))))
    print(f"{sum(received)} messages")


if sys.argv[1] == "serve":
    asyncio.run(serve(sys.argv[2]))
else:
    asyncio.run(streams(*sys.argv[2:]))
