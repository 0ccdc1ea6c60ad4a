#!/usr/bin/env bash
# What the audio of our telephone can do, against phones that nobody here wrote: every codec that they have, SRTP by both ways
# to keys, RTCP, and audio that flows one way only. Codecs that no phone has are spoken between two telephones of ours.
#   media.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT

# both NAME OUR-ARGS PHONE-ARGS DRIVER...: we call each phone direct, and each calls us.
# The driver of baresip makes its account with the first step that needs one, and answers 404 before: to publish needs one.
both() {
  local name=$1 ours=$2 phone=$3 driver steps
  shift 3
  for driver in "$@"; do
    steps=(); [ "$driver" = pj_phone ] || steps=('publish closed')
    in_call "$name-to-${driver%_phone}" we_call $driver.py sip:bob@sip.test "$local_udp --proxy 127.0.0.1:5082 $ours" \
      "$phone" "${steps[@]}"
    in_call "$name-from-${driver%_phone}" phone_calls $driver.py "$local_udp $ours" "$phone --server 127.0.0.1:5070"
  done
}

# we_both NAME CALLER-ARGS ANSWERER-ARGS: a call between two telephones of ours; the one that answers stands for the phone.
we_both() {
  local name=$1 caller=$2 answerer=$3
  timeout 60 "$server" answer --count 1 --play "$speech_b" --record "$work/$name.peer.wav" --for 40s --expect-audio \
    --expect-dtmf 5 --local udp:127.0.0.1:5082 --media-ports 24000-24999 --json $answerer > "$work/$name.peer" 2>&1 &
  local answering=$!
  wait_line "$work/$name.peer" '"ready"'
  timeout 50 "$server" call sip:bob@127.0.0.1:5082 --play "$speech" --record "$work/$name.ours.wav" --for 13s \
    --dtmf ,,,,,,,,,,5 --expect-audio --min-mos "$(least "$min_mos")" $local_udp --json $caller > "$work/$name.ours" 2>&1
  ours_rc=$?
  wait "$answering"
  peer_rc=$?
}

# Codecs. PESQ is of narrow band; what is below G.711 is so by the codec itself: two pjsua reach 3.5 to 3.6 with G.722.
for codec in PCMU PCMA G722; do
  [ $codec != G722 ] || least_mos=3.1
  wanted="\"codec\":\"$codec\""
  name=$codec; [ $codec != G722 ] || name=G722/16000/1
  both "codec-$codec" "--codec $codec" "--codec $codec" pj_phone
  both "codec-$codec" "--codec $codec" "--codec $name" baresip_phone
done
least_mos=3.6
wanted='"codec":"opus"'
both codec-opus "--codec opus" "--codec opus/48000/2" baresip_phone
wanted='"codec":"L16"'
both codec-L16 "--codec L16/16000" "--codec L16/16000/1" baresip_phone
# The samples are of a synthetic voice, which coders of speech at low rates spoil: 2.45 and 2.49 without any network.
wanted='"codec":"G729"' least_mos=2.3 min_mos=3.9
in_call codec-G729-between-us we_both "--codec G729" "--codec G729"
wanted='"codec":"G723"' min_mos=3.7
in_call codec-G723-between-us we_both "--codec G723" "--codec G723"
least_mos=3.6 min_mos=4
# Who answers takes what is offered first of what it has.
wanted='"codec":"opus"'
in_call codec-first-of-the-offer we_both "--codec opus,PCMU" ""

# SRTP with keys in the descriptions (RFC 4568): each suite that pjsua knows, and baresip's.
for suite in AES_CM_128_HMAC_SHA1_80 AES_CM_128_HMAC_SHA1_32; do
  wanted="SDES $suite"
  both "sdes-$suite" "--srtp sdes" "--keying sdes --suite $suite" pj_phone
done
# One that we do not offer, but take.
wanted="SDES AES_256_CM_HMAC_SHA1_80"
in_call sdes-AES_256_CM_HMAC_SHA1_80-from-pj phone_calls pj_phone.py "$local_udp" \
  "--keying sdes --suite AES_256_CM_HMAC_SHA1_80 --server 127.0.0.1:5070"
wanted='"encryption":"SDES '
both sdes "--srtp sdes" "--keying sdes" baresip_phone
# SRTP with keys of a handshake (RFC 5763), with RTCP at a port of its own and at that of RTP. pjsua2 of PyPI has no DTLS.
wanted='"encryption":"DTLS '
both dtls "--srtp dtls" "--keying dtls" baresip_phone
both dtls-mux "--srtp dtls" "--keying dtls --mux" baresip_phone
in_call dtls-between-us we_both "--srtp dtls" "--srtp dtls"
# Who asks for nothing takes what it is called with.
wanted='"encryption":"SDES '
in_call sdes-unasked we_both "--srtp sdes" ""
wanted='"encryption":"DTLS '
in_call dtls-unasked phone_calls baresip_phone.py "$local_udp" "--keying dtls --server 127.0.0.1:5070"
# RTCP: what the phone says of our sound, and the time there and back, are known at the end.
wanted='"peerMOS":.*"roundTripMilliseconds":'
both rtcp "" "" pj_phone baresip_phone
both rtcp-mux "" "--mux" pj_phone baresip_phone
wanted=""

# told NAME WANTED-EXIT-CODE PATTERN ARGUMENT...: our telephone ends so, and says so.
told() {
  local name=$1 code=$2 pattern=$3 rc
  shift 3
  timeout 40 "$server" "$@" > "$work/$name" 2>&1
  rc=$?
  if [ $rc = "$code" ] && grep -q -- "$pattern" "$work/$name"; then echo "ok   $name: $(grep -m 1 -o -- "$pattern.*" "$work/$name" | cut -c1-160)"; pass=$((pass + 1))
  else echo "FAIL $name: exit $rc, not $code, or no '$pattern'"; fail=$((fail + 1)); tail -n 8 "$work/$name" | cut -c1-300; fi
}
# phone NAME STEP...: pjsua waits in the background, in $phone_pid.
phone() {
  local name=$1
  shift
  timeout 40 "$python" "$(driver pj_phone.py)" --user bob --port 5082 --rtp 21000 --wav "$speech_b" "$@" > "$work/$name.peer" 2>&1 &
  phone_pid=$!
  wait_line "$work/$name.peer" 'step: auto'
}
# A call without SRTP is refused where it is required, on both sides, and who called is told why.
phone plain 'auto 200' 'sleep 12'
told srtp-refused-by-phone 3 '488\|406' call sip:bob@sip.test $local_udp --proxy 127.0.0.1:5082 --srtp sdes
kill $phone_pid 2> /dev/null; wait $phone_pid 2> /dev/null
timeout 60 "$server" answer --count 1 --local udp:127.0.0.1:5082 --srtp dtls > "$work/required.peer" 2>&1 &
answering=$!
wait_line "$work/required.peer" '^ready'
told srtp-required 3 'RTP/AVP is not encrypted, and SRTP is required here' call sip:bob@127.0.0.1:5082 $local_udp
kill -INT $answering 2> /dev/null; wait $answering 2> /dev/null

# A phone that answers and sends nothing: noticed within five seconds, with the addresses.
timeout 40 sipp -i 127.0.0.1 -p 5161 -sf "$peers/sipp/uas_call.xml" -s bob -m 1 -nostdin -timeout 30s -key domain sip.test \
  -key me bob -key target carol > "$work/oneway.sipp" 2>&1 &
phone_pid=$!
sleep 0.5
told one-way-noticed 0 'one-way audio: nothing has come in 4 s: the other side says that it is at 127.0.0.1:' \
  call sip:bob@127.0.0.1:5161 --tone 440 --for 5s $local_udp
wait $phone_pid

# The echo service of the server returns what is encrypted too.
start_server "$here/phones.yaml" || exit 1
passwords
alice="--account sip:alice@sip.test --password-file $work/alice.password --proxy sip:127.0.0.1:5060 $local_udp"
told echo-sdes 0 'SDES AEAD' call sip:echo@sip.test $alice --tone 440 --for 3s --expect-audio --min-mos "$(least 4)" --srtp sdes
told echo-dtls 0 'DTLS AEAD' call sip:echo@sip.test $alice --tone 440 --for 3s --expect-audio --min-mos "$(least 4)" --srtp dtls
told echo-opus 0 'opus' call sip:echo@sip.test $alice --tone 440 --for 3s --expect-audio --min-mos "$(least 4)" --codec opus
told no-keys-in-the-trace 0 'a=crypto:1 AEAD_AES_256_GCM (left out)' call sip:echo@sip.test $alice --for 1s --srtp sdes --verbose
grep -q inline: "$work/no-keys-in-the-trace" && { echo "FAIL a key is in the trace"; fail=$((fail + 1)); }
stop_server
echo "$pass passed, $fail failed"
[ $fail = 0 ]
