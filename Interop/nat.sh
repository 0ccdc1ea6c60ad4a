#!/usr/bin/env bash
# A phone behind a real NAT box, which forgets it after ten seconds, stays in reach; without keep-alives it does not.
#   nat.sh SERVER     (server binary)
# The box is a network namespace of its own with nftables, so this needs root and a kernel that permits namespaces. Where
# it permits none, the test says so and counts as passed: that is a property of the machine. Where it does, a missing tool
# is a failure.
set -u
server=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
id=biloxi$$
outside=$id-o box=$id-b inside=$id-i
pids=()
clean() {
  for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null && wait "$pid" 2> /dev/null; done
  for space in "$outside" "$box" "$inside"; do ip netns del "$space" 2> /dev/null; done
  rm -rf "$work"
}
trap clean EXIT
command -v ip > /dev/null || { echo "FAIL nat: no ip (package iproute2)"; exit 1; }
ip netns add "$box" 2> /dev/null || { echo "skip nat: network namespaces are not permitted here"; exit 0; }
command -v nft > /dev/null || { echo "FAIL nat: no nft (package nftables)"; exit 1; }

# The world: server 192.0.2.10 - 192.0.2.1 box 10.0.0.1 - 10.0.0.5 phone.
set -e
ip netns add "$outside"
ip netns add "$inside"
link() { # link SPACE DEVICE ADDRESS SPACE DEVICE ADDRESS
  ip link add "$2" netns "$1" type veth peer name "$5" netns "$4"
  ip -n "$1" addr add "$3" dev "$2"; ip -n "$1" link set "$2" up
  ip -n "$4" addr add "$6" dev "$5"; ip -n "$4" link set "$5" up
}
link "$outside" wan0 192.0.2.10/24 "$box" wan1 192.0.2.1/24
link "$inside" lan0 10.0.0.5/24 "$box" lan1 10.0.0.1/24
for space in "$outside" "$box" "$inside"; do ip -n "$space" link set lo up; done
ip -n "$inside" route add default via 10.0.0.1
ip netns exec "$box" sysctl -qw net.ipv4.ip_forward=1
ip netns exec "$box" nft add table ip nat
ip netns exec "$box" nft 'add chain ip nat out { type nat hook postrouting priority 100; }'
ip netns exec "$box" nft add rule ip nat out oifname wan1 masquerade
# Connection tracking is switched on by the rule above, and forgets a UDP mapping after ten seconds.
ip netns exec "$box" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=10 net.netfilter.nf_conntrack_udp_timeout_stream=10
set +e

# reach NAME KEEP-ALIVE EXPECTED: whether a MESSAGE reaches the phone 25 seconds after its only REGISTER.
pass=0 fail=0
reach() {
  local name=$1 expected=$3
  printf 'domains: [sip.test]\nlisten: [udp:192.0.2.10:5060]\nstorage: memory\nauthentication: { required: false }\nnat: { keepAlive: %s, interval: 5 }\n' \
    "$2" > "$work/$name.yaml"
  ip netns exec "$outside" "$server" serve --config "$work/$name.yaml" --data "$work/$name" > "$work/$name.log" 2>&1 &
  local serving=$!
  pids+=("$serving")
  for _ in $(seq 100); do grep -q '^ready' "$work/$name.log" && break; sleep 0.1; done
  ip netns exec "$inside" python3 "$here/nat_phone.py" 192.0.2.10:5060 bob 40 > "$work/$name.phone" 2>&1 &
  local phone=$!
  pids+=("$phone")
  sleep 25
  ip netns exec "$outside" python3 "$here/nat_phone.py" 192.0.2.10:5060 bob --send > "$work/$name.caller" 2>&1
  [ "$expected" = reached ] || kill "$phone" 2> /dev/null
  wait "$phone"; local rc=$?
  kill "$serving" && wait "$serving" 2> /dev/null
  if { [ "$expected" = reached ] && [ $rc = 0 ] && grep -q '^SIP/2.0 200 ' "$work/$name.caller"; } ||
    { [ "$expected" = forgotten ] && [ $rc != 0 ] && ! grep -q '^SIP/2.0 200 ' "$work/$name.caller"; }; then
    echo "ok   nat-$name: $expected ($(tail -n 1 "$work/$name.phone"))"; pass=$((pass + 1))
  else
    echo "FAIL nat-$name: phone $rc: $(tail -n 1 "$work/$name.phone"); caller: $(tail -n 1 "$work/$name.caller")"
    tail -n 5 "$work/$name.log"; fail=$((fail + 1))
  fi
}
reach options options reached
reach off off forgotten
echo "$pass passed, $fail failed"
[ $fail = 0 ]
