#!/bin/sh
# Builds a fuzz target with coverage counters on the stable toolchain and runs it for a while.
#
#   fuzz/run.sh [TARGET [SECONDS]]      default: every target, 8 seconds each
#
# Needs gcc and g++ for libFuzzer itself; nothing of a nightly toolchain.
set -eu
cd "$(dirname -- "$0")"
seconds=${2:-8}
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Ccodegen-units=1 --cfg fuzzing"
# a target of its own keeps the flags away from build scripts
host=$(rustc -vV | sed -n 's/^host: //p')
cargo build --release --target "$host" --target-dir target
for target in ${1:-acme bodies client_address configuration event_stream events frames gate hello models pem prompt proxy_header tokens tools websocket}; do
    mkdir -p "target/corpus/$target" "artifacts/$target"
    echo "fuzzing $target for $seconds s"
    "target/$host/release/$target" -max_total_time="$seconds" -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="artifacts/$target/" "target/corpus/$target" "seeds/$target"
done
