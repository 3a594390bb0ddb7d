#!/usr/bin/env python3
"""Duogate beside its peers: one machine, one run, interleaved. What is measured: measures.py.

Raw numbers go to results/ as JSON, the table to standard output and into ../README.md. Loopback
only; ends by itself within twenty minutes.

    run.py [--rounds N] [--seconds N] [--idle N] [--only NAME,...] [--measure NAME,...] [--no-readme]
    run.py --report FILE      writes the table of an earlier run into ../README.md
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

import measures
import peers
import report
import servers

HERE = pathlib.Path(__file__).resolve().parent


def main():
    options = arguments()
    if options.report:
        results = json.loads(pathlib.Path(options.report).read_text())
        report.write_readme(report.table(results))
        return print(report.table(results))
    raise_descriptor_limit()
    names = present(options.only)
    versions = peers.versions(names)
    before = os.getloadavg()[0]
    makers = {"upstream": peers.upstream, **{name: peers.MAKERS[name] for name in names}}
    with tempfile.TemporaryDirectory(prefix="duogate-bench-") as folder:
        with servers.Stage(pathlib.Path(folder), makers) as stage:
            results = measure(stage, names, options)
    results["at"] = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M")
    results["machine"] = machine(before)
    results["versions"] = versions
    results["options"] = {name: getattr(options, name) for name in ("rounds", "seconds", "idle")}
    out = HERE / "results"
    out.mkdir(exist_ok=True)
    (out / f"{results['at'].replace(' ', 'T').replace(':', '')}.json").write_text(json.dumps(results, indent=1))
    text = report.table(results)
    print(text)
    if not options.no_readme:
        report.write_readme(text)


def arguments():
    words = lambda text: text.split(",")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--idle", type=int, default=5000)
    parser.add_argument("--only", type=words, default=list(peers.MAKERS))
    parser.add_argument("--measure", type=words, default=[*measures.ROUNDS, "latency", "memory"])
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
