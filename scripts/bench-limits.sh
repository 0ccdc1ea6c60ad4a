#!/usr/bin/env bash
# Counts instructions and allocations of the hot operations and compares them with Benchmarks/limits.json.
#   scripts/bench-limits.sh            fails when instructions rise by more than 5 % or allocations rise
#   scripts/bench-limits.sh --record   makes what is counted now the limit
set -euo pipefail
cd "$(dirname "$0")/.."

build=(swift build -c release --product biloxi-microbench)
if [ "${BILOXI_CORE:-}" = 1 ]; then build+=(--scratch-path .build-core); fi
"${build[@]}"
binary="$("${build[@]}" --show-bin-path)/biloxi-microbench"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Valgrind cannot read all debug information; names of functions are enough.
strip --strip-debug -o "$work/biloxi-microbench" "$binary"

# The same hashes in every run: what is counted then is exactly the same, too.
SWIFT_DETERMINISTIC_HASHING=1 valgrind --quiet --tool=callgrind --instr-atstart=no \
    --callgrind-out-file="$work/profile" "$work/biloxi-microbench" --count >"$work/counts"
python3 scripts/bench_limits.py "$work" Benchmarks/limits.json "$@"
