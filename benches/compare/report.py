"""The table of a run: the best of the rounds for CPU, since noise only adds, else the median."""

import pathlib
import statistics


def table(results):
    rows, names = results["servers"], list(results["servers"])
    options, machine = results["options"], results["machine"]
    versions = ", ".join(f"{name} {results['versions'][name]}" for name in names)
    lines = [
        f"Run of {results['at']} on {machine['cores']} cores ({machine['cpu']}, Linux {machine['kernel']}; load "
        f"{machine['load_before']:.1f} before): {versions}; {options['rounds']} rounds of "
        f"{options['seconds']} s. In brackets the ratio to Duogate: above 1 means more of it than "
        "Duogate. The best of each row is bold.", "",
        "| what | " + " | ".join(names) + " |",
        "|---|" + "--:|" * len(names),
    ]
    for label, value, larger_is_better in measures(results["rate"], options["idle"]):
        values = {name: attempt(value, rows[name]) for name in names}
        present = [value for value in values.values() if value is not None]
        if not present:
            continue
        best = max(present) if larger_is_better else min(present)
        cells = [cell(values[name], values.get("duogate"), best, name) for name in names]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    lines += ["", *notes(rows)]
    return "\n".join(lines).rstrip()


def measures(rate, count):
    def best(what, key):
        return lambda row: min(run[key] for run in row[what])

    def middle(what, key):
        return lambda row: statistics.median(run[key] for run in row[what])

    return [
        ("CPU per full handshake, X25519, µs", best("handshake", "cpu_us"), False),
        ("CPU per full handshake, X25519MLKEM768, µs", best("post_quantum", "cpu_us"), False),
        ("CPU per resumption and one request, µs", best("resumption", "cpu_us"), False),
        ("HTTP/1.1 requests per second", middle("http1", "per_second"), True),
        ("HTTP/1.1 CPU per request, µs", best("http1", "cpu_us"), False),
        ("HTTP/2 requests per second", middle("http2", "per_second"), True),
        ("HTTP/2 CPU per request, µs", best("http2", "cpu_us"), False),
        (f"HTTP/2 p50 at {rate} requests/s, µs", middle("latency", "p50_us"), False),
        (f"HTTP/2 p99 at {rate} requests/s, µs", middle("latency", "p99_us"), False),
        ("gRPC unary CPU per call, µs", best("grpc_unary", "cpu_us"), False),
        ("gRPC streamed CPU per message, µs", best("grpc_stream", "cpu_us"), False),
        ("SSE CPU per event, µs", best("events", "cpu_us"), False),
        (f"memory per idle HTTP/1.1 connection of {count}, kB", lambda row: row["memory http/1.1"]["kb_each"], False),
        (f"memory per idle HTTP/2 connection of {count}, kB", lambda row: row["memory h2"]["kb_each"], False),
        ("resident before them, MB", lambda row: row["memory http/1.1"]["base_mb"], False),
    ]


def attempt(value, row):
    try:
        return value(row)
    except (KeyError, ValueError, statistics.StatisticsError):
        return None


def cell(value, own, best, name):
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    text = f"{value:.0f}" if value >= 100 else f"{value:.1f}"
    text = f"**{text}**" if value == best else text
    return text if name == "duogate" or not own else f"{text} ({value / own:.2f})"


def notes(rows):
    """Why cells are empty."""
    reasons = [(name, what, reason) for name, row in rows.items() for what, reason in row.get("failures", {}).items()]
    return [f"- {name}, {what.replace('_', ' ')}: {reason[:200]}" for name, what, reason in reasons]


def write_readme(text, name="run"):
    readme = pathlib.Path(__file__).resolve().parents[1] / "README.md"
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, rest = readme.read_text().split(begin)
    after = rest.split(end)[1]
    readme.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
