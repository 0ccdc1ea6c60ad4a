#!/usr/bin/env bash
# What the server must survive: kill -9, disks that fail, reloads and a restart under load. In a network of its own where
# that is permitted; the disks need root.
#   run.sh [ROUNDS]     of kill -9; 25 take half a minute, 300 six minutes
set -u
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${BILOXI_NETWORK:-}" ] && unshare -nm true 2> /dev/null; then
  BILOXI_NETWORK=own exec unshare -nm bash -c 'ip link set lo up && exec bash "$0" "$@"' "$here/run.sh" "$@"
fi
server=${BILOXI:-$(cd "$here/.." && swift build -c release --product biloxi --show-bin-path)/biloxi}
status=0
python3 "$here/kill.py" "$server" "${1:-25}" || status=1
python3 "$here/disk.py" "$server" || status=1
python3 "$here/under_load.py" "$server" || status=1
exit $status
