#!/usr/bin/env bash
# What phones do in and around a call passes through Biloxi: hold, transfers, messages, reliable provisional responses,
# session timers, UPDATE, INFO.
#   services.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
start_server "$here/phones.yaml" || exit 1

# begin NAME; then phones, the caller last; then finish. A phone is NAME DRIVER OPTIONS... -- STEPS...
names=() pids=()
begin() { name=$1 names=() pids=(); }
phone() {
  local user=$1 driver=$2 options=(); shift 2
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  local port=$((5082 + 10 * ${#names[@]}))
  timeout 60 "$python" "$(driver "$driver")" --user "$user" --port $port --rtp $((21000 + 200 * ${#names[@]})) \
    "${options[@]}" register "$@" > "$work/$name.$user" 2>&1 &
  names+=("$user") pids+=($!)
  wait_registered "$user"
}
# finish [CHECK...]: every phone has done all its steps, and the check is true.
finish() {
  local i failed=""
  for i in "${!pids[@]}"; do wait "${pids[i]}" || failed="$failed ${names[i]}"; done
  local remark=""
  if [ -z "$failed" ] && [ $# -gt 0 ]; then remark=$("$@" 2>&1) || failed=" $remark"; fi
  if [ -z "$failed" ]; then
    echo "ok   $name${remark:+: $remark}"; pass=$((pass + 1))
  else
    echo "FAIL $name:$failed"; fail=$((fail + 1))
    for i in "${names[@]}"; do tail -n 8 "$work/$name.$i" | cut -c1-200 | sed "s/^/  $i: /"; done
  fi
}
# What was recorded is speech and no silence. (PESQ cannot judge it: the file had been playing before the transfer.)
heard() {
  "$python" - "$1" << 'CHECK'
import array, math, sys, wave
with wave.open(sys.argv[1]) as file:
    samples = array.array("h", file.readframes(file.getnframes()))
level = math.sqrt(sum(x * x for x in samples) / max(len(samples), 1))
print(f"heard {len(samples) / 8000:.1f} s at {level:.0f} rms")
sys.exit(0 if len(samples) > 60000 and level > 500 else 1)
CHECK
}

for caller in pj_ua baresip_ua linphone_ua; do
  begin "hold-by-${caller%_ua}"
  phone bob pj_ua.py -- 'auto 200' 'expect incoming 20' 'expect answered' 'expect remote-hold 15' 'expect media 15' \
    'expect closed 20'
  phone alice $caller.py --wav "$peers/audio/speech8k.wav" -- 'call sip:bob@sip.test' 'expect answered' 'sleep 1' hold 'sleep 2' resume 'sleep 2' hangup
  finish
done

for caller in pj_ua baresip_ua linphone_ua; do
  begin "blind-transfer-by-${caller%_ua}"
  phone carol pj_ua.py --rec "$work/$name.wav" -- 'auto 200' 'expect incoming 30' 'expect answered' 'expect closed 40'
  phone bob pj_ua.py --wav "$peers/audio/speech8k.wav" -- 'auto 200' 'expect incoming 20' 'expect refer 20' \
    'expect answered "#2" 20' 'sleep 11' hangall
  phone alice $caller.py --wav "$peers/audio/speech8k.wav" -- 'call sip:bob@sip.test' 'expect answered' 'sleep 1' 'transfer sip:carol@sip.test' \
    'expect transfer|closed 20' 'sleep 2'
  finish heard "$work/$name.wav"
done

# Baresip is the one that is held, and the one that is transferred. After the hold RTP flows again, each way.
begin hold-of-baresip
phone bob baresip_ua.py --wav "$peers/audio/speech8k-b.wav" -- 'auto 200' 'expect incoming 20' 'expect answered' \
  'expect dtmf 5 30' 'dtmf 7' 'expect closed 20'
phone alice pj_ua.py --wav "$peers/audio/speech8k.wav" -- 'call sip:bob@sip.test' 'expect answered' 'sleep 1' hold 'expect hold' \
  'sleep 1' resume 'sleep 1' 'dtmf 5' 'expect dtmf 7 10' hangup
finish

begin blind-transfer-of-baresip
phone carol pj_ua.py --rec "$work/$name.wav" -- 'auto 200' 'expect incoming 30' 'expect answered' 'expect closed 40'
phone bob baresip_ua.py --wav "$peers/audio/speech8k.wav" -- 'auto 200' 'expect incoming 20' 'expect answered' 'expect refer 20' \
  'expect answered 20' 'sleep 11' hangall
phone alice pj_ua.py --wav "$peers/audio/speech8k.wav" -- 'call sip:bob@sip.test' 'expect answered' 'sleep 1' 'transfer sip:carol@sip.test' \
  'expect transfer|closed 20' 'sleep 2'
finish heard "$work/$name.wav"

begin attended-transfer
phone carol pj_ua.py -- 'auto 200' 'expect incoming 30' 'expect answered' 'expect replaced 20' 'expect answered 20' \
  'expect closed 30'
phone bob pj_ua.py -- 'auto 200' 'expect incoming 20' 'expect refer 30' 'expect answered "#2" 20' 'sleep 2' hangall
phone alice pj_ua.py -- 'call sip:bob@sip.test' 'expect answered' 'sleep 1' hold 'expect hold' \
  'call sip:carol@sip.test' 'expect answered "#2"' 'sleep 1' attended 'expect transfer 200 20' 'expect closed 20'
finish

# Of baresip only the newer can: it asks for the REFER with Replaces of its two calls.
begin attended-transfer-by-baresip
phone carol pj_ua.py -- 'auto 200' 'expect incoming 30' 'expect answered' 'expect replaced 20' 'expect answered 20' \
  'expect closed 30'
phone bob pj_ua.py -- 'auto 200' 'expect incoming 20' 'expect refer 30' 'expect answered "#2" 20' 'sleep 2' hangall
phone alice baresippy_phone.py -- 'call sip:bob@sip.test' 'expect answered' 'sleep 1' hold 'call sip:carol@sip.test' \
  'expect answered "#2"' 'sleep 1' attended 'sleep 2'
finish

begin message-to-linphone
phone bob linphone_ua.py -- 'expect message ".*Watson, come here.*" 20' 'sleep 1'
phone alice pj_ua.py -- 'message sip:bob@sip.test Watson, come here' 'expect message-sent 200'
finish
# Headless baresip shows a message in its trace only.
begin message-to-baresip
phone bob baresip_ua.py --trace -- 'sleep 4'
phone alice pj_ua.py -- 'message sip:bob@sip.test Watson, come here' 'expect message-sent 200'
finish grep -o 'Watson, come here' "$work/$name.bob"

for sender in pj_ua baresip_ua linphone_ua; do
  begin "message-by-${sender%_ua}"
  phone bob pj_ua.py -- 'expect message ".*Watson, come here.*" 20' 'sleep 1'
  phone alice $sender.py -- 'message sip:bob@sip.test Watson, come here' 'sleep 2'
  finish
done

begin reliable-provisional-and-session-timer
phone bob pj_ua.py --rel100 --timer -- 'expect incoming 20' 'sleep 1' answer 'expect answered' 'expect closed 20'
phone alice pj_ua.py --rel100 --timer -- 'call sip:bob@sip.test' 'expect ringing' 'expect answered' update 'sleep 1' \
  'info 42' 'sleep 1' hangup
finish

# The newer baresip does 100rel too: PRACK between two different phones, from either side.
begin reliable-provisional-to-baresip
phone bob baresippy_phone.py --rel100 -- 'expect incoming 20' 'sleep 1' answer 'expect closed 20'
phone alice pj_ua.py --rel100 -- 'call sip:bob@sip.test' 'expect ringing' 'expect answered' 'sleep 1' hangup 'sleep 1'
finish
begin reliable-provisional-to-pjsua
phone bob pj_ua.py --rel100 -- 'expect incoming 20' 'sleep 1' answer 'expect answered' 'expect closed 20'
phone alice baresippy_phone.py --rel100 -- 'call sip:bob@sip.test' 'expect answered' 'sleep 1' hangup 'sleep 1'
finish

echo "$pass passed, $fail failed"
[ $fail = 0 ]
