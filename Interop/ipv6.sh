#!/usr/bin/env bash
# Phones call each other over IPv6, and from IPv6 to IPv4 and back.
#   ipv6.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Where the family changes the server stands in Record-Route twice, and the BYE passes both, from either side (RFC 5658 §4).
# It does not touch the media: in those calls the phone at IPv6 answers with media at IPv4, as phones with both families do.
# (It is the callee, since baresip as caller offers media in the family that it has registered over.) They need an interface
# with both families that is not the loopback one, and so a network of their own; without one the suite says so.
# The phones at IPv6 are baresip and Linphone, since PJSUA comes without it.
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
listen='udp:127.0.0.1:5060, tcp:127.0.0.1:5060, "udp:[::1]:5060", "tcp:[::1]:5060"'
if [ -n "${BILOXI_NETWORK:-}" ]; then
  listen="$listen, \"udp:[2001:db8::5]:5060\", \"tcp:[2001:db8::5]:5060\""
fi
printf 'domains: [sip.test]\nlisten: [%s]\n' "$listen" > "$work/serve.yaml"
start_server "$work/serve.yaml" || exit 1

six="--address ::1 --server [::1]:5060"
mixed="--address 2001:db8::5 --media 192.0.2.5 --interface both --server [2001:db8::5]:5060"
for tcp in "" "--transport tcp"; do
  over=${tcp:+-tcp}
  one_call "baresip-to-linphone-ipv6$over" linphone_phone.py "$six $tcp" baresip_phone.py "$six $tcp"
  if [ -z "${BILOXI_NETWORK:-}" ]; then
    echo "skip pjsua-ipv4-to-baresip-ipv6$over: network namespaces are not permitted here"
    continue
  fi
  for ends in caller callee; do
    one_call "pjsua-ipv4-to-baresip-ipv6$over-$ends-hangs-up" baresip_phone.py "$mixed $tcp" pj_phone.py "$tcp" 3.6 $ends \
      'expect record-route "^2 .*2001:db8::5.*127.0.0.1"'
  done
done
echo "$pass passed, $fail failed"
[ $fail = 0 ]
