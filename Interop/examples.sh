#!/usr/bin/env bash
# The programs of Examples/ against phones that nobody here wrote: each does what its first lines say.
#   examples.sh SERVER PEERS PYTHON     (server binary with biloxi-examples beside it, folder of the drivers, python with
#                                        pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
examples=$(dirname "$server")/biloxi-examples
pass=0 fail=0
work=$(mktemp -d)
trap 'stop_server; stop_started; rm -rf "$work"' EXIT
speech="$peers/audio/speech8k.wav" speech_b="$peers/audio/speech8k-b.wav"
mkdir "$work/prompts"
for prompt in menu number pin ok wrong; do cp "$speech" "$work/prompts/$prompt.wav"; done

# case_ends NAME RC FILE...: one line for a case, and the ends of files where it failed.
case_ends() {
  local name=$1 rc=$2
  shift 2
  if [ "$rc" = 0 ]; then echo "ok   $name"; pass=$((pass + 1))
  else echo "FAIL $name: $rc"; fail=$((fail + 1)); tail -n 12 "$@" | cut -c1-200; fi
}
# wait_line FILE TEXT: until a line with the text is there.
wait_line() {
  local i
  for i in $(seq 200); do
    grep -q "$2" "$1" 2> /dev/null && return 0
    sleep 0.1
  done
  return 1
}
# example USER ARGUMENT...: a program as a user of the server, in place of the shell that runs it.
example() {
  local user=$1
  shift
  exec env "ACCOUNT=sip:$user@sip.test" "PASSWORD=pw-$user" PROXY=127.0.0.1:5060 LISTEN=127.0.0.1:5070 \
    timeout 100 "$examples" "$@"
}
# end_example PID USER: ends a program that runs until it is ended, and removes what it has registered.
end_example() {
  kill "$1" 2> /dev/null
  wait "$1" 2> /dev/null
  echo "pw-$2" > "$work/$2.password"
  "$server" unregister --account "sip:$2@sip.test" --password-file "$work/$2.password" --proxy 127.0.0.1:5060 \
    --local udp:127.0.0.1:5072 > /dev/null
}
# phone USER PORT STEP...: a pjsua2 phone.
phone() {
  local user=$1 port=$2
  shift 2
  timeout 100 "$python" "$peers/lib/pj_ua.py" --user "$user" --port "$port" --rtp $((port + 16000)) --wav "$speech_b" \
    --rec "$work/$user.wav" "$@"
}

start_server "$here/phones.yaml" || exit 1
cd "$work" || exit 1

phone bob 5082 register 'auto 200' 'expect incoming 20' 'expect dtmf 4 30' 'expect closed 30' > softphone.peer 2>&1 &
peer=$!
wait_registered bob
(example alice softphone sip:bob@sip.test "$speech") > softphone 2>&1
rc=$?
wait $peer || rc="$rc, phone $?"
grep -q '^MOS [34]' softphone || rc="$rc, no MOS"
judge speech8k.wav bob.wav 3.4 > softphone.mos || rc="$rc, $(tail -n 1 softphone.mos)"
case_ends softphone "$rc" softphone softphone.peer

# The bank, by keys in the sound and by INFO, and its human.
example bob ivr "$work/prompts" sip:carol@sip.test > ivr 2>&1 &
ivr=$!
wait_line ivr listening
phone alice 5091 register 'call sip:bob@sip.test' 'expect answered 20' 'sleep 2' 'dtmf 2' 'sleep 2' 'dtmf 3181962' 'sleep 2' \
  'dtmf 0000' 'sleep 11' hangup > ivr.peer 2>&1
rc=$?
grep -q '^account 3181962: the PIN is right' ivr || rc="$rc, no PIN"
judge speech8k.wav alice.wav 3.0 > ivr.mos || rc="$rc, $(tail -n 1 ivr.mos)"
case_ends ivr-keys "$rc" ivr ivr.peer
phone alice 5091 register 'call sip:bob@sip.test' 'expect answered 20' 'sleep 2' 'info 2' 'sleep 2' 'info 3181962' 'sleep 2' \
  'info 9999' 'sleep 2' hangup > ivr.peer 2>&1
rc=$?
grep -q '^account 3181962: the PIN is wrong' ivr || rc="$rc, no PIN"
case_ends ivr-info "$rc" ivr ivr.peer
phone carol 5084 register 'auto 200' 'expect incoming 30' 'expect closed 30' > ivr.human 2>&1 &
human=$!
wait_registered carol
phone alice 5091 register 'call sip:bob@sip.test' 'expect answered 20' 'sleep 2' 'dtmf 1' 'expect answered 20' 'sleep 2' hangall \
  'sleep 1' > ivr.peer 2>&1
rc=$?
wait $human || rc="$rc, human $?"
case_ends ivr-transfer "$rc" ivr ivr.peer ivr.human
end_example $ivr bob

phone bob 5082 register 'auto 200' 'expect incoming 20' 'expect refer 20' 'expect answered 20' 'sleep 2' hangall 'sleep 1' \
  > click.bob 2>&1 &
first=$!
phone carol 5084 register 'auto 200' 'expect incoming 30' 'expect closed 30' > click.carol 2>&1 &
second=$!
wait_registered bob
wait_registered carol
(example alice click-to-call sip:bob@sip.test sip:carol@sip.test) > click 2>&1
rc=$?
wait $first || rc="$rc, first phone $?"
wait $second || rc="$rc, second phone $?"
grep -q '^connected' click || rc="$rc, not connected"
case_ends click-to-call "$rc" click click.bob click.carol

phone bob 5082 register 'expect message ".*Watson.*" 20' 'message sip:alice@sip.test Coming.' 'sleep 1' > chat.peer 2>&1 &
peer=$!
wait_registered bob
{ sleep 1; echo 'Watson, come here.'; sleep 4; } | (example alice chat sip:bob@sip.test) > chat 2>&1
rc=$?
wait $peer || rc="$rc, phone $?"
grep -q '^sip:bob@sip.test.*: Coming\.' chat || rc="$rc, no answer"
case_ends chat "$rc" chat chat.peer

example bob voice-bot > bot 2>&1 &
bot=$!
wait_line bot listening
phone alice 5091 register 'call sip:bob@sip.test' 'expect answered 20' 'sleep 22' hangup > bot.peer 2>&1
rc=$?
end_example $bot bob
judge speech8k-b.wav alice.wav 2.0 > bot.mos || rc="$rc, $(tail -n 1 bot.mos)"
case_ends voice-bot "$rc" bot bot.peer
stop_server

# The proxy is the server now: support rings bob, who does not answer, then carol.
USERS=alice:pw-alice,bob:pw-bob,carol:pw-carol,mallory:pw-mallory LISTEN=127.0.0.1:5060 \
  timeout 100 "$examples" proxy sip.test > proxy 2>&1 &
proxy=$!
wait_line proxy listening
phone bob 5082 register 'expect incoming 20' 'expect closed 20' > proxy.bob 2>&1 &
first=$!
phone carol 5084 register 'auto 200' 'expect incoming 30' 'expect closed 30' > proxy.carol 2>&1 &
second=$!
wait_line proxy.bob 'EVENT registered'
wait_line proxy.carol 'EVENT registered'
phone alice 5091 register 'call sip:support@sip.test' 'expect answered 20' 'sleep 2' hangup 'sleep 1' > proxy.alice 2>&1
rc=$?
wait $first || rc="$rc, first phone $?"
wait $second || rc="$rc, second phone $?"
case_ends proxy-serial "$rc" proxy proxy.alice proxy.bob proxy.carol
echo pw-mallory > mallory.password
for expected in "6 sip:bob@sip.test mallory" "3 sip:nobody@sip.test alice"; do
  read -r code uri user <<< "$expected"
  echo "pw-$user" > "$user.password"
  timeout 40 "$server" call "$uri" --account "sip:$user@sip.test" --password-file "$user.password" --proxy 127.0.0.1 \
    --local udp:127.0.0.1:5071 > "proxy.$user" 2>&1
  rc=$?
  [ $rc = "$code" ] && rc=0
  case_ends "proxy-refuses-$user" "$rc" "proxy.$user" proxy
done
kill $proxy 2> /dev/null
wait $proxy 2> /dev/null
echo "$pass passed, $fail failed"
[ $fail = 0 ]
