#!/usr/bin/env bash
# How calls sound through a network that loses and delays: 5 % lost, 10 % lost, up to 60 ms of jitter. PESQ judges what each
# side of a call has heard; a phone that nobody here wrote is the other side, so that it says how it bears the same.
#   lossy.sh SERVER PEERS PYTHON     (server binary, folder of the drivers, python with pjsua2 and pesq)
# Each phone meets one of the networks; with LONG=1 each meets all of them, three times, and a table tells the means.
# Prints a line a case and closes with 'N passed, N failed'.
set -u
server=$1 peers=$2 python=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
work=$(mktemp -d)
trap 'stop_started; rm -rf "$work"' EXIT

# through NAME LOSS JITTER SEED DRIVER [STEP]...: we call a phone through such a network.
through() {
  local name=$1 loss=$2 jitter=$3 seed=$4 driver=$5
  shift 5
  start network "$python" "$here/drivers/bad_network.py" --to 127.0.0.1:5082 --loss "$loss" --jitter "$jitter" --seed "$seed"
  we_call "$name" "$driver" sip:bob@sip.test "$local_udp --proxy 127.0.0.1:5090" "" "$@"
  stop_started
}
# What we have to reach: a tenth to a fifth below the mean of many calls, since 9 s meet few losses. What the phone reaches is told.
declare -A least=([5-0]=2.8 [10-0]=2.4 [0-60]=3.3)
min_mos=1.5
judge() {
  local bar=$3
  [[ $2 != *.peer.wav ]] || bar=1
  "$python" "$peers/audio/mos.py" "$peers/audio/$1" "$2" --min "$(least "$bar")" 2>&1
}
# met LOSS JITTER SEED DRIVER: one call.
met() {
  local steps=()
  # The driver of baresip makes its account with the first step that needs one, and answers 404 before: to publish needs one.
  case $4 in baresip_ua.py) steps=('publish closed') ;; esac
  least_mos=${least[$1-$2]}
  in_call "$1-percent-lost-$2-ms-jitter-${4%_ua.py}${LONG:+-$3}" through "$1" "$2" "$3" "$4" "${steps[@]}"
}
if [ -z "${LONG:-}" ]; then
  for one in "5 0 pj" "10 0 baresip" "0 60 linphone"; do
    set -- $one
    met "$1" "$2" 1 "$3_ua.py"
  done
else
  tries=1
  for network in "5 0" "10 0" "0 60"; do
    for phone in pj baresip linphone; do
      for seed in 1 2 3; do met $network $seed ${phone}_ua.py; done
    done
  done | tee "$work/all"
  "$python" - "$work/all" << 'END'
import collections, re, sys
heard = collections.defaultdict(list)
for line in open(sys.argv[1]):
    found = re.search(r"(\d+)-percent-lost-(\d+)-ms-jitter-(\w+?)-\d+: .*phone heard MOS ([\d.]+), we heard MOS ([\d.]+)", line)
    if found:
        loss, jitter, phone, theirs, ours = found.groups()
        heard[loss, jitter, phone].append(float(theirs))
        heard[loss, jitter, "biloxi"].append(float(ours))
for (loss, jitter, who), scores in sorted(heard.items()):
    print(f"{loss} % lost, {jitter} ms of jitter: {who} hears MOS {sum(scores) / len(scores):.2f} ({len(scores)} calls)")
END
  pass=$(grep -c '^ok' "$work/all") fail=$(grep -c '^FAIL' "$work/all")
fi
echo "$pass passed, $fail failed"
[ "$fail" = 0 ]
