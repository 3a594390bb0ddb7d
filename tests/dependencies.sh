#!/bin/sh
# Licences, sources and banned crates by cargo-deny; known vulnerabilities too where the advisory
# database can be had.
set -eu
cd "$(dirname -- "$0")/.."
deny=tests/.parts/lint/bin/cargo-deny
[ -x "$deny" ] || deny=$(command -v cargo-deny || true)
if [ -z "$deny" ]; then
    echo "dependencies: no cargo-deny; tests/parts.sh lint installs it" >&2
    [ "${CI:-}" != true ] || exit 1
    exit 0
fi
"$deny" --locked check --hide-inclusion-graph bans licenses sources
# --disable-fetch reads the copy that an earlier run fetched, if there is one
if "$deny" --locked check --hide-inclusion-graph advisories >/tmp/duogate-advisories.$$ 2>&1; then
    echo "dependencies: no known advisory"
elif grep -q 'failed to fetch advisory database\|failed to load advisory database' /tmp/duogate-advisories.$$; then
    echo "dependencies: the advisory database cannot be reached from here; advisories unchecked"
else
    cat /tmp/duogate-advisories.$$
    rm -f /tmp/duogate-advisories.$$
    exit 1
fi
rm -f /tmp/duogate-advisories.$$
