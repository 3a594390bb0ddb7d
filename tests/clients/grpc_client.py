"""gRPC as GitLab speaks it (C core), one scenario a call; prints what happened as JSON.

grpc_client.py TARGET ROOT|clear SCENARIO [ARGUMENT...]
"""

import json
import queue
import sys
import time

import grpc
from grpc_health.v1 import health_pb2

target, root, scenario, *arguments = sys.argv[1:]

# Workhorse PINGs every 20 s; the edge has to bear one every 10 s, with and without a stream
options = [
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_metadata_size", 64 * 1024),
    ("grpc.absolute_max_metadata_size", 64 * 1024),
    ("grpc.enable_retries", 0),
]


def connect(more=()):
    if root == "clear":
        return grpc.insecure_channel(target, options=[*options, *more])
    credentials = grpc.ssl_channel_credentials(open(root, "rb").read())
    name = [("grpc.ssl_target_name_override", "edge.test")]
    return grpc.secure_channel(target, credentials, options=[*options, *name, *more])


def say(**facts):
    print(json.dumps(facts), flush=True)


def failure(error):
    return {"code": error.code().name, "details": error.details()}


def unary(channel, method="Echo"):
    return channel.unary_unary(f"/DuoWorkflow/{method}")


def bidi(channel):
    """A stream with a queue in front: what is put is sent, None ends."""
    outgoing = queue.Queue()
    return outgoing, channel.stream_stream("/DuoWorkflow/Bidi")(iter(outgoing.get, None))


def run_unary(size):
    message = bytes(range(256)) * (int(size) // 256 + 1)
    message = message[: int(size)]
    answer, call = unary(connect([("grpc.max_receive_message_length", 16 << 20)])).with_call(
        message, timeout=30)
    say(
        equal=answer == message,
        head=dict(call.initial_metadata()).get("x-from-service"),
        trailer=dict(call.trailing_metadata()).get("x-from-service"),
        binary=list(dict(call.trailing_metadata()).get("x-bytes-bin", b"")),
    )


def run_metadata(*sizes):
    sent = [(f"x-large-{number}", "m" * int(size)) for number, size in enumerate(sizes)]
    answer = unary(connect(), "Metadata")(b"", metadata=sent, timeout=30)
    print(answer.decode())


def run_status(code, *words):
    try:
        unary(connect(), "Status")(f"{code} {' '.join(words)}".encode(), timeout=30)
    except grpc.RpcError as error:
        say(**failure(error))


def run_echo(size="1", seconds="30"):
    """A call that may fail, with its status and how long that took."""
    start = time.monotonic()
    try:
        unary(connect())(b"x" * int(size), timeout=float(seconds))
        say(code="OK", seconds=time.monotonic() - start)
    except grpc.RpcError as error:
        say(**failure(error), seconds=time.monotonic() - start)


def run_count(total, gap):
    call = connect().unary_stream("/DuoWorkflow/Count")(f"{total} {gap}".encode(), timeout=60)
    delays = [time.time() - float(message) for message in call]
    say(messages=len(delays), slowest=max(delays))


def run_bidi(total, size):
    outgoing, call = bidi(connect())
    message = b"\x5a" * int(size)
    start = time.monotonic()
    received = 0
    for _ in range(int(total)):
        outgoing.put(message)
    outgoing.put(None)
    for answer in call:
        assert answer == message
        received += len(answer)
    say(bytes=received, seconds=time.monotonic() - start, code=call.code().name)


def run_silent(seconds):
    outgoing, call = bidi(connect())
    outgoing.put(b"before")
    first = next(call)
    time.sleep(float(seconds))
    outgoing.put(b"after")
    second = next(call)
    outgoing.put(None)
    rest = list(call)
    say(answers=[first.decode(), second.decode(), *rest], code=call.code().name)


def run_held(seconds="60"):
    """Keeps a stream open, echoing a message every 0.2 s, until it ends or the time is over."""
    outgoing, call = bidi(connect())
    until = time.monotonic() + float(seconds)
    echoed = 0
    try:
        outgoing.put(b"tick")
        for _ in call:
            echoed += 1
            if echoed == 1:
                print("open", flush=True)
            if time.monotonic() > until:
                outgoing.put(None)
            else:
                time.sleep(0.2)
                outgoing.put(b"tick")
        say(code=call.code().name, echoed=echoed)
    except grpc.RpcError as error:
        say(**failure(error), echoed=echoed)
    finally:
        outgoing.put(None)


def run_health(*services):
    check = connect().unary_unary(
        "/grpc.health.v1.Health/Check",
        request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
        response_deserializer=health_pb2.HealthCheckResponse.FromString,
    )
    answers = {}
    for service in services:
        try:
            answer = check(health_pb2.HealthCheckRequest(service=service), timeout=30)
            answers[service] = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        except grpc.RpcError as error:
            answers[service] = error.code().name
    say(**answers)


globals()[f"run_{scenario}"](*arguments)
