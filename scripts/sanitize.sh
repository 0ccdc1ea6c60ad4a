#!/usr/bin/env bash
# The tests with the address and then the thread sanitizer. With BILOXI_CORE=1 those of all that needs no other package.
#   sanitize.sh [address|thread]...
set -euo pipefail
cd "$(dirname "$0")/.."
# Leaks are looked for elsewhere: what XCTest keeps to the end would drown them here.
export ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=halt_on_error=1
[ $# -gt 0 ] || set -- address thread
for sanitizer; do
    # A million transactions take minutes here, and all else about them is in other tests.
    swift test --sanitize "$sanitizer" --scratch-path ".build-${sanitizer:0:1}san" --skip TransactionScaleTests/million
done
