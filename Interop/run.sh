#!/usr/bin/env bash
# Foreign phones and tools against Biloxi. Needs the drivers of the peers' kit: PEERS names its folder.
# A peer that is missing is a failure.
set -u
here=$(cd "$(dirname "$0")" && pwd)
peers=${PEERS:-$here/../../shared/peers}
[ -d "$peers/sipp" ] || { echo "no drivers in $peers: set PEERS"; exit 1; }
server=$(swift build -c release --product biloxi --show-bin-path)/biloxi
venv=$here/../.venv-peers
[ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pjsua2, pesq' 2> /dev/null || "$peers/install.sh" "$venv" || exit 1
status=0
"$here/sipp.sh" "$server" "$peers" || status=1
"$here/nat.sh" "$server" || status=1
for suite in phones services agent kamailio; do
  "$here/$suite.sh" "$server" "$peers" "$venv/bin/python" || status=1
done
exit $status
