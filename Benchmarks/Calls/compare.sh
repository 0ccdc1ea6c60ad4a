#!/usr/bin/env bash
# What calls with sound cost: CALLS of them (500) held for SECONDS_HELD (30 s) by our telephone, by pjsua2 and by baresip, each on a
# processor of its own, playing to each call and recording each. Says how late the packets of each were sent.
#   compare.sh [PEER...]     ours, pjsua2, baresip. `ours:100` holds 100.
# The pjsua2 of the kit is built for four calls, and baresip holds no 500 on a processor; so we are measured with as few, too.
# It fails when a hundredth of our packets is more than 2 ms later than its schedule.
# REALTIME=1 keeps other programs from the processors. PYTHON names a python with pjsua2, SOUND what is played: by default a
# voice out of the drivers of the peers' kit, whose folder PEERS names.
set -u
here=$(cd "$(dirname "$0")" && pwd)
calls=${CALLS:-500} seconds=${SECONDS_HELD:-30}
python=${PYTHON:-$here/../../.venv-peers/bin/python}
bench=$(swift build -c release --product biloxi-callbench --show-bin-path)/biloxi-callbench
sound=${SOUND:-${PEERS:-$here/../../../shared/peers}/audio/speech8k.wav}
work=$(mktemp -d)
holder="" status=0
trap '[ -z "$holder" ] || kill "$holder" 2> /dev/null; rm -rf "$work"' EXIT
ulimit -n "$(ulimit -Hn)"
on() { local core=$1; shift; exec taskset -c "$core" ${REALTIME:+chrt -f 10} "$@"; }
peers=("$@")
[ $# -gt 0 ] || peers=(ours ours:100 baresip:100 ours:4 pjsua2:4)
for peer in "${peers[@]}"; do
  case $peer in *:*) held=${peer#*:} peer=${peer%:*} ;; *) held=$calls ;; esac
  late=()
  [ $peer != ours ] || late=(--most-late 2)
  rm -rf "$work/heard"; mkdir "$work/heard"
  case $peer in
    ours) on 1 "$bench" hold 5070 "$sound" "$work/heard" ;;
    pjsua2) on 1 "$python" "$here/pjsua_hold.py" 5070 "$sound" "$held" "$work/heard" ;;
    baresip) on 1 "$here/baresip_hold.sh" 5070 "$sound" "$held" "$work/heard" ;;
    *) echo "no peer $peer"; exit 1 ;;
  esac > "$work/log" 2>&1 &
  holder=$!
  sleep 3
  echo "=== $peer, $held calls"
  # The background has become the telephone itself, by exec.
  (on 0 "$bench" call 5070 --calls "$held" --rate 25 --seconds "$seconds" --pid $holder "${late[@]}") || status=1
  kill "$holder" 2> /dev/null; wait "$holder" 2> /dev/null
  holder=""
  [ -n "$(find "$work/heard" -name '*.wav' -size +100k -print -quit)" ] || { echo "nothing was recorded"; tail -n 5 "$work/log"; }
done
exit $status
