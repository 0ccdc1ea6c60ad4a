#!/usr/bin/env bash
# Foreign phones and tools against Biloxi: all suites, or those that are named. Needs the drivers of the peers' kit: PEERS
# names its folder. A peer that is missing is a failure. Two suites run side by side where each can have a network of its
# own and there are cores for so many programs with sound. On a machine that others use, too, TRIES=2 has a suite that failed
# once more at the end: what fails twice is a failure, and what failed once is told. No suite begins later than WITHIN seconds
# from the start: those that are left out are named.
#   run.sh [SUITE...]
set -u
here=$(cd "$(dirname "$0")" && pwd)
peers=${PEERS:-$here/../../shared/peers}
[ -d "$peers/sipp" ] || { echo "no drivers in $peers: set PEERS"; exit 1; }
server=$(swift build -c release --product biloxi --show-bin-path)/biloxi
venv=$here/../.venv-peers
[ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pjsua2, baresip, pesq' 2> /dev/null ||
  "$peers/install.sh" "$venv" || exit 1
# The long ones first, so that none is left alone at the end.
suites=("$@")
[ $# -gt 0 ] || suites=(media agent transfers phone phones services kamailio sipp load examples ipv6 tls run-harness outbound nat
  addresses systemd captures phone-sound lossy)
case " ${suites[*]} " in *" examples "*) swift build -c release --product biloxi-examples || exit 1 ;; esac
sides=1
unshare -n true 2> /dev/null && [ "$(nproc)" -ge 4 ] && sides=2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# suite NAME: leaves what it printed in $work/NAME.
suite() {
  local rc
  "$here/$1.sh" "$server" "$peers" "$venv/bin/python" > "$work/$1" 2>&1
  rc=$?
  { echo "=== $1: $SECONDS s since the start"; cat "$work/$1"; } > "$work/$1.all"
  cat "$work/$1.all"
  [ $rc = 0 ] || echo "$1" >> "$work/failed"
}
# in_time NAME: whether there is time for a suite.
in_time() {
  [ $SECONDS -lt "${WITHIN:-1000000}" ] && return 0
  left_out="$left_out $1"
  return 1
}
running=0 left_out=""
for name in "${suites[@]}"; do
  if [ $running = $sides ]; then wait -n; running=$((running - 1)); fi
  in_time "$name" || continue
  suite "$name" &
  running=$((running + 1))
done
wait
for try in $(seq 2 "${TRIES:-1}"); do
  [ -s "$work/failed" ] || break
  mapfile -t suites < "$work/failed"
  : > "$work/failed"
  echo "=== once more, try $try: ${suites[*]}"
  for name in "${suites[@]}"; do suite "$name"; done
done
[ -z "$left_out" ] || echo "=== left out after ${WITHIN:-0} s:$left_out"
[ ! -s "$work/failed" ] || { echo "=== failed: $(tr '\n' ' ' < "$work/failed")"; exit 1; }
