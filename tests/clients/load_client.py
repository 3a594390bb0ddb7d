"""Connects anew for each request, without a pause, and counts what failed; prints JSON.

load_client.py HOST:PORT ROOT SECONDS THREADS
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
until = time.monotonic() + float(sys.argv[3])
outcomes = collections.Counter()
slowest = 0.0
lock = threading.Lock()


def ask():
    connection = http.client.HTTPSConnection(host, int(port), context=context, timeout=30)
    try:
        connection.request("GET", "/monitoring/healthz")
        return str(connection.getresponse().status)
    except OSError as error:
        return f"{type(error).__name__}: {error}"
    except http.client.HTTPException as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()


def work():
    global slowest
    while time.monotonic() < until:
        begin = time.monotonic()
        outcome = ask()
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
