#!/usr/bin/env bash
# A program of one's own in a package of its own depends on the library: Examples/OwnPackage, as a copy in another folder,
# is built and runs.
#   own-package.sh                     builds everything anew, the library and what it needs included (minutes)
#   own-package.sh built [debug]       plans that build, and compiles and links the program against what the last build of
#                                      this package has left in .build (seconds); builds that first where it is missing
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
way=${1:-whole}
configuration=${2:-debug}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r "$root/Examples/OwnPackage" "$work/hello"
sed -i "s|path: \"../..\"|path: \"$root\"|" "$work/hello/Package.swift"
if [ -f "$root/Package.resolved" ]; then cp "$root/Package.resolved" "$work/hello/"; fi
program=$work/hello/program
if [ "$way" = built ]; then
  swift build --package-path "$root" -c "$configuration" --product biloxi-examples
  # Another package finds the product and all that it needs.
  swift build --package-path "$work/hello" --scratch-path "$root/.build-own" --print-manifest-job-graph > "$work/graph"
  grep -q BiloxiKit "$work/graph"
  mapfile -t flags < <("$root/scripts/build_flags.py" "$root/.build" "$configuration" compile)
  "$root/scripts/build_flags.py" "$root/.build" "$configuration" link > "$work/link"
  [ "${#flags[@]}" -gt 0 ] && [ -s "$work/link" ]
  swiftc -swift-version 6 -parse-as-library "${flags[@]}" "$work"/hello/Sources/hello/*.swift "@$work/link" -o "$program"
else
  swift build --package-path "$work/hello" --scratch-path "$root/.build-own"
  program=$(swift build --package-path "$work/hello" --scratch-path "$root/.build-own" --show-bin-path)/hello
fi
output=$(timeout 60 "$program")
echo "$output"
grep -qx 'heard 42 from sip:bob@hello.test' <<< "$output"
grep -q '^closed: 480 Come Back Tomorrow' <<< "$output"
grep -q '^presence: 489 Bad Event' <<< "$output"
