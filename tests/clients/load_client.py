"""Asks again and again and counts what failed; prints JSON.

load_client.py HOST:PORT ROOT SECONDS THREADS [kept|grpc]

Connects anew for each request; `kept`: only after an answer that says so (Connection: close);
`grpc`: unary calls of all threads over one channel that is never given up, as GitLab's are.
"""

import collections
import http.client
import json
import ssl
import sys
import threading
import time

host, port = sys.argv[1].rsplit(":", 1)
context = ssl.create_default_context(cafile=sys.argv[2])
mode = "".join(sys.argv[5:])
until = time.monotonic() + float(sys.argv[3])
outcomes = collections.Counter()
slowest = 0.0
lock = threading.Lock()


def dial():
    return http.client.HTTPSConnection(host, int(port), context=context, timeout=30)


def ask(connection):
    try:
        connection.request("GET", "/monitoring/healthz")
        answer = connection.getresponse()
        answer.read()
        return str(answer.status)
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    except http.client.HTTPException as error:
        return f"{type(error).__name__}: {error}"


def channel():
    import grpc  # slow to load, and not needed by the others
    credentials = grpc.ssl_channel_credentials(open(sys.argv[2], "rb").read())
    # Retries stay on, as in GitLab's clients: a call that the library has begun, but not sent when
    # GOAWAY arrives, is otherwise failed by the library itself.
    options = [("grpc.ssl_target_name_override", "edge.test")]
    return grpc.secure_channel(sys.argv[1], credentials, options)


def call(echo):
    import grpc
    try:
        return "200" if echo(b"x", timeout=30) == b"x" else "wrong echo"
    except grpc.RpcError as error:
        return f"{error.code()}: {error.details()}"


def work(echo):
    global slowest
    connection = dial()
    while time.monotonic() < until:
        begin = time.monotonic()
        outcome = call(echo) if echo else ask(connection)
        if mode != "kept" or outcome != "200":
            connection.close()
            connection = dial()
        with lock:
            outcomes[outcome] += 1
            slowest = max(slowest, time.monotonic() - begin)
        if outcomes["200"] == 1:
            print("open", flush=True)
        time.sleep(0.02)


echo = channel().unary_unary("/DuoWorkflow/Echo") if mode == "grpc" else None
threads = [threading.Thread(target=work, args=[echo]) for _ in range(int(sys.argv[4]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"outcomes": outcomes, "slowest_seconds": round(slowest, 2)}), flush=True)
