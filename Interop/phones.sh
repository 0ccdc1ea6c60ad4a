#!/usr/bin/env bash
# Two phones that nobody here wrote call each other through Biloxi, and the audio is judged by PESQ.
#   phones.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
pass=0 fail=0
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
start_server "$here/phones.yaml" || exit 1

# one_call NAME CALLEE-DRIVER CALLEE-ARGS CALLER-DRIVER CALLER-ARGS [LEAST-MOS]
one_call() {
  local name=$1 rec="$work/$1.wav" least=${6:-3.6}
  timeout 60 "$python" "$peers/lib/$2" --user bob --port 5082 --rtp 21000 --rec "$rec" $3 register 'auto 200' \
    'expect incoming 20' 'expect dtmf 5 30' 'expect closed 30' > "$work/$name.callee" 2>&1 &
  local callee=$!
  wait_registered bob
  timeout 50 "$python" "$peers/lib/$4" --user alice --port 5091 --rtp 22000 --wav "$peers/audio/speech8k.wav" $5 register \
    'call sip:bob@sip.test' 'expect answered' 'sleep 10' 'dtmf 5' 'sleep 1' hangup > "$work/$name.caller" 2>&1
  local caller_rc=$?
  wait "$callee"
  local callee_rc=$?
  local mos; mos=$("$python" "$peers/audio/mos.py" "$peers/audio/speech8k.wav" "$rec" --min "$least" 2>&1)
  local mos_rc=$?
  if [ $caller_rc = 0 ] && [ $callee_rc = 0 ] && [ $mos_rc = 0 ]; then
    echo "ok   $name: $mos"; pass=$((pass + 1))
  else
    echo "FAIL $name: caller $caller_rc, callee $callee_rc, audio: $(echo "$mos" | tail -n 1)"; fail=$((fail + 1))
    tail -n 12 "$work/$name.caller" "$work/$name.callee" | cut -c1-200
  fi
}

one_call baresip-to-pjsua pj_ua.py "" baresip_ua.py ""
one_call pjsua-to-pjsua pj_ua.py "" pj_ua.py ""
# These two agree on Speex, whose loss PESQ hears: it has a bar of its own.
one_call linphone-to-pjsua pj_ua.py "" linphone_ua.py "" 3.0
one_call baresip-to-pjsua-tcp pj_ua.py "--transport tcp" baresip_ua.py "--transport tcp"
echo "$pass passed, $fail failed"
[ $fail = 0 ]
