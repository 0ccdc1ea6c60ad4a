#!/usr/bin/env bash
# Compares what `biloxi load` computes for each call, registration or message with what the benchmark kit's generator in C
# does: alternating runs of the same work against the same responder, the kit's sink.
#   Benchmarks/Load/compare.sh [PAIRS] [WORKLOAD...]
# KIT names the folder of the kit; WORKLOAD is options, message, register or invite. SECONDS_EACH is how long a run counts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kit=${KIT:-$here/../../../shared/bench}
[ -f "$kit/sipload.c" ] || { echo "no benchmark kit in $kit: set KIT"; exit 1; }
pairs=${1:-5}
shift || true
workloads=("$@")
[ ${#workloads[@]} -gt 0 ] || workloads=(options message register invite)
seconds=${SECONDS_EACH:-6}
port=${PORT:-5066}
BILOXI=${BILOXI:-$(swift build -c release --product biloxi --show-bin-path)/biloxi}
work=$(mktemp -d)
sink=""
trap 'kill $sink 2> /dev/null || true; rm -rf "$work"' EXIT
gcc -O2 -w -o "$work/sipload" "$kit/sipload.c"
# The generators get one processor, their responder the other.
taskset -c 1 "$work/sipload" --workload sink --server "127.0.0.1:$port" --cpu 1 &
sink=$!
sleep 0.3
for workload in "${workloads[@]}"; do
  rate=5000
  case $workload in
    options) scenario=--options ;;
    message) scenario=--messages ;;
    register) scenario=--register ;;
    invite) scenario=--calls rate=2000 ;;
  esac
  for pair in $(seq "$pairs"); do
    order="kit ours"
    [ $((pair % 2)) = 0 ] && order="ours kit"
    for who in $order; do
      if [ $who = kit ]; then
        "$work/sipload" --workload "$workload" --server "127.0.0.1:$port" --rate $rate --warmup 1 --duration "$seconds" \
          --socks 4 --users 100000 --prefill 0 --cpu 0 --json "$work/run"
      else
        taskset -c 0 "$BILOXI" load "sip:u%06d@127.0.0.1:$port" $scenario --rate $rate --ramp 1s --for "${seconds}s" \
          --sockets 4 --users 100000 --json > "$work/run"
      fi
      python3 - "$who" "$workload" "$work/run" >> "$work/all" << 'PYTHON'
import json
import sys

who, workload, path = sys.argv[1:]
result = json.loads(open(path).read().splitlines()[-1])
if who == "kit":
    cost = result["gen_cpu_pct"] * 1e4 / result["completed_per_s"]
    failed, p99 = result["failed"], (result.get("tx_us") or result.get("setup_us"))["p99"]
else:
    cost, failed, p99 = result["processorMicroseconds"], result["failed"], result["answer"]["p99"]
print(workload, who, cost, failed, p99)
PYTHON
    done
  done
done
python3 - "$work/all" << 'PYTHON'
import statistics
import sys

runs = {}
for line in open(sys.argv[1]):
    workload, who, cost, failed, p99 = line.split()
    runs.setdefault(workload, {}).setdefault(who, []).append((float(cost), int(failed), float(p99)))
print(f"{'':10}{'kit, µs':>18}{'ours, µs':>18}{'ratio':>8}{'p99 kit, ours, µs':>20}   failed")
for workload, both in runs.items():
    def text(who):
        costs = [run[0] for run in both[who]]
        return f"{statistics.median(costs):.2f} ({min(costs):.1f}-{max(costs):.1f})"
    ratio = statistics.median(ours[0] / kit[0] for ours, kit in zip(both["ours"], both["kit"]))
    p99 = ", ".join(f"{statistics.median(run[2] for run in both[who]):.0f}" for who in ("kit", "ours"))
    failed = ", ".join(str(sum(run[1] for run in both[who])) for who in ("kit", "ours"))
    print(f"{workload:10}{text('kit'):>18}{text('ours'):>18}{ratio:8.2f}{p99:>20}   {failed}")
PYTHON
