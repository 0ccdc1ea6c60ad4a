#!/usr/bin/env bash
# Tells how speech sounds through the playout of MediaEngine: scripts/media-quality.sh REFERENCE.wav PYTHON
#
# PESQ (ITU-T P.862) of G.711 at several losses and jitters, each the mean of five seeds. PYTHON needs the packages
# pesq, numpy and scipy.
set -euo pipefail
cd "$(dirname "$0")/.."

reference=${1:?usage: scripts/media-quality.sh REFERENCE.wav PYTHON}
python=${2:?usage: scripts/media-quality.sh REFERENCE.wav PYTHON}
swift build -c release --product biloxi-mediabench
bench="$(swift build -c release --product biloxi-mediabench --show-bin-path)/biloxi-mediabench"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for condition in "0 0" "0 60" "5 0" "5 60" "10 0" "10 60"; do
    read -r loss jitter <<<"$condition"
    for seed in 1 2 3 4 5; do
        "$bench" play "$reference" "$folder/$seed.wav" "$loss" "$jitter" "$seed" >"$folder/$seed.txt"
    done
    echo "loss $loss %, jitter $jitter ms: $("$python" scripts/media_quality.py "$reference" "$folder"/*.wav)"
done
