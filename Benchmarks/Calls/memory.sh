#!/usr/bin/env bash
# Whether `biloxi answer` needs no more memory after 20,000 calls with sound in both directions than after 5,000: a hundred at
# a time, a second each, over loopback.
#   memory.sh [CALLS]
set -u
calls=${1:-20000}
bin=$(swift build -c release --product biloxi --show-bin-path)
ulimit -n "$(ulimit -Hn)"
taskset -c 1 "$bin/biloxi" answer --local udp:127.0.0.1:5070 --media-ports 20000-29999 --tone 440 --json > /dev/null 2>&1 &
telephone=$!
trap 'kill $telephone 2> /dev/null' EXIT
sleep 2
taskset -c 0 "$bin/biloxi-callbench" call 5070 --calls 100 --total "$calls" --rate 90 --seconds 1 --pid $telephone \
  --most-growth 5
