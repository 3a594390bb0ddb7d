"""Sessions of the built-in agent platform: memory of those that wait, CPU of turns without and with a
tool, and a drain after each.

Workhorse and GitLab are played by tests/clients/session_load.py, in a process of its own, the model by
../load, whose answers are ready before they are asked for.
"""

import json
import math
import queue
import subprocess
import threading
import types

import peers
from gateways import LOAD
from measures import Failure, say
from servers import ROOT, Server, free_port, make_certificate

#: names of --measure
NAMES = ("sessions",)

PYTHON = ROOT / "tests/.parts/agent/bin/python"
CLIENT = ROOT / "tests/clients/session_load.py"


def measure(folder, options):
    """Sessions that wait, turns at a steady rate beside them, then the end of the process."""
    if not PYTHON.exists():
        raise SystemExit(f"{PYTHON} is not there; tests/parts.sh agent makes it")
    certificate, key = make_certificate(folder)
    stage = types.SimpleNamespace(folder=folder, certificate=certificate, key=key)
    model = Server("session-model", stage, lambda _, port: [LOAD, "model", "--port", port])
    try:
        return {kind: run(stage, model, options, what) for kind, what in KINDS.items()}
    finally:
        model.end()


def run(stage, model, options, what):
    server = Server("sessions", stage, duogate)
    try:
        load(stage, server, model, {**what, "sessions": 0, "rate": 50, "seconds": 2, "pause": 0}, lambda *_: None)
        return under_load(stage, server, model, options, what)
    finally:
        server.end()


def under_load(stage, server, model, options, what):
    found = {"before_mb": server.resident_bytes() / 1e6}
    wanted = {**what, "sessions": options.sessions, "rate": options.turns, "seconds": options.turns_seconds}
    say("sessions", f"{wanted}")
    most = [0]

    def follow(part, seen):
        if part == "watch":
            most[0] = max(most[0], server.resident_bytes())
        elif part == "open":
            found.update(open=seen["sessions"], open_seconds=seen["seconds"], failed=seen["failed"],
                         waiting_mb=server.resident_bytes() / 1e6, cpu_before=server.cpu_seconds())
        elif part == "turns":
            found.update(seen, failed_turns=seen["failed"], cpu_seconds=server.cpu_seconds() - found.pop("cpu_before"),
                         after_mb=server.resident_bytes() / 1e6, peak_mb=most[0] / 1e6)
            server.process.terminate()
        else:
            found["ends"] = seen

    load(stage, server, model, {**wanted, "pause": 1, "patience": 60}, follow)
    if found["open"] != options.sessions or not found["turns"]:
        raise Failure(f"not every session was open, or no turn went well: {found}")
    found["session_kb"] = 1e3 * (found["waiting_mb"] - found["before_mb"]) / found["open"]
    found["cpu_us"] = 1e6 * found["cpu_seconds"] / found["turns"]
    return {**found, **wanted}


def load(stage, server, model, wanted, follow):
    """Runs the client; `follow` hears of each part when it is done, and now and then between them."""
    endpoint = {"provider": "openai", "name": "mistral", "api_key": "none", "identifier": "",
                "endpoint": f"http://127.0.0.1:{model.port}{wanted['path']}"}
    command = [PYTHON, "-u", CLIENT, f"127.0.0.1:{server.port}", stage.certificate,
               json.dumps({"name": "bench.test", "model": endpoint, **wanted})]
    client = subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, text=True)
    lines = queue.Queue()
    threading.Thread(target=lambda: [*map(lines.put, client.stdout), lines.put(None)], daemon=True).start()
    silent = 0
    try:
        while True:
            try:
                line = lines.get(timeout=WATCH)
            except queue.Empty:
                silent += WATCH
                if silent > LONGEST:
                    raise Failure(f"the client said nothing for {LONGEST} s") from None
                follow("watch", {})
                continue
            if line is None:
                return
            silent = 0
            part, _, seen = line.partition(" ")
            follow(part, json.loads(seen))
            if part == "ended":
                return
    finally:
        client.kill()
        client.wait()


def duogate(stage, port):
    path = stage.folder / "sessions.yaml"
    path.write_text(f"""
domains: [bench.test]
listen: {{https: "127.0.0.1:{port}", http: "127.0.0.1:{free_port()}", admin: "127.0.0.1:{free_port()}"}}
tls:
  source: files
  state: {stage.folder}/sessions-state
  files: {{certificate: {stage.certificate}, key: {stage.key}}}
agent_platform: builtin
customers_portal: null
auth: {{required: false, agent_platform: {{required: false}}}}
log: {{level: warn}}
drain: {{delay_seconds: 0, grace_seconds: 5}}
""")
    return [peers.BINARY, "serve", "--config", path]


def table(results):
    """What a run found, in the words of the page."""
    columns = [rows(results["sessions"][kind]) for kind in KINDS]
    lines = ["| " + " | ".join([name, *(column[name] for column in columns)]) + " |" for name in columns[0]]
    return "\n".join([
        f"Run of {results['at']} on {results['machine']['cores']} cores ({results['machine']['cpu']}; load "
        f"{results['machine']['load_before']:.1f} before).", "",
        "| what | " + " | ".join(KINDS) + " |", "|---|" + "--:|" * len(KINDS), *lines])


def rows(found):
    ends = "; ".join(f"{count} {text}" for text, count in found["ends"].items())
    return {
        "sessions that wait for their client's answer": f"{found['open']}",
        "memory of one, kB": f"{found['session_kb']:.1f}",
        "resident before, with them, at its most, after the turns, MB": " / ".join(
            f"{found[name]:.1f}" for name in ("before_mb", "waiting_mb", "peak_mb", "after_mb")),
        "turns beside them": f"{found['turns']} at {found['rate']} a second; {found['failed_turns']} failed",
        "CPU per turn, µs": f"{found['cpu_us']:.0f}",
        "turns per second that a core could do": f"{math.floor(1e6 / found['cpu_us'])}",
        "a turn, p50 and p99, ms": f"{1e3 * found['p50_s']:.1f} and {1e3 * found['p99_s']:.1f}",
        "how those that waited ended at the drain": ends,
    }


# calls of tools in a turn, and the path under which the model wants them
KINDS = {"turns without tools": {"tools": 0, "path": "/v1"}, "turns with a tool": {"tools": 1, "path": "/tools/v1"}}

# seconds between two looks at the memory
WATCH = 0.25

# seconds that the client may take for a part
LONGEST = 120
