#!/usr/bin/env bash
# Kamailio as the neighbouring domain, found by DNS, and as the edge proxy that phones register through.
#   kamailio.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
pass=0 fail=0 pids=()
work=$(mktemp -d)
trap 'stop_server; kill "${pids[@]}" 2> /dev/null; wait "${pids[@]}" 2> /dev/null; rm -rf "$work"' EXIT

# start NAME COMMAND...: a program that runs until the end.
start() {
  local name=$1; shift
  "$@" > "$work/$name.log" 2>&1 &
  pids+=($!)
  sleep 1
  kill -0 "$!" 2> /dev/null || { echo "$name did not start:"; tail -n 5 "$work/$name.log"; exit 1; }
}

# kam.test as its owner would publish it: service records, no port in any URI.
start dns dnsmasq --keep-in-foreground --log-facility=- --port=5353 --no-resolv --no-hosts --bind-interfaces \
  --listen-address=127.0.0.1 --local=/test/ --pid-file="$work/dns.pid" \
  --naptr-record=kam.test,10,10,s,SIP+D2U,,_sip._udp.kam.test \
  --srv-host=_sip._udp.kam.test,proxy.kam.test,5070 --srv-host=_sip._tcp.kam.test,proxy.kam.test,5070 \
  --host-record=proxy.kam.test,127.0.0.1
mkdir -p "$work/neighbour" "$work/edge"
start neighbour kamailio -DD -E -f "$here/kamailio/neighbour.cfg" -Y "$work/neighbour" -P "$work/neighbour.pid" -m 64 -M 8
start edge kamailio -DD -E -f "$here/kamailio/edge.cfg" -Y "$work/edge" -P "$work/edge.pid" -m 64 -M 8
export BILOXI_DNS_SERVERS=127.0.0.1:5353
start_server "$here/phones.yaml" || exit 1

# call NAME CALLER CALLER-OPTIONS CALLEE CALLEE-OPTIONS URI: audio is judged at the callee, digits and BYE pass too.
call() {
  local name=$1 caller=$2 callee=$4 rec="$work/$1.wav"
  timeout 60 "$python" "$peers/lib/pj_ua.py" --user "$callee" --port 5082 --rtp 21000 --rec "$rec" $5 register \
    'auto 200' 'expect incoming 20' 'expect dtmf 5 30' 'expect closed 30' > "$work/$name.callee" 2>&1 &
  local callee_pid=$!
  local i; for i in $(seq 100); do grep -q 'EVENT registered' "$work/$name.callee" && break; sleep 0.1; done
  sqlite3 "$data/biloxi.db" 'SELECT CAST(path AS TEXT) FROM bindings' >> "$work/paths"
  timeout 50 "$python" "$peers/lib/pj_ua.py" --user "$caller" --port 5091 --rtp 22000 \
    --wav "$peers/audio/speech8k.wav" $3 register "call $6" 'expect answered' 'sleep 10' 'dtmf 5' 'sleep 1' hangup \
    > "$work/$name.caller" 2>&1
  local caller_rc=$?
  wait "$callee_pid"
  local callee_rc=$? mos; mos=$("$python" "$peers/audio/mos.py" "$peers/audio/speech8k.wav" "$rec" --min 3.6 2>&1)
  local mos_rc=$?
  if [ $caller_rc = 0 ] && [ $callee_rc = 0 ] && [ $mos_rc = 0 ]; then
    echo "ok   $name: $mos"; pass=$((pass + 1))
  else
    echo "FAIL $name: caller $caller_rc, callee $callee_rc, audio: $(echo "$mos" | tail -n 1)"; fail=$((fail + 1))
    tail -n 12 "$work/$name.caller" "$work/$name.callee" "$work/server.log" | cut -c1-200
  fi
}

there="--domain kam.test --server 127.0.0.1:5070"
edge="--server 127.0.0.1:5080"
call to-the-neighbour alice "" carol "$there" sip:carol@kam.test
call from-the-neighbour carol "$there" bob "" sip:bob@sip.test
call through-the-edge-to-a-phone alice "" bob "$edge" sip:bob@sip.test
call from-a-phone-behind-the-edge alice "$edge" bob "" sip:bob@sip.test
call between-phones-behind-the-edge alice "$edge" bob "$edge" sip:bob@sip.test
# What the edge has written is what the registrar has stored.
if grep -q '^<sip:127.0.0.1:5080;.*lr.*>$' "$work/paths"; then
  echo "ok   path-is-stored: $(sort -u "$work/paths" | tr -s '\n' ' ')"; pass=$((pass + 1))
else
  echo "FAIL path-is-stored: $(cat "$work/paths")"; fail=$((fail + 1))
fi
echo "$pass passed, $fail failed"
[ $fail = 0 ]
