#!/usr/bin/env bash
# Compares the server's CPU per call, registration or message with Kamailio's, in alternating runs of the benchmark kit.
#   Benchmarks/Peer/compare.sh [PAIRS] [WORKLOAD...]
# KIT names the folder of the kit (its README says what a fair comparison needs); WORKLOAD is invite, message, register,
# refresh, register-auth, options, fork, invite-tcp or invite-tls, at the rates at which Kamailio's own figures were taken.
# With REALTIME=1 server and generator are scheduled before all else, for a machine that has other work: ratios stay fair.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
kit=${KIT:-$here/../../../shared/bench}
[ -x "$kit/bench.sh" ] || { echo "no benchmark kit in $kit: set KIT"; exit 1; }
pairs=${1:-7}
shift || true
workloads=("$@")
[ ${#workloads[@]} -gt 0 ] || workloads=(invite fork message register refresh register-auth options invite-tcp invite-tls)
# The kit takes adapters from its own folder: a copy gets ours.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$kit/." "$work"
cp "$here/biloxi.sh" "$work/adapters/"
BILOXI=${BILOXI:-$(swift build -c release --product biloxi --show-bin-path)/biloxi}
export BILOXI
first=()
if [ -n "${REALTIME:-}" ]; then first=(chrt -f 10); fi
for workload in "${workloads[@]}"; do
    case $workload in
    invite) rate="--rate 2000" ;;
    fork) rate="--rate 600" ;;
    message) rate="--rate 5000" ;;
    register) rate="--rate 10000 --users 70000" ;;
    refresh | options) rate="--rate 10000" ;;
    register-auth) rate="--rate 5000 --users 40000" ;;
    invite-tcp) rate="--rate 1500" ;;
    invite-tls) rate="--rate 1000" ;;
    *) echo "no workload $workload"; exit 2 ;;
    esac
    # shellcheck disable=SC2086
    "${first[@]}" "$work/bench.sh" --server kamailio,biloxi --workload "$workload" $rate --duration 5 --warmup 1.5 \
        --repeat "$pairs" --nice -10 --retry-noisy 2
done
