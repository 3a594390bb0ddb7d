#!/bin/sh
# The Dockerfile by hadolint.
set -eu
cd "$(dirname -- "$0")/.."
hadolint=tests/.parts/hadolint/bin/hadolint
[ -x "$hadolint" ] || hadolint=$(command -v hadolint || true)
if [ -z "$hadolint" ]; then
    echo "dockerfile: no hadolint; tests/parts.sh lint installs it" >&2
    [ "${CI:-}" != true ] || exit 1
    exit 0
fi
"$hadolint" Dockerfile
echo "dockerfile: no complaint"
