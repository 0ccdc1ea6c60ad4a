#!/usr/bin/env bash
# `biloxi run -` driven by a harness of a hundred lines of Python, against pjsua2 through the server: calls in both
# directions with speech and keys, hold, a message, a refusal; presence; and against flows of SIPp, driven by a file.
#   run-harness.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
pass=0 fail=0
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
echo pw-alice > "$work/alice.password"

# case_ends NAME CODES [FILE...]: one line for a case, and the ends of files where an exit code was not 0.
case_ends() {
  local name=$1 rc=$2
  shift 2
  if [ -z "$rc" ]; then echo "ok   $name"; pass=$((pass + 1))
  else echo "FAIL $name: $rc"; fail=$((fail + 1)); tail -n 12 "$@" | cut -c1-220; fi
}

start_server "$here/phones.yaml" || exit 1
timeout 110 "$python" "$peers/lib/pj_ua.py" --user bob --port 5082 --rtp 21000 --wav "$peers/audio/speech8k-b.wav" \
  --rec "$work/peer.wav" register 'auto 200' 'expect incoming 20' 'expect dtmf 5 40' 'expect closed 30' \
  'expect message ".*Watson.*" 20' 'auto off' 'call sip:alice@sip.test' 'expect answered 20' 'sleep 1' 'dtmf 123' 'sleep 1' \
  hangup 'sleep 1' > "$work/peer" 2>&1 &
peer=$!
wait_registered bob
timeout 110 "$python" "$here/drivers/run_harness.py" "$server" "$peers/audio/speech8k.wav" "$work/ours.wav" \
  --account sip:alice@sip.test --password-file "$work/alice.password" --proxy sip:127.0.0.1:5060 \
  --local udp:127.0.0.1:5070 --media-ports 23000-23999 > "$work/ours" 2>&1
ours=$?
wait $peer
case_ends harness-pjsua "${ours#0}${?#0}" "$work/ours" "$work/peer"
judge speech8k.wav "$work/peer.wav" 3.4 > "$work/there"; there=$?
judge speech8k-b.wav "$work/ours.wav" 3.4 > "$work/back"; back=$?
case_ends harness-sound "${there#0}${back#0}" "$work/there" "$work/back"

# Presence: pjsua2 is the notifier, behind the server (RFC 6665, RFC 3856).
timeout 60 "$python" "$peers/lib/pj_ua.py" --user bob --port 5082 --rtp 21000 register 'sleep 9' > "$work/notifier" 2>&1 &
notifier=$!
wait_registered bob
watch=(timeout 30 "$server" watch sip:bob@sip.test presence --account sip:alice@sip.test --password-file "$work/alice.password"
  --proxy 127.0.0.1 --local udp:127.0.0.1:5070 --json)
"${watch[@]}" --for 3s > "$work/watch" 2>&1; rc=$?
grep -q '"state":"active".*<basic>' "$work/watch" || rc="$rc, not told"
case_ends presence "${rc#0}" "$work/watch" "$work/notifier"
"${watch[@]}" --once > "$work/watch" 2>&1; rc=$?
grep -q '"state":"terminated".*<basic>' "$work/watch" || rc="$rc, not told"
case_ends presence-once "${rc#0}" "$work/watch" "$work/notifier"
wait $notifier
stop_server

# A file instead of a program: each flow of SIPp with the commands that are its other side.
flow() {
  local name=$1 rc
  cat > "$work/$name.commands"
  timeout 50 "$server" run "$work/$name.commands" --local udp:127.0.0.1:5070 --media-ports 23000-23999 \
    > "$work/$name.ours" 2>&1 &
  local ours=$!
  local i; for i in $(seq 50); do grep -q '"ready"' "$work/$name.ours" && break; sleep 0.1; done
  timeout 50 sipp 127.0.0.1:5070 -i 127.0.0.1 -p 5160 -sf "$peers/sipp/uac_$name.xml" -s bob -m 1 -nostdin -timeout 40s \
    -key domain sip.test -key me alice -key target carol -au alice -ap pw-alice -trace_err \
    -error_file "$work/$name.err" > "$work/$name.sipp" 2>&1
  rc=$?
  wait $ours
  case_ends "file-sipp-$name" "${rc#0}${?#0}" "$work/$name.ours" "$work/$name.err"
}
flow call << 'COMMANDS'
{"do":"expect","event":"incoming","within":20}
{"do":"ring","call":"call-1"}
{"do":"answer","call":"call-1","wait":true}
{"do":"expect","event":"ended","call":"call-1","within":20}
COMMANDS
flow 486 << 'COMMANDS'
{"do":"expect","event":"incoming","within":20}
{"do":"reject","call":"call-1","status":486}
{"do":"expect","event":"ended","call":"call-1","within":20}
{"do":"wait","for":1}
COMMANDS
flow info_dtmf << 'COMMANDS'
{"do":"expect","event":"incoming","within":20}
{"do":"answer","call":"call-1","wait":true}
{"do":"expect","event":"digit","call":"call-1","where":{"key":"5","via":"info"}}
{"do":"expect","event":"ended","call":"call-1","within":20}
COMMANDS
flow cancel << 'COMMANDS'
{"do":"expect","event":"incoming","within":20}
{"do":"ring","call":"call-1"}
{"do":"expect","event":"ended","call":"call-1","where":{"code":"cancelled"},"within":20}
{"do":"wait","for":1}
COMMANDS
echo "$pass passed, $fail failed"
[ $fail = 0 ]
