"""The tables of a run of completions: gateways beside one another, then streams of tokens."""

import statistics

from report import attempt, cell, notes


def tables(results):
    rows = results["completions"]
    names = [name for name in ("duogate", "token", "litellm") if name in rows]
    lines = [
        f"Run of {results['at']} on {results['machine']['cores']} cores ({results['machine']['cpu']}, Linux "
        f"{results['machine']['kernel']}; load {results['machine']['load_before']:.1f} before): "
        f"{', '.join(f'{name} {version}' for name, version in results['versions'].items() if name in names)}; "
        f"{results['options']['rounds']} rounds of {results['options']['seconds']} s. In brackets the ratio to "
        "Duogate.", "",
        "| what | " + " | ".join(TITLES.get(name, name) for name in names) + " |", "|---|" + "--:|" * len(names)]
    for label, value, larger_is_better in measures():
        values = {name: attempt(value, rows[name]) for name in names}
        present = [value for value in values.values() if value is not None]
        if present:
            best = (max if larger_is_better else min)(present) if larger_is_better is not None else None
            lines.append(f"| {label} | " + " | ".join(
                cell(values[name], values.get("duogate"), best, name) for name in names) + " |")
    lines += ["", *streams(rows), "", *notes(rows)]
    return "\n".join(lines).rstrip()


def measures():
    def best(what, key):
        return lambda row: min(run[key] for run in row[what])

    def middle(what, key):
        return lambda row: statistics.median(run[key] for run in row[what])

    rows = [
        ("completions per second, HTTP/2", middle("http2", "per_second"), True),
        ("CPU per completion, HTTP/2, µs", best("http2", "cpu_us"), False),
        ("completions per second, HTTP/1.1", middle("http1", "per_second"), True),
        ("CPU per completion, HTTP/1.1, µs", best("http1", "cpu_us"), False),
    ]
    for what, title, share in (("latency_added", "completion", "half"), ("first_token", "first token", "a quarter")):
        rows += [(f"{share} of its most per second", middle(what, "rate"), None),
                 ("CPU per completion then, µs", best(what, "cpu_us"), False)]
        for point in ("p50", "p99"):
            rows += [(f"{title}, {point} added then, µs", middle(what, f"added_{point}_us"), False),
                     (f"{title}, {point} with it and without, µs", both(what, point), None)]
    return rows


def both(what, point):
    def pair(row):
        middle = lambda key: statistics.median(run[key] for run in row[what])
        return f"{middle(f'{point}_us'):.0f} and {middle(f'alone_{point}_us'):.0f}"

    return pair


def streams(rows):
    lines = [
        "| streams at once, tokens a second each | who | longest gap p50, p99, max, ms | first token p50, max, ms | "
        "last token late p50, max, ms | CPU per token, µs | cores used | resident before, during, after, MB |",
        "|---|---|--:|--:|--:|--:|--:|--:|"]
    seen = sorted(((run["streams"], -run["gap_ms"], name, run) for name, row in rows.items()
                   for what, runs in row.items() if "streams" in what for run in runs), key=lambda one: one[:3])
    for _, _, name, run in seen:
        ms = lambda key, *points, run=run: ", ".join(f"{run[key][point] / 1000:.0f}" for point in points)
        memory = "-" if name == "direct" else ", ".join(
            f"{run[f'{when}_mb']:.0f}" for when in ("before", "during", "after"))
        cost = ("-", "-") if name == "direct" else (f"{run['cpu_us']:.1f}", f"{run['cores']:.2f}")
        lines.append(
            f"| {run['streams']} at {1000 / run['gap_ms']:.0f}/s | {TITLES.get(name, name)} | "
            f"{ms('longest_gap_us', 'p50', 'p99', 'max')} | {ms('first_us', 'p50', 'max')} | "
            f"{ms('late_us', 'p50', 'max')} | {' | '.join(cost)} | {memory} |")
    return lines if seen else []


TITLES = {"token": "duogate with a token", "direct": "no gateway"}
