"""A stand-in for the agent platform: a grpcio server, C core as in GitLab's Ruby client.

Messages are plain bytes, so no proto is needed. Under /DuoWorkflow/:

Echo       unary: the request back
Metadata   unary: JSON of the metadata that arrived, names with lengths, and the deadline left
Status     unary: ends with the status named by the request, as "CODE words"
Count      server stream: "COUNT GAP" gives that many messages, each the time it was sent
Bidi       both directions: each message back
ListTools  ends with UNAUTHENTICATED, as GitLab's service does without a token

Health and reflection as any gRPC server has them. PINGs are not policed, as in the real service.
"""

import argparse
import json
import time
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection


def echo(request, context):
    context.send_initial_metadata((("x-from-service", "head"),))
    context.set_trailing_metadata((("x-from-service", "trailer"), ("x-bytes-bin", b"\x00\xff")))
    return request


def metadata(request, context):
    seen = [[name, len(value)] for name, value in context.invocation_metadata()]
    words = dict(context.invocation_metadata())
    left = context.time_remaining()
    return json.dumps({
        "lengths": seen, "left": left,
        "forwarded_for": words.get("x-forwarded-for"), "te": words.get("te"),
        "user_agent": words.get("user-agent"),
    }).encode()


def status(request, context):
    code, _, words = request.decode().partition(" ")
    context.abort(grpc.StatusCode[code], words)


def count(request, context):
    total, gap = request.decode().split()
    for number in range(int(total)):
        if number:
            time.sleep(float(gap))
        yield repr(time.time()).encode()


def bidi(requests, context):
    yield from requests


def list_tools(request, context):
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")


handlers = {
    "ListTools": grpc.unary_unary_rpc_method_handler(list_tools),
    "Echo": grpc.unary_unary_rpc_method_handler(echo),
    "Metadata": grpc.unary_unary_rpc_method_handler(metadata),
    "Status": grpc.unary_unary_rpc_method_handler(status),
    "Count": grpc.unary_stream_rpc_method_handler(count),
    "Bidi": grpc.stream_stream_rpc_method_handler(bidi),
}

options = argparse.ArgumentParser()
options.add_argument("--listen", default="127.0.0.1:0")
options.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
options = options.parse_args()

server = grpc.server(
    futures.ThreadPoolExecutor(max_workers=128),
    options=[
        ("grpc.max_metadata_size", 64 * 1024),
        ("grpc.absolute_max_metadata_size", 64 * 1024),
        ("grpc.http2.min_ping_interval_without_data_ms", 1000),
        ("grpc.http2.max_ping_strikes", 0),
        ("grpc.keepalive_permit_without_calls", 1),
    ],
)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("DuoWorkflow", handlers),))
checks = health.HealthServicer()
for name in ("", "DuoWorkflow"):
    checks.set(name, health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(checks, server)
names = (health.SERVICE_NAME, reflection.SERVICE_NAME)
reflection.enable_server_reflection(names, server)

host, _, port = options.listen.rpartition(":")
if options.tls:
    certificate, key = (open(path, "rb").read() for path in options.tls)
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    port = server.add_secure_port(f"{host}:{port}", credentials)
else:
    port = server.add_insecure_port(f"{host}:{port}")
server.start()
print(f"ready {host}:{port}", flush=True)
server.wait_for_termination()
