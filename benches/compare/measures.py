"""One measurement each: a client runs against one server, whose CPU time is read around it."""

import http.client
import pathlib
import re
import ssl
import statistics
import subprocess
import sys
import threading
import time

import idle
from servers import PYTHON

HERE = pathlib.Path(__file__).resolve().parent


def measured(server, command, limit):
    """Runs a client and gives its output with the CPU seconds that the server spent meanwhile."""
    before = server.cpu_seconds()
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=limit, check=False)
    time.sleep(0.1)
    spent = server.cpu_seconds() - before
    if done.returncode not in (0, 1):
        raise Failure(f"{command} ended with {done.returncode}: {done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr, spent


class Failure(Exception):
    """A server or client did not do what is measured; the cell stays empty and says why."""


def handshake(stage, server, seconds):
    """Full TLS 1.3 handshakes by X25519: Debian's OpenSSL knows nothing newer."""
    command = ["openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-new",
               "-time", seconds, "-tls1_3"]
    # s_time counts the time of its own CPU, so it may take longer than asked
    output, spent = measured(server, command, 30 + 10 * seconds)
    count = int(found(r"(\d+) connections in [\d.]+ real seconds", output).group(1))
    return {"count": count, "cpu_us": 1e6 * spent / count}


def post_quantum(stage, server, seconds):
    """The same by X25519MLKEM768; a server that chooses another group has no value here."""
    count, _, group, spent = tls_load(server, seconds, "full")
    if group != "X25519MLKEM768":
        raise Failure(f"negotiates {group}")
    return {"count": count, "cpu_us": 1e6 * spent / count}


def resumption(stage, server, seconds):
    """TLS 1.3 resumptions, each followed by one request that brings the next ticket."""
    count, resumed, _, spent = tls_load(server, seconds, "resumed")
    if resumed < 0.99 * count:
        raise Failure(f"resumed {resumed} of {count}")
    return {"count": count, "cpu_us": 1e6 * spent / count}


def tls_load(server, seconds, what):
    command = [PYTHON, HERE / "tls_load.py", server.port, seconds, what]
    output, spent = measured(server, command, 30 + seconds)
    count, resumed, group = found(r"(\d+) connections, (\d+) resumed, group (\w+)", output).groups()
    return int(count), int(resumed), group.upper(), spent


def http1(stage, server, seconds):
    output, spent = measured(server, ["wrk", "-t1", "-c32", f"-d{seconds}s", server.url], 30 + seconds)
    count, took = found(r"(\d+) requests in ([\d.]+)s", output).groups()
    refuse(re.search(r"(Non-2xx|Socket errors).*", output))
    return {"per_second": int(count) / float(took), "cpu_us": 1e6 * spent / int(count)}


def http2(stage, server, seconds):
    return h2load(server, seconds, ["-c16", "-m8", server.url])


def grpc_unary(stage, server, seconds):
    """A message of 100 bytes there and back; the upstream in Python bounds the rate, so CPU counts."""
    message = stage.folder / "message"
    message.write_bytes(b"\0" + (100).to_bytes(4, "big") + b"t" * 100)
    return h2load(server, seconds, [
        "-c4", "-m4", "-d", message, "-Hcontent-type: application/grpc", "-Hte: trailers",
        f"{server.url}bench.Bench/Echo"])


def h2load(server, seconds, arguments):
    command = ["h2load", "-t1", f"-D{seconds}", "--warm-up-time=0", *arguments]
    output, spent = measured(server, command, 30 + seconds)
    count = int(found(r"status codes: (\d+) 2xx", output).group(1))
    refuse(re.search(r"[1-9]\d* (failed|errored|3xx|4xx|5xx)", output))
    if not count:
        raise Failure("no answers")
    per_second = float(found(r", ([\d.]+) req/s", output).group(1))
    return {"per_second": per_second, "cpu_us": 1e6 * spent / count}


def latency(stage, server, seconds, rate):
    """At a fixed rate over 16 connections; the client's log has the time of every request."""
    log = stage.folder / "requests.log"
    log.unlink(missing_ok=True)
    clients = 16
    command = ["h2load", "-t1", f"-c{clients}", "-m8", f"-D{seconds}", "--warm-up-time=0",
               f"--rps={rate / clients:.2f}", f"--log-file={log}", server.url]
    _, spent = measured(server, command, 30 + seconds)
    times = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    if len(times) < 0.9 * rate * seconds:
        raise Failure(f"answered {len(times)} of {rate * seconds:.0f}")
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    return {"p50_us": at(0.5), "p99_us": at(0.99), "cpu_us": 1e6 * spent / len(times)}


def grpc_stream(stage, server, seconds):
    """40 streams on one connection, 20 messages a second each: tokens of a model."""
    command = [PYTHON, HERE / "grpc_load.py", "streams", server.port, stage.certificate,
               40, 20 * seconds, 0.05]
    output, spent = measured(server, command, 60 + seconds)
    count = int(found(r"(\d+) messages", output).group(1))
    if count != 40 * 20 * seconds:
        raise Failure(f"{count} messages of {40 * 20 * seconds}")
    return {"count": count, "cpu_us": 1e6 * spent / count}


def events(stage, server, seconds):
    """100 streams of server-sent events on a connection each, 20 events a second each."""
    count, gap = 20 * seconds, 0.05
    streams = [http.client.HTTPSConnection("127.0.0.1", server.port, context=anyone(), timeout=30)
               for _ in range(100)]
    received = []
    for stream in streams:
        stream.request("GET", f"/events?gap={gap}&count={count}", headers={"Host": "bench.test"})
    answers = [stream.getresponse() for stream in streams]
    refuse(None if all(answer.status == 200 for answer in answers) else re.match(".*", "not 200"))
    before = server.cpu_seconds()
    began = time.monotonic()

    def read(some):
        received.append(sum(len(answer.read()) for answer in some))

    # a few threads read them one after the other: what waits, waits in the sockets
    threads = [threading.Thread(target=read, args=(answers[part::4],)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = server.cpu_seconds() - before
    for stream in streams:
        stream.close()
    number = sum(received) // 108
    if number != 100 * count:
        raise Failure(f"{number} events of {100 * count}")
    return {"count": number, "cpu_us": 1e6 * spent / number, "seconds": time.monotonic() - began}


def anyone():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def memory(stage, name, version, count):
    """From a fresh server, so that nothing that was freed before hides the growth."""
    server = stage.restart(name)
    with idle.Connections(server.port, stage.certificate, version) as connections:
        try:
            # buffers and pools that are made once do not count
            connections.open(50, OPENING_SECONDS)
            time.sleep(1)
            before = server.resident_bytes()
            connections.open(count, OPENING_SECONDS)
        except TimeoutError as slow:
            raise Failure(str(slow)) from slow
        time.sleep(3)
        after = server.resident_bytes()
    return {"connections": count, "base_mb": before / 1e6, "kb_each": (after - before) / count / 1e3}


def found(pattern, output):
    match = re.search(pattern, output)
    if not match:
        raise Failure(f"no {pattern!r} in: {output[-500:]}")
    return match


def refuse(match):
    if match:
        raise Failure(match.group(0))


def rate_for_all(results):
    """Half of what Duogate, or else the middle one, answers at most."""
    maxima = {name: max(run["per_second"] for run in row["http2"])
              for name, row in results.items() if row.get("http2")}
    return int(maxima.get("duogate", statistics.median(maxima.values())) / 2)


#: for opening idle connections: the quick ones need ten for 5 000
OPENING_SECONDS = 60

#: in this order, each interleaved server by server
ROUNDS = {
    "handshake": handshake,
    "post_quantum": post_quantum,
    "resumption": resumption,
    "http1": http1,
    "http2": http2,
    "grpc_unary": grpc_unary,
    "grpc_stream": grpc_stream,
    "events": events,
}


def say(*words):
    print(*words, file=sys.stderr, flush=True)
