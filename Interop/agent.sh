#!/usr/bin/env bash
# The telephone of Biloxi, `biloxi call` and `biloxi answer`, against phones that nobody here wrote: direct and through
# the server, in both directions. Both sides speak and record, keys are pressed, and PESQ judges what each has heard.
#   agent.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
pass=0 fail=0
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT

passwords
# The driver of baresip makes its account with the first step that needs one, and answers 404 before: to publish needs one.
in_call direct-call-to-pj we_call pj_ua.py sip:bob@sip.test "$local_udp --proxy 127.0.0.1:5082" ""
in_call direct-call-to-baresip we_call baresip_ua.py sip:bob@sip.test "$local_udp --proxy 127.0.0.1:5082" "" 'publish closed'
for driver in pj_ua baresip_ua; do
  # The phone takes us for its server, so that it calls us direct.
  in_call "direct-call-from-${driver%_ua}" phone_calls $driver.py "$local_udp" "--server 127.0.0.1:5070"
done

start_server "$here/phones.yaml" || exit 1
alice="--account sip:alice@sip.test --password-file $work/alice.password --media-ports 23000-23999"
bob="--account sip:bob@sip.test --password-file $work/bob.password --media-ports 23000-23999"
for driver in pj_ua baresip_ua; do
  for transport in udp tcp; do
    in_call "call-to-${driver%_ua}-$transport" we_call $driver.py sip:bob@sip.test \
      "$alice --proxy sip:127.0.0.1:5060 --via $transport --local $transport:127.0.0.1:5070" "--transport $transport" register
    in_call "call-from-${driver%_ua}-$transport" phone_calls $driver.py \
      "$bob --proxy sip:127.0.0.1:5060 --via $transport --local $transport:127.0.0.1:5070" "--transport $transport" register
  done
done
in_call call-to-pjsua-tls we_call pj_ua.py sip:bob@sip.test \
  "$alice --proxy sip:127.0.0.1:5061 --via tls --insecure --local tls:127.0.0.1:5070" "--transport tls --server 127.0.0.1:5061" \
  register
in_call call-from-pjsua-tls phone_calls pj_ua.py \
  "$bob --proxy sip:127.0.0.1:5061 --via tls --insecure --local tls:127.0.0.1:5070" "--transport tls --server 127.0.0.1:5061" \
  register

# command NAME WANTED-EXIT-CODE ARGUMENT...
command_ends() {
  local name=$1 wanted=$2 rc
  shift 2
  timeout 40 "$server" "$@" > "$work/$name" 2>&1
  rc=$?
  if [ $rc = "$wanted" ]; then echo "ok   $name"; pass=$((pass + 1))
  else echo "FAIL $name: exit $rc, not $wanted"; fail=$((fail + 1)); tail -n 8 "$work/$name" | cut -c1-200; fi
}
me="$alice --proxy sip:127.0.0.1:5060 --local udp:127.0.0.1:5070"
command_ends echo-service 0 call sip:echo@sip.test $me --tone 440 --for 3s --expect-audio --min-mos "$(least 4)"
command_ends nobody 3 call sip:nobody@sip.test $me
command_ends ping 0 ping sip:127.0.0.1:5060 --count 3 --interval 100ms
command_ends register-once 0 register $me --expires 60s
command_ends bindings 0 bindings $me
command_ends unregister 0 unregister $me
echo wrong > "$work/wrong.password"
command_ends wrong-password 4 register --account sip:alice@sip.test --password-file "$work/wrong.password" \
  --proxy sip:127.0.0.1:5060 --local udp:127.0.0.1:5070

timeout 40 "$python" "$peers/lib/pj_ua.py" --user bob --port 5082 register 'expect message ".*Watson.*" 25' 'sleep 1' \
  > "$work/message.peer" 2>&1 &
peer=$!
wait_registered bob
command_ends message-to-pjsua 0 message sip:bob@sip.test "Watson, come here." $me
wait "$peer" || { echo "FAIL message-to-pjsua: the phone has not got it"; fail=$((fail + 1)); tail -n 8 "$work/message.peer"; }
stop_server

# flow NAME OUR-ARGS...: a SIPp flow of a caller with us at the far end.
flow() {
  local name=$1 answering rc
  shift
  timeout 60 "$server" "$@" --json --local udp:127.0.0.1:5070 --media-ports 23000-23999 > "$work/flow-$name.ours" 2>&1 &
  answering=$!
  wait_line "$work/flow-$name.ours" '"ready"'
  timeout 50 sipp 127.0.0.1:5070 -i 127.0.0.1 -p 5160 -sf "$peers/sipp/uac_$name.xml" -s bob -m 1 -nostdin -timeout 40s \
    -key domain sip.test -key me alice -key target carol -au alice -ap pw-alice -trace_err -error_file "$work/$name.err" \
    > "$work/flow-$name.sipp" 2>&1
  rc=$?
  kill -INT $answering 2> /dev/null
  wait $answering
  local ours=$?
  if [ $rc = 0 ] && { [ $ours = 0 ] || [ $ours = 130 ]; }; then echo "ok   sipp-$name"; pass=$((pass + 1))
  else
    echo "FAIL sipp-$name: sipp $rc, ours $ours"; fail=$((fail + 1))
    tail -n 6 "$work/$name.err" "$work/flow-$name.ours" 2> /dev/null | cut -c1-220
  fi
}
flow call answer --count 1 --delay 500ms
flow hold answer --count 1
flow cancel answer --count 1 --delay 20s
flow 486 answer --count 1 --status 486
flow 603 answer --count 1 --status 603
# Its caller wants to hear something early, by a reliable 183.
flow prack answer --count 1 --early --delay 1s --tone 440
flow update answer --count 1
flow info_dtmf answer --count 1 --expect-dtmf 5
flow options answer
flow message message --listen --count 1

# called NAME WANTED-EXIT-CODE: a SIPp flow of one who is called, and our call to it.
called() {
  local name=$1 wanted=$2 peer rc
  timeout 50 sipp -i 127.0.0.1 -p 5161 -sf "$peers/sipp/uas_$name.xml" -s bob -m 1 -nostdin -timeout 40s -key domain sip.test \
    -key me bob -key target carol -trace_err -error_file "$work/uas_$name.err" > "$work/called-$name.sipp" 2>&1 &
  peer=$!
  sleep 0.5
  timeout 40 "$server" call sip:bob@127.0.0.1:5161 --for 2s --json --local udp:127.0.0.1:5070 --media-ports 23000-23999 \
    > "$work/called-$name.ours" 2>&1
  rc=$?
  wait $peer
  local peer_rc=$?
  if [ $rc = "$wanted" ] && [ $peer_rc = 0 ]; then echo "ok   sipp-called-$name"; pass=$((pass + 1))
  else
    echo "FAIL sipp-called-$name: ours $rc, not $wanted, sipp $peer_rc"; fail=$((fail + 1))
    tail -n 6 "$work/uas_$name.err" "$work/called-$name.ours" 2> /dev/null | cut -c1-220
  fi
}
called call 0
called 486 6
called 603 6
echo "$pass passed, $fail failed"
[ $fail = 0 ]
