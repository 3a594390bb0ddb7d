"""Reads a scrape from standard input with the parser of Prometheus' own Python client.

metrics_reader.py text|openmetrics

Tells each family as JSON: type, unit, help and the names of its samples. A scrape that the
parser refuses ends with its complaint.
"""

import json
import sys

from prometheus_client import parser
from prometheus_client.openmetrics import parser as strict

reader = {"text": parser, "openmetrics": strict}[sys.argv[1]]
families = {}
for family in reader.text_string_to_metric_families(sys.stdin.read()):
    assert family.name not in families, f"{family.name} comes twice"
    families[family.name] = {
        "type": family.type,
        "unit": family.unit,
        "help": family.documentation,
        "samples": sorted({sample.name for sample in family.samples}),
    }
print(json.dumps(families))
