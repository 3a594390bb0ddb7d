#!/bin/sh
# Every test of the crate: with cargo-nextest where it is installed, else with cargo alone.
set -eu
cd "$(dirname -- "$0")/.."
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --no-fail-fast
    cargo test --locked --doc
else
    cargo test --locked --no-fail-fast
fi
