"""Asks again and again and counts what failed; prints JSON.

load_client.py HOST:PORT ROOT SECONDS THREADS [kept]

Connects anew for each request; `kept`: only after an answer that says so (Connection: close).
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
kept = sys.argv[5:] == ["kept"]
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


def work():
    global slowest
    connection = dial()
    while time.monotonic() < until:
        begin = time.monotonic()
        outcome = ask(connection)
        if not kept or outcome != "200":
            connection.close()
            connection = dial()
        with lock:
            outcomes[outcome] += 1
            slowest = max(slowest, time.monotonic() - begin)
        if outcomes["200"] == 1:
            print("open", flush=True)
        time.sleep(0.02)


threads = [threading.Thread(target=work) for _ in range(int(sys.argv[4]))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"outcomes": outcomes, "slowest_seconds": round(slowest, 2)}), flush=True)
