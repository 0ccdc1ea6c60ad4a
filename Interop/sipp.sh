#!/usr/bin/env bash
# The sixteen SIPp flows of the kit with Biloxi as registrar and proxy, over UDP and TCP.
#   sipp.sh SERVER PEERS
# In publish and subscribe the kit's SIPp is the phone, and a scenario of ours (sipp/uas_*.xml) the presence agent, which is
# registered as a device of the user. They show that PUBLISH, SUBSCRIBE and NOTIFY pass, each way, by the Record-Route of
# their dialog; they do not show a presence server, for here the proxy is none.
set -u
server=$1 peers=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
mkdir "$work/flows"
ln -s "$peers"/sipp/* "$here"/sipp/*.xml "$work/flows"
# run TRANSPORT FLOW...
run() {
  local transport=$1 flow; shift
  for flow in "$@"; do
    if timeout 60 bash "$work/flows/run.sh" -S 127.0.0.1:5060 -t "$transport" "$flow" > "$work/$flow.log" 2>&1; then
      echo "ok   $flow ($transport)"; pass=$((pass + 1))
    else
      echo "FAIL $flow ($transport)"; fail=$((fail + 1)); tail -n 12 "$work/$flow.log" | cut -c1-200
    fi
  done
}
flows="register options call hold cancel 302 486 603 prack update refer message info_dtmf publish subscribe"
start_server "$here/sipp.yaml" || exit 1
run u1 $flows
run t1 $flows
stop_server
start_server "$here/sipp-auth.yaml" || exit 1
run u1 call_auth
run t1 call_auth
echo "$pass passed, $fail failed"
[ $fail = 0 ]
