#!/usr/bin/env python3
"""Duogate beside its peers: one machine, one run, interleaved. What is measured: measures.py for
servers that forward, completions.py for the gateway that answers itself, sessions.py for sessions of the
agent platform.

Raw numbers go to results/ as JSON, the tables to standard output and into ../README.md. Loopback
only; ends by itself within half an hour.

    run.py [--rounds N] [--seconds N] [--idle N] [--sessions N] [--turns PER_SECOND] [--turns-seconds N]
           [--only NAME,...] [--measure NAME,...] [--no-readme]
    run.py --report FILE      writes the tables of an earlier run into ../README.md
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
import subprocess
import sys
import tempfile

import completions
import completions_report
import gateways
import measures
import peers
import report
import servers
import sessions

HERE = pathlib.Path(__file__).resolve().parent

FORWARDING = (*measures.ROUNDS, "latency", "memory")


def main():
    options = arguments()
    if options.report:
        return write(json.loads(pathlib.Path(options.report).read_text()), options)
    raise_descriptor_limit()
    before = os.getloadavg()[0]
    results = {"versions": {}}
    with tempfile.TemporaryDirectory(prefix="duogate-bench-") as folder:
        if set(options.measure) & set(FORWARDING):
            names = present(options.only)
            results["versions"] |= peers.versions(names)
            makers = {"upstream": peers.upstream, **{name: peers.MAKERS[name] for name in names}}
            with servers.Stage(pathlib.Path(folder), makers) as stage:
                results |= measure(stage, names, options)
        if set(options.measure) & set(completions.NAMES):
            results["versions"] |= gateways.versions()
            results["completions"] = completions.measure(pathlib.Path(folder), options)
        if set(options.measure) & set(sessions.NAMES):
            results["versions"] |= gateways.versions()
            results["sessions"] = sessions.measure(pathlib.Path(folder), options)
    results["at"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")
    results["machine"] = machine(before)
    results["options"] = {name: getattr(options, name) for name in ("rounds", "seconds", "idle")}
    out = HERE / "results"
    out.mkdir(exist_ok=True)
    (out / f"{results['at'].replace(' ', 'T').replace(':', '')}.json").write_text(json.dumps(results, indent=1))
    write(results, options)


def write(results, options):
    """Only the tables of what was measured."""
    for key, name, table in (("servers", "run", report.table),
                             ("completions", "run of completions", completions_report.tables),
                             ("sessions", "run of sessions", sessions.table)):
        if key in results:
            text = table(results)
            print(text)
            if not options.no_readme:
                report.write_readme(text, name)


def arguments():
    words = lambda text: text.split(",")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--only", type=words, default=list(peers.MAKERS))
    parser.add_argument("--measure", type=words, default=[*FORWARDING, *completions.NAMES, *sessions.NAMES])
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=100, help="a second, beside the sessions that wait")
    parser.add_argument("--turns-seconds", type=int, default=20)
    parser.add_argument("--no-readme", action="store_true")
    parser.add_argument("--report")
    return parser.parse_args()


def present(names):
    """Those that are installed; the clients and the upstream have to be."""
    for program in ("nginx", "openssl", "wrk", "h2load"):
        if shutil.which(program, path=servers.PATH) is None:
            sys.exit(f"{program} is not installed; tests/parts.sh bench installs it")
    if not servers.PYTHON.exists():
        sys.exit(f"{servers.PYTHON} is not there; tests/parts.sh bench makes it")
    absent = peers.missing()
    for name in set(absent) & set(names):
        measures.say(f"{name} is not installed and left out; tests/parts.sh bench installs it")
    return [name for name in names if name not in absent]


def raise_descriptor_limit():
    """Every idle connection is a descriptor here and one or two in the server."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def measure(stage, names, options):
    results = {name: {"failures": {}} for name in names}

    def attempt(what, name, take, keep):
        measures.say(what, name)
        try:
            keep(take())
        except (measures.Failure, OSError, AssertionError, subprocess.TimeoutExpired) as failure:
            results[name]["failures"][what] = str(failure)
            measures.say(f"  {failure}")

    def rounds(what, take):
        for _ in range(options.rounds):
            # interleaved, so that a disturbance of the machine meets all
            for name in names:
                if what not in results[name]["failures"]:
                    keep = results[name].setdefault(what, []).append
                    attempt(what, name, lambda name=name: take(stage.servers[name]), keep)

    for what, take in measures.ROUNDS.items():
        if what in options.measure:
            rounds(what, lambda server, take=take: take(stage, server, options.seconds))
    rate = measures.rate_for_all(results) if "http2" in options.measure else 0
    if "latency" in options.measure and rate:
        rounds("latency", lambda server: measures.latency(stage, server, options.seconds, rate))
    for version in ("http/1.1", "h2") if "memory" in options.measure else ():
        for name in names:
            what = f"memory {version}"
            keep = lambda run, row=results[name], what=what: row.__setitem__(what, run)
            attempt(what, name, lambda name=name: measures.memory(stage, name, version, options.idle), keep)
    return {"servers": results, "rate": rate}


def machine(load):
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {"cpu": model.group(1) if model else platform.machine(), "cores": os.cpu_count(),
            "kernel": platform.release(), "load_before": load}


if __name__ == "__main__":
    main()
