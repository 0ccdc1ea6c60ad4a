#!/usr/bin/env bash
# Foreign phones and tools against Biloxi: all suites, or those that are named. Needs the drivers of the peers' kit: PEERS
# names its folder. A peer that is missing is a failure. Two suites run side by side where each can have a network of its
# own and there are cores for so many programs with sound.
#   run.sh [SUITE...]
set -u
here=$(cd "$(dirname "$0")" && pwd)
peers=${PEERS:-$here/../../shared/peers}
[ -d "$peers/sipp" ] || { echo "no drivers in $peers: set PEERS"; exit 1; }
server=$(swift build -c release --product biloxi --show-bin-path)/biloxi
venv=$here/../.venv-peers
[ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pjsua2, baresip, pesq' 2> /dev/null ||
  "$peers/install.sh" "$venv" || exit 1
# The long ones first, so that none is left alone at the end.
suites=("$@")
[ $# -gt 0 ] || suites=(media agent transfers phone phones services kamailio sipp load examples ipv6 tls run-harness outbound nat)
case " ${suites[*]} " in *" examples "*) swift build -c release --product biloxi-examples || exit 1 ;; esac
sides=1
unshare -n true 2> /dev/null && [ "$(nproc)" -ge 4 ] && sides=2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0 running=0
for suite in "${suites[@]}"; do
  if [ $running = $sides ]; then wait -n || status=1; running=$((running - 1)); fi
  {
    "$here/$suite.sh" "$server" "$peers" "$venv/bin/python" > "$work/$suite" 2>&1
    rc=$?
    { echo "=== $suite: $SECONDS s since the start"; cat "$work/$suite"; } > "$work/$suite.all"
    cat "$work/$suite.all"
    exit $rc
  } &
  running=$((running + 1))
done
while [ $running -gt 0 ]; do wait -n || status=1; running=$((running - 1)); done
exit $status
