"""Writes an index of documentation with the layout of GitLab's own image, by Python's SQLite.

Arguments: the file; then rows, each as a JSON list of processed, content and metadata.
"""

import json
import sqlite3
import sys

connection = sqlite3.connect(sys.argv[1])
connection.execute(
    "CREATE VIRTUAL TABLE doc_index USING fts5(processed, content, metadata)"
)
for row in map(json.loads, sys.argv[2:]):
    connection.execute("INSERT INTO doc_index VALUES (?, ?, ?)", row)
connection.commit()
connection.close()
