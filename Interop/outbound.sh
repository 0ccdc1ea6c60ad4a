#!/usr/bin/env bash
# Outbound (RFC 5626) and GRUU (RFC 5627) with phones behind a NAT box that nobody here wrote.
#   outbound.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# The box is a network namespace with nftables; where none is permitted the suite says so and counts as passed.
# What the phones do of it: PJSUA 2.15 sends reg-id, instance and ;ob over TCP and TLS, not over UDP, and knows no GRUU.
# baresip 1.0 sends reg-id and instance over all transports, keeps its flows alive by Flow-Timer (STUN over UDP, empty lines
# over streams), and puts its public GRUU into the Contact of what it sends. Neither uses a temporary GRUU.
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
id=biloxi$$
box=$id-b inside=$id-i
phones=()
clean() {
  [ ${#phones[@]} = 0 ] || { kill "${phones[@]}" 2> /dev/null; }
  stop_server
  for space in "$box" "$inside"; do ip netns del "$space" 2> /dev/null; done
  rm -rf "$work"
}
trap clean EXIT
[ -n "${BILOXI_NETWORK:-}" ] && ip netns add "$box" 2> /dev/null ||
  { echo "skip outbound: network namespaces are not permitted here"; exit 0; }
command -v nft > /dev/null || { echo "FAIL outbound: no nft (package nftables)"; exit 1; }

# The world: server and callers 198.51.100.10 - 198.51.100.1 box 10.0.0.1 - 10.0.0.5 phones. No route leads inside.
set -e
ip netns add "$inside"
ip link add wan0 type veth peer name wan1 netns "$box"
ip link add lan1 netns "$box" type veth peer name lan0 netns "$inside"
ip addr add 198.51.100.10/24 dev wan0; ip link set wan0 up
for device in "wan1 198.51.100.1" "lan1 10.0.0.1"; do
  set -- $device
  ip -n "$box" addr add "$2/24" dev "$1"; ip -n "$box" link set "$1" up
done
ip -n "$inside" addr add 10.0.0.5/24 dev lan0; ip -n "$inside" link set lan0 up; ip -n "$inside" link set lo up
ip -n "$inside" route add default via 10.0.0.1
ip netns exec "$box" sysctl -qw net.ipv4.ip_forward=1
ip netns exec "$box" nft add table ip nat
ip netns exec "$box" nft 'add chain ip nat out { type nat hook postrouting priority 100; }'
ip netns exec "$box" nft add rule ip nat out oifname wan1 masquerade
# It forgets a UDP mapping after 35 s. The server sends no keep-alives: what keeps the mapping is the phone's own.
ip netns exec "$box" sysctl -qw net.netfilter.nf_conntrack_udp_timeout=35 net.netfilter.nf_conntrack_udp_timeout_stream=35
set +e
printf '%s\n' 'domains: [sip.test]' 'listen: [udp:198.51.100.10:5060, tcp:198.51.100.10:5060]' \
  'registrar: { flowTimer: 30 }' 'nat: { keepAlive: off }' > "$work/serve.yaml"
start_server "$work/serve.yaml" || exit 1

verdict() { # verdict NAME STATUS REMARK [LOG...]
  if [ "$2" = 0 ]; then echo "ok   $1${3:+: $3}"; pass=$((pass + 1)); return; fi
  echo "FAIL $1: $3"; fail=$((fail + 1))
  tail -n 10 "${@:4}" "$work/server.log" | cut -c1-200
}
within="ip netns exec $inside"
at="--server 198.51.100.10:5060"
private="$at --address 10.0.0.5 --outbound"
public="$at --address 198.51.100.10"
# phone USER DRIVER OPTIONS STEP...: behind the box, in the background; returns when it has registered.
phone() {
  local user=$1 kind=$2 options=$3; shift 3
  $within timeout 120 "$python" "$(driver "$kind")" --user "$user" --port $((5100 + 2 * ${#phones[@]})) $options \
    --wav "$peers/audio/speech8k.wav" register "$@" > "$work/$user.phone" 2>&1 &
  phones+=($!)
  disown
  wait_registered "$user"
}
# message USER: the status that a MESSAGE from outside gets, and how long that takes.
message() {
  local start=$(date +%s%N)
  echo "$(BILOXI_NETWORK=own timeout 40 "$python" "$(driver pj_phone.py)" --user alice --port 5091 $public register \
    "message sip:$1@sip.test hello" 'expect message-sent 35' 2>&1 | sed -n 's/^EVENT message-sent //p') in" \
    "$((($(date +%s%N) - start) / 1000000)) ms"
}

# Silent but for its keep-alives, while the rest goes on.
phone carol baresip_phone.py "$private" 'sleep 100'
carol_since=$SECONDS

$within timeout 20 "$python" "$(driver pj_phone.py)" --user bob --port 5082 $private --transport tcp register \
  'expect require outbound 1' 'expect flow-timer 30 1' 'expect binding ";ob>.*reg-id=1" 1' > "$work/registers" 2>&1
verdict pjsua-registers-by-outbound $? "$(sed -n 's/^EVENT binding //p' "$work/registers" | head -n 1)" "$work/registers"

# The Contact leads nowhere: the call comes by the flow. RTP finds the way since the phones answer where it comes from.
callee_in=$within
one_call pjsua-calls-pjsua-behind-nat-tcp pj_phone.py "$private --transport tcp" pj_phone.py "$public"
callee_in="" caller_in=$within
one_call baresip-behind-nat-calls-pjsua-by-gruu pj_phone.py "$public" baresip_phone.py "$private --transport tcp" 3.6 callee
grep -q 'EVENT contact .*;gr=urn:uuid:' "$work/baresip-behind-nat-calls-pjsua-by-gruu.callee"
verdict the-contact-was-a-public-gruu $? "$(grep -o 'EVENT contact .*' "$work/baresip-behind-nat-calls-pjsua-by-gruu.callee")"

# A flow that ended is no way to a phone, which is told at once (RFC 5626 §5.3), and so is one that did not survive a restart.
phone bob pj_phone.py "$private --transport tcp" 'expect registered 60' 'expect message 60' 'sleep 30'
# The phone stands still meanwhile, so that it cannot register again before it is called.
pkill -STOP -P "${phones[1]}"
stop_server; serve_again "$work/serve.yaml"
status=$(message bob)
case $status in 4[38]0*) ok=0 ;; *) ok=1 ;; esac
pkill -CONT -P "${phones[1]}"
verdict a-flow-that-did-not-survive-is-told-at-once $ok "$status" "$work/bob.phone"
for _ in $(seq 100); do [ "$(grep -c 'EVENT registered' "$work/bob.phone")" -ge 2 ] && break; sleep 0.2; done
status=$(message bob)
case $status in 200*) ok=0 ;; *) ok=1 ;; esac
verdict the-phone-registers-again-and-is-reached $ok "$status" "$work/bob.phone"
pkill -KILL -P "${phones[1]}"
sleep 1
status=$(message bob)
case $status in 4[38]0*) ok=0 ;; *) ok=1 ;; esac
verdict a-dead-phone-is-told-at-once $ok "$status"

rest=$((carol_since + 75 - SECONDS)); [ $rest -le 0 ] || sleep $rest
status=$(message carol)
case $status in 200*) ok=0 ;; *) ok=1 ;; esac
verdict baresip-keeps-its-udp-flow-by-flow-timer $ok "$status after $((SECONDS - carol_since)) s" "$work/carol.phone"
echo "$pass passed, $fail failed"
[ $fail = 0 ]
