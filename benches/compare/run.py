#!/usr/bin/env python3
"""Duogate beside nginx and HAProxy: one machine, one run, interleaved.

Each server terminates TLS with the same P-256 certificate and forwards to the same upstream, an
nginx that answers 1 kB from memory in clear. Measured are

  handshake   CPU of the server per full TLS 1.3 handshake (openssl s_time, X25519)
  http1       requests per second and CPU per request, HTTP/1.1 kept alive (wrk)
  http2       the same over HTTP/2 (h2load)
  latency     p50 and p99 at one rate for all: half of the slowest server's HTTP/2 maximum
  memory      growth of resident memory per idle connection after one request

The numbers go to results/ (raw) and into ../README.md (tables). Loopback only; ends by itself.

    run.py [--rounds N] [--seconds N] [--idle N] [--only NAME,...] [--no-readme]
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import idle
import servers

HERE = pathlib.Path(__file__).resolve().parent


def main():
    options = arguments()
    raise_descriptor_limit()
    for program in ("nginx", "haproxy", "openssl", "wrk", "h2load"):
        if shutil.which(program, path=servers.PATH) is None:
            sys.exit(f"{program} is not installed; tests/parts.sh bench installs it")
    with tempfile.TemporaryDirectory(prefix="duogate-bench-") as folder:
        with servers.Stage(pathlib.Path(folder), options.only) as stage:
            results = measure(stage, options)
    results["machine"] = machine()
    results["versions"] = servers.versions(options.only)
    results["options"] = {name: getattr(options, name) for name in ("rounds", "seconds", "idle")}
    out = HERE / "results"
    out.mkdir(exist_ok=True)
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H%M")
    (out / f"{stamp}.json").write_text(json.dumps(results, indent=1))
    tables = report(results, stamp)
    print(tables)
    if not options.no_readme:
        write_readme(tables)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(servers.NAMES))
    parser.add_argument("--no-readme", action="store_true")
    return parser.parse_args()


def raise_descriptor_limit():
    """Every idle connection is a descriptor here and one or two in the server."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def measure(stage, options):
    results = {name: {} for name in options.only}
    for what, one_run in (("handshake", handshakes), ("http1", http1), ("http2", http2)):
        for round_number in range(options.rounds):
            # interleaved, so that a disturbance of the machine meets all
            for name in options.only:
                print(f"{what} {round_number + 1}/{options.rounds} {name}", file=sys.stderr)
                run = one_run(stage.servers[name], options.seconds)
                results[name].setdefault(what, []).append(run)
    maxima = [max(run["per_second"] for run in results[name]["http2"]) for name in options.only]
    rate = int(min(maxima) / 2)
    for round_number in range(options.rounds):
        for name in options.only:
            print(f"latency {round_number + 1}/{options.rounds} {name}", file=sys.stderr)
            run = latency(stage, stage.servers[name], rate, options.seconds)
            results[name].setdefault("latency", []).append(run)
    for version in ("http/1.1", "h2"):
        for name in options.only:
            print(f"memory {version} {name}", file=sys.stderr)
            results[name][f"memory {version}"] = memory(stage, name, version, options.idle)
    return {"servers": results, "rate": rate}


def measured(server, command, limit):
    """Runs a client and gives its output with the CPU seconds that the server spent meanwhile."""
    before = server.cpu_seconds()
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    time.sleep(0.1)
    spent = server.cpu_seconds() - before
    if done.returncode not in (0, 1):
        sys.exit(f"{command} ended with {done.returncode}: {done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr, spent


def handshakes(server, seconds):
    command = ["openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-new",
               "-time", str(seconds), "-tls1_3"]
    # s_time counts the time of its own CPU, so it may take longer than asked
    output, spent = measured(server, command, 30 + 10 * seconds)
    count = int(re.search(r"(\d+) connections in [\d.]+ real seconds", output).group(1))
    return {"connections": count, "cpu_us": 1e6 * spent / count}


def http1(server, seconds):
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", server.url]
    output, spent = measured(server, command, 30 + seconds)
    count, took = re.search(r"(\d+) requests in ([\d.]+)s", output).groups()
    refuse_errors(server, re.search(r"(Non-2xx|Socket errors).*", output))
    return {"per_second": int(count) / float(took), "cpu_us": 1e6 * spent / int(count)}


def http2(server, seconds):
    command = ["h2load", "-t1", "-c16", "-m8", f"-D{seconds}", "--warm-up-time=0", server.url]
    output, spent = measured(server, command, 30 + seconds)
    count = int(re.search(r"status codes: (\d+) 2xx", output).group(1))
    refuse_errors(server, re.search(r"[1-9]\d* (failed|errored|3xx|4xx|5xx)", output))
    per_second = float(re.search(r", ([\d.]+) req/s", output).group(1))
    return {"per_second": per_second, "cpu_us": 1e6 * spent / count}


def refuse_errors(server, found):
    if found:
        sys.exit(f"{server.name} did not answer well: {found.group(0)}")


def latency(stage, server, rate, seconds):
    """At a fixed rate over 16 connections; the clients' log has the time of every request."""
    log = stage.folder / "requests.log"
    log.unlink(missing_ok=True)
    clients = 16
    command = ["h2load", "-t1", f"-c{clients}", "-m8", f"-D{seconds}", "--warm-up-time=0",
               f"--rps={rate / clients:.2f}", f"--log-file={log}", server.url]
    _, spent = measured(server, command, 30 + seconds)
    times = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    return {"p50_us": at(0.5), "p99_us": at(0.99), "requests": len(times),
            "cpu_us": 1e6 * spent / len(times)}


def memory(stage, name, version, count):
    """From a fresh server, so that nothing that was freed before hides the growth."""
    server = stage.restart(name)
    with idle.Connections(server.port, stage.certificate, version) as connections:
        # buffers and pools that are made once do not count
        connections.open(50)
        time.sleep(1)
        before = server.resident_bytes()
        connections.open(count)
        time.sleep(2)
        after = server.resident_bytes()
    return {"connections": count, "base_mb": before / 1e6, "kb_each": (after - before) / count / 1e3}


def machine():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"cpu": model.group(1) if model else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "load_before": os.getloadavg()[0]}


def report(results, stamp):
    """The tables: the best of the rounds for CPU (noise only adds), the median for the rest."""
    rows = results["servers"]
    names = list(rows)
    lines = [
        f"Run of {stamp[:10]} on {results['machine']['cores']} cores ({results['machine']['cpu']}), "
        + ", ".join(results["versions"][name] for name in names) + "; "
        + f"{results['options']['rounds']} rounds of {results['options']['seconds']} s. "
        + "In brackets the ratio to Duogate: above 1 means more of it than Duogate.", "",
        "| what | " + " | ".join(names) + " |",
        "|---|" + "--:|" * len(names),
    ]
    for label, value in measures(results["rate"], results["options"]["idle"]):
        values = [value(rows[name]) for name in names]
        own = values[names.index("duogate")] if "duogate" in names else None
        cells = [cell(value, own, name) for name, value in zip(names, values)]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def measures(rate, count):
    best = lambda what, key: lambda row: min(run[key] for run in row[what])
    middle = lambda what, key: lambda row: statistics.median(run[key] for run in row[what])
    return [
        ("CPU per full handshake, µs", best("handshake", "cpu_us")),
        ("HTTP/1.1 requests per second", middle("http1", "per_second")),
        ("HTTP/1.1 CPU per request, µs", best("http1", "cpu_us")),
        ("HTTP/2 requests per second", middle("http2", "per_second")),
        ("HTTP/2 CPU per request, µs", best("http2", "cpu_us")),
        (f"p50 at {rate} requests/s, µs", middle("latency", "p50_us")),
        (f"p99 at {rate} requests/s, µs", middle("latency", "p99_us")),
        (f"memory per idle HTTP/1.1 connection of {count}, kB", lambda row: row["memory http/1.1"]["kb_each"]),
        (f"memory per idle HTTP/2 connection of {count}, kB", lambda row: row["memory h2"]["kb_each"]),
        ("resident before them, MB", lambda row: row["memory http/1.1"]["base_mb"]),
    ]


def cell(value, own, name):
    text = f"{value:.0f}" if value >= 100 else f"{value:.1f}"
    return text if name == "duogate" or not own else f"{text} ({value / own:.2f})"


def write_readme(tables):
    readme = HERE.parent / "README.md"
    begin, end = "<!-- run -->", "<!-- end of run -->"
    before, rest = readme.read_text().split(begin)
    after = rest.split(end)[1]
    readme.write_text(f"{before}{begin}\n\n{tables}\n\n{end}{after}")


if __name__ == "__main__":
    main()
