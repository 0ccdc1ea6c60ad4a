#!/usr/bin/env bash
# The SIPp flows through Biloxi, over UDP and TCP.
#   sipp.sh SERVER PEERS
set -u
server=$1 peers=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
pass=0 fail=0
# run TRANSPORT FLOW...
run() {
  local transport=$1 flow; shift
  for flow in "$@"; do
    if timeout 60 bash "$peers/sipp/run.sh" -S 127.0.0.1:5060 -t "$transport" "$flow" > "$work/$flow.log" 2>&1; then
      echo "ok   $flow ($transport)"; pass=$((pass + 1))
    else
      echo "FAIL $flow ($transport)"; fail=$((fail + 1)); tail -n 12 "$work/$flow.log" | cut -c1-200
    fi
  done
}
flows="register options call hold cancel 302 486 603 prack update refer message info_dtmf"
start_server "$here/sipp.yaml" || exit 1
run u1 $flows
run t1 $flows
stop_server
rm -rf "$work/data"
start_server "$here/sipp-auth.yaml" || exit 1
run u1 call_auth
run t1 call_auth
echo "$pass passed, $fail failed"
[ $fail = 0 ]
