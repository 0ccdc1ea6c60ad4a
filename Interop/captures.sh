#!/usr/bin/env bash
# What our telephones and our server put on the wire, as tshark reads it: of each kind of call every packet is captured,
# signalling and sound, and none may be malformed or bring a warning. So does what `--pcap` writes.
#   captures.sh SERVER PEERS PYTHON     (server binary, folder of the drivers; python is not used)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
capture=""
trap 'stop_server; stop_started; [ -z "$capture" ] || kill $capture; rm -rf "$work"' EXIT
passwords
tshark=$(command -v tshark) || { echo "FAIL tshark is not installed"; exit 1; }
# Ports that tshark does not know by themselves.
decode=()
for port in 5070 5082; do decode+=(-d "udp.port==$port,sip" -d "tcp.port==$port,sip"); done

# judge_packets NAME FILTER FILE: some packets pass the filter, which says that the call was of its kind; none is bad.
# Two warnings are not about what we send: that tshark has no key for SRTCP, and that nobody listens where a message that is
# too large for UDP was tried over TCP first (RFC 3261 §18.1.1).
judge_packets() {
  local name=$1 filter=$2 file=$3 kind bad
  kind=$("$tshark" -r "$file" "${decode[@]}" -Y "$filter" 2> "$work/errors" | wc -l)
  bad=$("$tshark" -r "$file" "${decode[@]}" -Y '_ws.malformed || _ws.expert.severity >= 0x600000' \
    -T fields -e frame.number -e _ws.col.Protocol -e _ws.expert.message 2>> "$work/errors" |
    grep -v -e 'Encrypted RTCP Payload - not dissected$' -e 'Connection reset (RST)$')
  if [ "$kind" -gt 0 ] && [ -z "$bad" ]; then
    echo "ok   $name: $kind packets '$filter'"; pass=$((pass + 1))
  else
    echo "FAIL $name: $kind packets '$filter'"; fail=$((fail + 1))
    echo "$bad" | head -n 8 | sed 's/^/   /'
    grep -v "Running as user" "$work/errors" | head -n 3
    tail -n 5 "$work/caller" "$work/callee" 2> /dev/null | cut -c1-200
  fi
}
# calls NAME FILTER ANSWERING CALLING: one telephone waits, with the arguments in ANSWERING; the other one acts. Both are ours.
calls() {
  local name=$1 filter=$2 file="$work/$1.pcapng" i
  dumpcap -q -i any -w "$file" > "$work/dumpcap" 2>&1 &
  capture=$!
  for i in $(seq 50); do grep -qs 'File:' "$work/dumpcap" && break; sleep 0.1; done
  : > "$work/callee"
  if [ -n "$3" ]; then
    timeout 40 "$server" $3 > "$work/callee" 2>&1 &
    started+=($!)
    wait_line "$work/callee" ready
  fi
  eval "timeout 30 \"$server\" $4" > "$work/caller" 2>&1
  sleep 0.1
  stop_started
  sleep 0.2
  kill $capture; wait $capture 2> /dev/null
  capture=""
  judge_packets "$name" "$filter" "$file"
}
callee="--local udp:127.0.0.1:5082 --media-ports 24000-24999 --tone 350"
caller="sip:bob@127.0.0.1:5082 $local_udp --tone 440"

calls call 'rtp.p_type == 0' "answer --delay 300ms $callee" "call $caller --for 1s"
calls early-media 'sip.Status-Code == 183 && sdp' "answer --early --delay 1s $callee" "call $caller --for 1s"
calls prack 'sip.Method == "PRACK"' "answer --early --delay 1s $callee" "call $caller --for 1s --header 'Require: 100rel'"
calls hold 'sdp.media_attr contains "sendonly"' "answer $callee" "call $caller --hold-at 500ms --hold-for 500ms --for 2s"
calls keys 'rtpevent' "answer $callee" "call $caller --dtmf 12# --for 2s"
calls g722 'rtp.p_type == 9' "answer --codec G722 $callee" "call $caller --codec G722 --for 1s"
calls opus 'sdp.mime.type == "opus"' "answer --codec opus $callee" "call $caller --codec opus --for 1s"
calls busy 'sip.Status-Code == 486' "answer --status 486 $callee" "call $caller"
calls cancel 'sip.Method == "CANCEL"' "answer --delay 20s $callee" "call $caller --timeout 1s"
calls refused 'sip.Status-Code == 488 && sdp' "answer --codec G722 $callee" "call $caller --codec PCMA"
calls srtp-sdes 'sdp.media_attr contains "crypto"' "answer --srtp sdes $callee" "call $caller --srtp sdes --for 1s"
calls srtp-dtls 'dtls.handshake' "answer --srtp dtls $callee" "call $caller --srtp dtls --for 1s"
calls rtcp 'rtcp.pt == 207' "answer $callee" "call $caller --for 6500ms"
calls tcp 'tcp && sip.Method == "BYE"' "answer --local tcp:127.0.0.1:5082 --media-ports 24000-24999 --tone 350" \
  "call 'sip:bob@127.0.0.1:5082;transport=tcp' --local tcp:127.0.0.1:5070 --media-ports 23000-23999 --tone 440 --for 1s"
calls ipv6 'ipv6 && rtp' "answer --local udp:[::1]:5082 --media-ports 24000-24999 --tone 350" \
  "call 'sip:bob@[::1]:5082' --local udp:[::1]:5070 --media-ports 23000-23999 --tone 440 --for 1s"
calls message 'sip.Method == "MESSAGE"' "message --listen --count 1 --local udp:127.0.0.1:5082" \
  "message sip:bob@127.0.0.1:5082 'Watson, come here.' --local udp:127.0.0.1:5070"
calls options 'sip.Method == "OPTIONS"' "answer $callee" "ping sip:bob@127.0.0.1:5082 --count 2 --interval 100ms $local_udp"
# One that changes before it is answered, one that is sent elsewhere, and what else `run` can.
cat > "$work/redirecting" << 'COMMANDS'
{"do":"expect","event":"incoming","within":20}
{"do":"redirect","call":"call-1","to":"sip:carol@127.0.0.1:5082"}
{"do":"expect","event":"incoming","within":20}
{"do":"answer","call":"call-2","wait":true}
{"do":"expect","event":"ended","call":"call-2","within":20}
COMMANDS
calls redirect 'sip.Status-Code == 302' "run $work/redirecting --local udp:127.0.0.1:5082 --media-ports 24000-24999" \
  "call $caller --for 1s"
cat > "$work/asking" << 'COMMANDS'
{"do":"expect","event":"incoming","within":20}
{"do":"early","call":"call-1"}
{"do":"wait","for":2}
{"do":"answer","call":"call-1","wait":true}
{"do":"expect","event":"ended","call":"call-1","within":20}
COMMANDS
cat > "$work/holding" << 'COMMANDS'
{"do":"call","uri":"sip:bob@127.0.0.1:5082","call":"one","headers":{"Require":"100rel"}}
{"do":"expect","event":"progress","call":"one"}
{"do":"wait","for":0.5}
{"do":"hold","call":"one","wait":true}
{"do":"wait","for":0.5}
{"do":"resume","call":"one","wait":true}
{"do":"expect","event":"answered","call":"one"}
{"do":"info","call":"one","contentType":"application/dtmf-relay","text":"Signal=5\r\nDuration=160\r\n","wait":true}
{"do":"message","call":"one","text":"still there?","wait":true}
{"do":"hangup","call":"one","wait":true}
COMMANDS
calls update-before-the-answer 'sip.Method == "UPDATE" && sdp' \
  "run $work/asking --local udp:127.0.0.1:5082 --media-ports 24000-24999" "run $work/holding $local_udp"

# Through the server, with a password and with others in the middle.
start_server "$here/phones.yaml" || exit 1
alice="--account sip:alice@sip.test --password-file $work/alice.password --proxy sip:127.0.0.1:5060 $local_udp --tone 440"
bob="--account sip:bob@sip.test --password-file $work/bob.password --proxy sip:127.0.0.1:5060 $callee"
calls authentication 'sip.Proxy-Authorization' "answer $bob" "call sip:bob@sip.test $alice --for 1s"
calls transfer 'sip.Method == "REFER"' "answer --follow-transfers $bob" \
  "call sip:bob@sip.test $alice --for 1s --transfer sip:echo@sip.test"
calls attended-transfer 'sip.Method == "INVITE" && sip.Replaces' "answer --follow-transfers $bob" \
  "call sip:bob@sip.test $alice --for 1s --consult --transfer sip:bob@sip.test"
calls echo 'rtp' "" "call sip:echo@sip.test $alice --for 1s"
calls registration 'sip.Method == "REGISTER"' "" "register ${alice% --tone 440}"
stop_server

# What the telephone itself writes, over TLS too.
timeout 30 "$server" answer --count 1 --local tls:127.0.0.1:5082 > "$work/callee" 2>&1 &
started+=($!)
wait_line "$work/callee" ready
timeout 30 "$server" call 'sip:bob@127.0.0.1:5082;transport=tls' --insecure --local tls:127.0.0.1:5070 --for 1s \
  --hold-at 100ms --hold-for 200ms --pcap "$work/own.pcapng" > "$work/caller" 2>&1
stop_started
judge_packets own-capture 'sip.Method == "BYE"' "$work/own.pcapng"
echo "$pass passed, $fail failed"
[ $fail = 0 ]
