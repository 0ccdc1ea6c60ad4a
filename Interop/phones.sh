#!/usr/bin/env bash
# Two phones that nobody here wrote call each other through Biloxi, and the audio is judged by PESQ.
#   phones.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
start_server "$here/phones.yaml" || exit 1

# echo_call NAME DRIVER ARGS: one phone alone calls the echo service, and what it hears of itself is judged.
echo_call() {
  local name=$1 files="$work/$1" back rc back_rc try
  for try in $(seq $tries); do
    rest "$try"
    rm -f "$files".*
    timeout 50 "$python" "$(driver "$2")" --user alice --port 5091 --rtp 22000 --wav "$peers/audio/speech8k.wav" \
      --rec "$files.wav" $3 register \
      'call sip:echo@sip.test' 'expect answered' 'sleep 11' hangup > "$files.log" 2>&1
    rc=$?
    back=$(judge speech8k.wav "$files.wav" 3.6); back_rc=$?
    [ $rc = 0 ] && [ $back_rc != 0 ] || break
  done
  if [ $rc = 0 ] && [ $back_rc = 0 ]; then
    echo "ok   $name: heard itself $(heard "$back")"; pass=$((pass + 1))
  else
    echo "FAIL $name: phone $rc, heard itself $(heard "$back")"; fail=$((fail + 1))
    tail -n 12 "$files.log" | cut -c1-200
  fi
}

tcp="--transport tcp"
tls="--transport tls --server 127.0.0.1:5061"
one_call baresip-to-pjsua pj_ua.py "" baresip_ua.py ""
one_call pjsua-to-pjsua pj_ua.py "" pj_ua.py ""
# These two agree on Speex, whose loss PESQ hears: it has a bar of its own.
one_call linphone-to-pjsua pj_ua.py "" linphone_ua.py "" 3.0
one_call baresip-to-pjsua-tcp pj_ua.py "$tcp" baresip_ua.py "$tcp"
one_call baresip-to-pjsua-tls pj_ua.py "$tls" baresip_ua.py "$tls"
one_call pjsua-to-baresip-tls baresip_ua.py "$tls" pj_ua.py "$tls"
# Where the transport changes the server stands in Record-Route twice (RFC 5658 §4), and the BYE comes the way back.
one_call baresip-udp-to-pjsua-tls pj_ua.py "$tls" baresip_ua.py ""
one_call pjsua-tls-to-baresip-udp baresip_ua.py "" pj_ua.py "$tls"
# Linphone calls and is called, over TCP; over TLS in tls.sh.
one_call linphone-to-pjsua-tcp pj_ua.py "$tcp" linphone_phone.py "$tcp"
one_call baresip-to-linphone-tcp linphone_phone.py "$tcp" baresip_ua.py "$tcp"
# One phone tests itself: by the echo service of the server.
echo_call pjsua-to-echo pj_ua.py ""
echo_call baresip-to-echo baresip_ua.py ""
echo_call pjsua-to-echo-tls pj_ua.py "$tls"

# websocket NAME WHAT CALLER-STEP...: a WebSocket phone takes a call of pjsua's over UDP; the BYE finds the way to it by the
# flow token in our Record-Route, and the way back.
websocket() {
  local name=$1 what=$2 files="$work/$1"
  shift 2
  timeout 60 "$python" "$here/websocket_phone.py" "$what" > "$files.callee" 2>&1 &
  local callee=$! i
  # The one before has left its binding: what counts is that this one has registered.
  for i in $(seq 100); do grep -qs 'registered$' "$files.callee" && break; sleep 0.1; done
  timeout 50 "$python" "$peers/lib/pj_ua.py" --user alice --port 5091 --rtp 22000 register 'call sip:bob@sip.test' \
    'expect answered' "$@" > "$files.caller" 2>&1
  local caller_rc=$?
  wait "$callee"
  local callee_rc=$?
  if [ $caller_rc = 0 ] && [ $callee_rc = 0 ]; then
    echo "ok   $name"; pass=$((pass + 1))
  else
    echo "FAIL $name: caller $caller_rc, callee $callee_rc"; fail=$((fail + 1))
    tail -n 12 "$files.caller" "$files.callee" | cut -c1-200
  fi
}
websocket pjsua-hangs-up-on-websocket answer 'sleep 1' hangup
websocket websocket-hangs-up-on-pjsua hangup 'expect closed 20'
echo "$pass passed, $fail failed"
[ $fail = 0 ]
