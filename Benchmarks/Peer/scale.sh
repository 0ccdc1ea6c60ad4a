#!/usr/bin/env bash
# Measures how the server's memory and its CPU per registration grow with the number of AORs, by the benchmark kit.
#   Benchmarks/Peer/scale.sh [AORS...]
# KIT names the folder of the kit, as in compare.sh. For each number of AORs all register, then are refreshed at 10,000 a
# second; PSS is that of the process. With REALTIME=1 other work of the machine is kept from the two cores.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kit=${KIT:-$here/../../../shared/bench}
[ -x "$kit/bench.sh" ] || { echo "no benchmark kit in $kit: set KIT"; exit 1; }
numbers=("$@")
[ ${#numbers[@]} -gt 0 ] || numbers=(1000 100000 999999)
first=()
if [ -n "${REALTIME:-}" ]; then first=(chrt -f 10); fi
work=$(mktemp -d)
server=
stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
}
trap 'stop; rm -rf "$work"' EXIT
gcc -O2 -o "$work/sipload" "$kit/sipload.c"
BILOXI=${BILOXI:-$(swift build -c release --product biloxi --show-bin-path)/biloxi}
export BILOXI BENCH_HOST=127.0.0.1 BENCH_PORT=15560 BENCH_DOMAIN=bench.test BENCH_TRANSPORT=udp BENCH_AUTH=0

pss() { awk '/^Pss:/ { print $2 }' "/proc/$server/smaps_rollup"; }

for number in "${numbers[@]}"; do
    export BENCH_DIR="$work/$number"
    mkdir "$BENCH_DIR"
    "${first[@]}" taskset -c 1 "$here/biloxi.sh" &
    server=$!
    sleep 2
    before=$(pss)
    "${first[@]}" "$work/sipload" --workload register --prefill 1 --users "$number" --rate 10000 --duration 5 --warmup 1 \
        --server "$BENCH_HOST:$BENCH_PORT" --domain "$BENCH_DOMAIN" --socks 8 --cpu 0 --inflight 64 --pid "$server" \
        --json "$work/result.json" >/dev/null
    after=$(pss)
    python3 - "$number" "$before" "$after" "$work/result.json" << 'PYTHON'
import json
import sys

number, before, after = (int(x) for x in sys.argv[1:4])
result = json.load(open(sys.argv[4]))
print(
    f"{number} AORs: {(after - before) * 1024 / number:.0f} octets of PSS each, "
    f"{result['server_cpu_us_per']:.1f} us of CPU a refresh, {result['failed']} failed"
)
PYTHON
    stop
done
