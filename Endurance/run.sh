#!/usr/bin/env bash
# What the server must survive. In a network of its own where that is permitted; disks and wires need root.
#   run.sh [ROUNDS]               a short form of each, with so many rounds of kill -9: 25 take half a minute, 300 six minutes
#   run.sh NAME [ARGUMENT...]     one of kill, disk, under_load, mutate, soak, abuse, wire, as its first lines describe
set -u
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${BILOXI_NETWORK:-}" ] && unshare -nm true 2> /dev/null; then
  BILOXI_NETWORK=own exec unshare -nm bash -c 'ip link set lo up && exec bash "$0" "$@"' "$here/run.sh" "$@"
fi
server=${BILOXI:-$(cd "$here/.." && swift build -c release --product biloxi --show-bin-path)/biloxi}
if [ $# -gt 0 ] && [ -f "$here/$1.py" ]; then
  exec python3 "$here/$1.py" "$server" "${@:2}"
fi
status=0
# The wire has networks of its own and waits for timers most of its time: it goes beside the others.
wire=$(mktemp)
unshare -n bash -c 'ip link set lo up && exec python3 "$@"' "" "$here/wire.py" "$server" > "$wire" 2>&1 &
python3 "$here/kill.py" "$server" "${1:-25}" || status=1
python3 "$here/disk.py" "$server" || status=1
wait $! || status=1
cat "$wire"
rm -f "$wire"
python3 "$here/under_load.py" "$server" || status=1
python3 "$here/mutate.py" "$server" || status=1
python3 "$here/abuse.py" "$server" || status=1
python3 "$here/soak.py" "$server" || status=1
exit $status
