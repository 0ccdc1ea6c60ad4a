#!/usr/bin/env bash
# Addresses of the server's machine that go and come back, and networks to which no way leads: who is reached by them is told to
# be away at once, the rest goes on, and all is as it was when they are back.
#   addresses.sh SERVER PEERS PYTHON     (server binary, anything, a python; the phones are nat_phone.py)
# The phones are in a network namespace; where none is permitted the suite says so and counts as passed.
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
space=biloxi$$-a
phones=()
clean() {
  [ ${#phones[@]} = 0 ] || { kill "${phones[@]}" 2> /dev/null; wait "${phones[@]}" 2> /dev/null; }
  stop_server
  ip netns del "$space" 2> /dev/null
  rm -rf "$work"
}
trap clean EXIT
[ -n "${BILOXI_NETWORK:-}" ] && ip netns add "$space" 2> /dev/null ||
  { echo "skip addresses: network namespaces are not permitted here"; exit 0; }
set -e
ip link add near type veth peer name far netns "$space"
ip addr add 198.51.100.10/24 dev near; ip link set near up
ip -n "$space" addr add 198.51.100.20/24 dev far; ip -n "$space" link set far up
set +e
printf '%s\n' 'domains: [sip.test]' 'listen: [udp:0.0.0.0:5060, tcp:0.0.0.0:5060, "udp:[::]:5060"]' \
  'authentication: { required: false }' 'nat: { keepAlive: off }' > "$work/serve.yaml"
start_server "$work/serve.yaml" || exit 1

# phone USER TRANSPORT: registers at the address, and waits for a MESSAGE.
phone() {
  ip netns exec "$space" "$python" "$here/nat_phone.py" 198.51.100.10:5060 "$1" 60 "$2" > "$work/$1.phone" 2>&1 &
  phones+=($!)
  wait_line "$work/$1.phone" registered
}
# message NAME USER STATUS: what a MESSAGE from this machine gets, within two seconds.
message() {
  local start status
  start=$(date +%s%N)
  status=$("$python" "$here/nat_phone.py" 127.0.0.1:5060 "$2" --send 2>&1)
  local taken=$((($(date +%s%N) - start) / 1000000))
  case $status in "SIP/2.0 $3"*) [ $taken -lt 2000 ] ;; *) false ;; esac
  verdict "$1" $? "${status#SIP/2.0 } in $taken ms"
}
verdict() {
  if [ "$2" = 0 ]; then echo "ok   $1: $3"; pass=$((pass + 1)); return; fi
  echo "FAIL $1: $3"; fail=$((fail + 1)); tail -n 5 "$work/server.log" | cut -c1-200
}

for transport in udp tcp; do
  phone "gone-$transport" $transport
  ip addr del 198.51.100.10/24 dev near
  # Connections are looked at once a second.
  wait_line "$work/server.log" "198.51.100.10 is no address of this machine any more"
  message "$transport-device-at-an-address-that-is-gone" "gone-$transport" 480
  ip addr add 198.51.100.10/24 dev near
  wait_line "$work/server.log" "198.51.100.10 is an address of this machine again"
  message "$transport-device-when-it-is-back" "gone-$transport" 200
  stop_server; serve_again "$work/serve.yaml"
done

for transport in udp tcp; do
  phone "down-$transport" $transport
  ip link set near down
  wait_line "$work/server.log" "198.51.100.10 is no address"
  message "$transport-device-behind-an-interface-that-is-down" "down-$transport" 480
  "$server" ping sip:127.0.0.1 --count 1 > "$work/ping" 2>&1
  verdict "$transport-the-rest-goes-on" $? "ping"
  ip link set near up
  wait_line "$work/server.log" "198.51.100.10 is an address"
  message "$transport-device-behind-it-when-it-is-up" "down-$transport" 200
  stop_server; serve_again "$work/serve.yaml"
done

# No way leads there at all: neither may that stop a thread.
ip route add unreachable 203.0.113.0/24
for uri in sip:a@203.0.113.1 'sip:b@[2001:db8:ffff::1]'; do
  ip -6 route del default 2> /dev/null
  timeout 10 "$server" message "$uri" hello --account sip:alice@sip.test --proxy 127.0.0.1:5060 > "$work/message" 2>&1
  rc=$?
  [ $rc != 124 ] && [ $rc != 0 ]
  verdict "no-way-to-${uri#*@}" $? "$(tail -n 1 "$work/message")"
  timeout 10 "$server" ping sip:127.0.0.1 --count 1 > "$work/ping" 2>&1
  verdict "and-the-rest-goes-on" $? "ping"
done
echo "$pass passed, $fail failed"
[ $fail = 0 ]
