"""The built-in gateway beside litellm's proxy, in front of a model server that costs nothing.

Both turn a completion into a request to the same model server, ../load in Rust, whose answers are
ready before they are asked for. What a client sees of that server alone is measured in the same
run, and what is "added" is the difference.
"""

import json
import statistics
import subprocess
import threading
import time

from gateways import ABOVE, BELOW, LOAD, PACED_SECONDS, Gateways
from measures import Failure, measured, say

#: names of --measure
NAMES = ("completions", "latency_added", "first_token", "tokens")


def measure(folder, options):
    """Everything that was asked for, each round server by server."""
    with Gateways(folder) as gateways:
        rows = {name: {"failures": {}} for name in gateways.servers}

        def attempt(what, name, take):
            say(what, name)
            try:
                rows[name].setdefault(what, []).append(take())
            except (Failure, OSError, ValueError, subprocess.TimeoutExpired) as failure:
                rows[name]["failures"][what] = str(failure)
                say(f"  {failure}")

        def rounds(what, take, names):
            for _ in range(options.rounds):
                for name in names:
                    if what not in rows[name]["failures"]:
                        attempt(what, name, lambda name=name: take(gateways.servers[name], name))

        seconds, all_of_them = options.seconds, list(gateways.servers)
        if "completions" in options.measure:
            rounds("http2", lambda server, _: server.most(seconds, http2=True), ["duogate", "token"])
            rounds("http1", lambda server, _: server.most(seconds, http2=False), all_of_them)
        # a stream costs about twice as much, and has to stay as far from the most
        for what, streamed, share in (("latency_added", False, 1 / 2), ("first_token", True, 1 / 4)):
            if what in options.measure:
                most = {name: most_of(rows[name]) for name in all_of_them}
                rounds(what, lambda server, name, most=most, streamed=streamed, share=share:
                       added(gateways, server, share * most[name], seconds, streamed),
                       [name for name in all_of_them if most[name]])
        if "tokens" in options.measure:
            for what, name, streams, gap in STREAMS:
                if name in gateways.servers or name == "direct":
                    rows.setdefault(name, {"failures": {}})
                    attempt(what, name, lambda name=name, streams=streams, gap=gap:
                            tokens(gateways, name, streams, gap))
    return rows


def most_of(row):
    """The client of the latency speaks HTTP/2 where TLS is."""
    runs = row.get("http2") or row.get("http1") or []
    return statistics.median(run["per_second"] for run in runs) if runs else 0


def ask(port, path, body, requests, rate, connections, more=()):
    return [LOAD, "ask", "--to", f"127.0.0.1:{port}", "--path", path, "--body", body, "--requests", requests,
            "--rate", f"{rate:.2f}", "--connections", connections, *more]


def ask_gateway(server, body, requests, rate, connections):
    tls = ["--tls", server.certificate] if server.certificate else []
    return ask(server.port, f"/{server.path}", body, requests, rate, connections,
               [*tls, *(f"--header={field}" for field in server.headers)])


def ask_model(stage, requests, rate, connections, streams, gap=0, count=0):
    """What the gateways ask for, from the model server itself over HTTP/1.1 in clear."""
    body = stage.folder / f"direct-{streams}.json"
    body.write_text(json.dumps({"model": "codestral", "stream": streams, "max_tokens": 64,
                                "messages": [{"role": "user", "content": ABOVE + BELOW}]}))
    pace = f"/paced/{gap}/{count}" if gap else ""
    return ask(stage.model.port, f"{pace}/v1/chat/completions", body, requests, rate, connections)


def added(stage, server, rate, seconds, streamed):
    """Times at a steady rate with the gateway and without it, one behind the other."""
    requests = max(50, int(rate * seconds))
    what = "first_us" if streamed else "whole_us"
    limit = 60 + 3 * seconds
    alone = answers(measured(server, ask_model(stage, requests, rate, 64, streamed), limit)[0], requests)
    output, spent = measured(
        server, ask_gateway(server, server.body(streamed), requests, rate, server.connections), limit)
    through = answers(output, requests)
    return {"rate": rate, "cpu_us": 1e6 * spent / requests,
            **{f"{point}_us": through[what][point] for point in ("p50", "p90", "p99")},
            **{f"alone_{point}_us": alone[what][point] for point in ("p50", "p90", "p99")},
            **{f"added_{point}_us": through[what][point] - alone[what][point] for point in ("p50", "p90", "p99")}}


def answers(output, expected):
    seen = json.loads(output.strip().splitlines()[-1])
    if seen["answers"] != expected:
        raise Failure(f"{seen['answers']} answers of {expected}; {seen['failed']} failed, the first: {seen['failure']}")
    return seen


def tokens(stage, name, streams, gap):
    """So many streams at once, each a token every `gap` milliseconds; memory is read all the while."""
    count = PACED_SECONDS * 1000 // gap
    opening = streams / OPENING_SECONDS
    if name == "direct":
        server, resident = stage.model, 0
        command = ask_model(stage, streams, opening, streams, True, gap, count)
    else:
        server = stage.restart(name)
        connections = -(-streams // 250) if server.certificate else streams
        command = ask_gateway(server, server.body(True, gap, count), streams, opening, connections)
        resident = server.resident_bytes()
    peak = Peak(server)
    with peak:
        output, spent = measured(server, [*command, "--patience", 3 * PACED_SECONDS], 5 * PACED_SECONDS)
    seen = answers(output, streams)
    time.sleep(3)
    nominal = (count - 1) * gap * 1000
    if seen["whole_us"]["p50"] < 0.9 * nominal:
        raise Failure(f"half of the streams ended within {seen['whole_us']['p50'] / 1e6:.1f} s, before their model did")
    return {"streams": streams, "gap_ms": gap, "tokens": streams * count, "at_once": seen["at_once"],
            "seconds": seen["seconds"], "cpu_us": 1e6 * spent / (streams * count),
            "pieces": seen["pieces"], "cores": spent / seen["seconds"],
            "first_us": seen["first_us"], "longest_gap_us": seen["longest_gap_us"],
            "late_us": {point: value - nominal for point, value in seen["whole_us"].items()},
            "before_mb": resident / 1e6, "during_mb": peak.bytes / 1e6, "after_mb": server.resident_bytes() / 1e6}


class Peak:
    """The most resident memory while it is entered."""

    def __init__(self, server):
        self.server = server
        self.bytes = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.over.wait(0.5):
            self.bytes = max(self.bytes, self.server.resident_bytes())

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


#: in what time all streams are asked for
OPENING_SECONDS = 15

#: row, server, streams at once, milliseconds between the tokens of each
STREAMS = [
    ("200 streams", "litellm", 200, 50),
    ("1 000 streams", "direct", 1_000, 50),
    ("1 000 streams", "duogate", 1_000, 50),
    ("10 000 streams, slow", "direct", 10_000, 500),
    ("10 000 streams, slow", "duogate", 10_000, 500),
    ("10 000 streams", "direct", 10_000, 50),
    ("10 000 streams", "duogate", 10_000, 50),
]
