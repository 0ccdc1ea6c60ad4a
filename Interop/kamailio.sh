#!/usr/bin/env bash
# Kamailio as the neighbouring domain, found by DNS, and as the edge proxy that phones register through.
#   kamailio.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
trap 'stop_server; stop_started; rm -rf "$work"' EXIT

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

# call NAME CALLER CALLER-OPTIONS CALLEE CALLEE-OPTIONS URI [caller|callee]: audio both ways, and the BYE of the one named.
call() {
  caller_user=$2 callee_user=$4 called=$6
  { sleep 5; sqlite3 "$data/biloxi.db" 'SELECT CAST(path AS TEXT) FROM bindings' >> "$work/paths"; } &
  one_call "$1" pj_phone.py "$5" pj_phone.py "$3" 3.6 "${7:-caller}"
}

there="--domain kam.test --server 127.0.0.1:5070"
edge="--server 127.0.0.1:5080"
call to-the-neighbour alice "" carol "$there" sip:carol@kam.test
call from-the-neighbour carol "$there" bob "" sip:bob@sip.test
call through-the-edge-to-a-phone alice "" bob "$edge" sip:bob@sip.test
call from-a-phone-behind-the-edge alice "$edge" bob "" sip:bob@sip.test
call between-phones-behind-the-edge alice "$edge" bob "$edge" sip:bob@sip.test
# With phones at TCP, and hung up from the far side. They do without Outbound: a phone that asks for it behind an edge that
# lacks it is answered 439 (RFC 5626 §6), and PJSUA then does not register without.
call to-the-neighbour-tcp alice "--transport tcp" carol "$there --transport tcp" sip:carol@kam.test callee
call from-the-neighbour-tcp carol "$there --transport tcp" bob "--transport tcp" sip:bob@sip.test callee
call through-the-edge-to-a-phone-tcp alice "--transport tcp" bob "$edge --transport tcp" sip:bob@sip.test callee
# What the edge has written is what the registrar has stored.
if grep -q '^<sip:127.0.0.1:5080;.*lr.*>$' "$work/paths"; then
  echo "ok   path-is-stored: $(sort -u "$work/paths" | tr -s '\n' ' ')"; pass=$((pass + 1))
else
  echo "FAIL path-is-stored: $(cat "$work/paths")"; fail=$((fail + 1))
fi
echo "$pass passed, $fail failed"
[ $fail = 0 ]
