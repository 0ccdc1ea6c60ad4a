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
# survives NAME [ARGUMENT...]: one of them, up to TRIES times until it holds: a machine that others use, too, may spoil one.
survives() {
  local try
  for try in $(seq "${TRIES:-1}"); do
    [ "$try" = 1 ] || echo "=== once more, try $try: $1"
    python3 "$here/$1.py" "$server" "${@:2}" && return 0
  done
  status=1
}
# The wire has networks of its own and waits for timers most of its time: it goes beside the others.
wire=$(mktemp)
unshare -n bash -c 'ip link set lo up && exec python3 "$@"' "" "$here/wire.py" "$server" > "$wire" 2>&1 &
survives kill "${1:-25}"
survives disk
wait $!
wired=$?
cat "$wire"
if [ $wired != 0 ]; then
  if [ "${TRIES:-1}" -gt 1 ]; then survives wire; else status=1; fi
fi
rm -f "$wire"
survives under_load
survives mutate
survives abuse
survives soak
exit $status
