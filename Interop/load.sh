#!/usr/bin/env bash
# `biloxi load` against our server, Kamailio and SIPp, and SIPp against `biloxi load --respond`.
#   load.sh SERVER PEERS
set -u
server=$1 peers=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
responder=""
trap 'stop_server; stop_started; rm -rf "$work"' EXIT
echo 'pw-user%d' > "$work/password"

# expect NAME PATTERN COMMAND...: ends with 0 and prints a line that matches.
expect() {
  local name=$1 pattern=$2; shift 2
  if timeout 90 "$@" > "$work/$name.log" 2>&1 && grep -qE -- "$pattern" "$work/$name.log"; then
    echo "ok   $name: $(grep -E -- "$pattern" "$work/$name.log" | tail -n 1 | cut -c1-120)"; pass=$((pass + 1))
  else
    echo "FAIL $name"; fail=$((fail + 1)); tail -n 8 "$work/$name.log" | cut -c1-200
  fi
}
# ends NAME CODE COMMAND...: ends with a code.
ends() {
  local name=$1 code=$2 rc; shift 2
  timeout 90 "$@" > "$work/$name.log" 2>&1; rc=$?
  if [ $rc = "$code" ]; then
    echo "ok   $name: $(tail -n 1 "$work/$name.log" | cut -c1-160)"; pass=$((pass + 1))
  else
    echo "FAIL $name: exit code $rc, not $code"; fail=$((fail + 1)); tail -n 8 "$work/$name.log" | cut -c1-200
  fi
}

# Our own server, with and without digest. Users 1 to 20 are registered at a responder of ours.
data="$work/data"
for i in $(seq 20); do
  echo "pw-user$i" | "$server" user add "user$i@sip.test" --data "$data" --password-file - > "$work/users.log" 2>&1 ||
    { cat "$work/users.log"; exit 1; }
done
serve_again "$here/sipp.yaml" || exit 1
start responder "$server" load --respond --local udp:127.0.0.1:5070 --answer-after 20ms
users="--users 20 --proxy 127.0.0.1:5060"
register="$server load sip:user%d@sip.test --register $users --password-file $work/password --contact sip:user%d@127.0.0.1:5070"
expect register-digest '200 begun, 200 succeeded .*, 0 failed' $register --rate 100 --for 2s
expect register-challenges '200 challenges' cat "$work/register-digest.log"
ends register-wrong-password 4 "$server" load sip:user%d@sip.test --register $users --rate 10 --for 1s \
  --password-file <(echo wrong)
expect calls-through-the-server '400 begun, 400 succeeded .*, 0 failed' \
  "$server" load sip:user%d@sip.test --calls $users --rate 200 --for 2s --hold 500ms --report "$work/report.html"
expect report '<svg' cat "$work/report.html"
expect messages-through-the-server '400 begun, 400 succeeded .*, 0 failed' \
  "$server" load sip:user%d@sip.test --messages $users --rate 200 --for 2s --histogram "$work/latency.hgrm"
expect histogram '^#\[Max .*Total count *= *400\]' cat "$work/latency.hgrm"
expect options '200: 500|200 OK: 500' "$server" load sip:sip.test --options --proxy 127.0.0.1:5060 --rate 500 --for 1s
expect calls-over-tcp '100 begun, 100 succeeded .*, 0 failed' \
  "$server" load sip:user%d@sip.test --calls $users --via tcp --rate 50 --for 2s
while sleep 0.1; do awk '$3 ~ /:13C4$/ && $4 == "01"' /proc/self/net/tcp | wc -l; done > "$work/connections" &
sampler=$!
expect calls-over-four-connections '100 begun, 100 succeeded .*, 0 failed' \
  "$server" load sip:user%d@sip.test --calls $users --via tcp --connections 4 --rate 50 --for 2s
kill $sampler
wait $sampler 2> /dev/null
expect four-connections '^4$' sort -n -u "$work/connections"
ends connections-of-udp 2 "$server" load sip:user%d@sip.test --calls $users --connections 4
ends unknown-user 3 "$server" load sip:nobody@sip.test --calls --proxy 127.0.0.1:5060 --rate 10 --for 1s
expect two-threads '1000 begun, 1000 succeeded .*, 0 failed' \
  "$server" load sip:user%d@sip.test --calls $users --rate 500 --for 2s --threads 2
expect knee '"best":[0-9]' "$server" load sip:sip.test --options --proxy 127.0.0.1:5060 --find-max --rate 400 \
  --step 1s --max-latency 20ms --json
stop_server

# Calls that are up when Ctrl-C comes are hung up: the responder has none left.
timeout -s INT 2 "$server" load sip:a@127.0.0.1:5070 --calls --rate 50 --for 20s --hold 60s > "$work/interrupt.log" 2>&1
rc=$?
if grep -qE '[0-9]+ begun, [0-9]+ succeeded .*, 0 failed' "$work/interrupt.log"; then
  echo "ok   interrupt: $(grep begun "$work/interrupt.log")"; pass=$((pass + 1))
else
  echo "FAIL interrupt: exit code $rc"; fail=$((fail + 1)); tail -n 5 "$work/interrupt.log"
fi
ends nobody-there 7 "$server" load sip:a@127.0.0.1:5999 --calls --rate 10 --for 1s
stop_started

# Kamailio as registrar and proxy.
mkdir -p "$work/neighbour"
start neighbour kamailio -DD -E -f "$here/kamailio/neighbour.cfg" -Y "$work/neighbour" -P "$work/neighbour.pid" -m 64 -M 8
start responder "$server" load --respond --local udp:127.0.0.1:5090
users="--users 20 --proxy 127.0.0.1:5070"
expect kamailio-register '20 begun, 20 succeeded .*, 0 failed' "$server" load sip:user%d@kam.test --register $users \
  --contact sip:user%d@127.0.0.1:5090 --rate 100 --count 20
expect kamailio-calls '400 begun, 400 succeeded .*, 0 failed' \
  "$server" load sip:user%d@kam.test --calls $users --rate 200 --for 2s --hold 200ms
expect kamailio-messages '400 begun, 400 succeeded .*, 0 failed' \
  "$server" load sip:user%d@kam.test --messages $users --rate 200 --for 2s
stop_started

# SIPp's own scenarios: its uas for our calls, its uac for our responder.
start sipp-uas sipp -sn uas -i 127.0.0.1 -p 5092 -nostdin
expect sipp-uas '400 begun, 400 succeeded .*, 0 failed' \
  "$server" load sip:service@127.0.0.1:5092 --calls --rate 200 --for 2s --hold 200ms
stop_started
start responder "$server" load --respond --local udp:127.0.0.1:5090 --ring-after 20ms --answer-after 100ms
if timeout 60 sipp -sn uac 127.0.0.1:5090 -i 127.0.0.1 -p 5094 -r 100 -m 300 -d 200 -nostdin -trace_stat -stf "$work/uac.csv" \
  > "$work/sipp-uac.log" 2>&1; then
  echo "ok   sipp-uac: 300 calls of SIPp answered"; pass=$((pass + 1))
else
  echo "FAIL sipp-uac"; fail=$((fail + 1)); tail -n 12 "$work/sipp-uac.log"
fi
stop_started
start responder "$server" load --respond --local udp:127.0.0.1:5090 --status 486
ends busy 6 "$server" load sip:a@127.0.0.1:5090 --calls --rate 50 --for 1s
echo "$pass passed, $fail failed"
[ $fail = 0 ]
