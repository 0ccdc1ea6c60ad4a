#!/usr/bin/env bash
# Writes the reference of the public libraries as static pages: .build-docs/SIPMessages, SIPSimulation and BiloxiKit, or
# those that are named. A warning is an error.
#   docs.sh [LIBRARY...]
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- SIPMessages SIPSimulation BiloxiKit
for library in "$@"; do
    graphs=.build-docs/graphs-$library
    mkdir -p "$graphs"
    core=1
    [ "$library" != BiloxiKit ] || core=0
    BILOXI_CORE=$core swift build --scratch-path .build-docs/build-$core --target "$library" \
        -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc "$graphs"
    find "$graphs" -name '*.symbols.json' ! -name "$library*" -delete
    articles=()
    if [ -d "Sources/$library/$library.docc" ]; then articles=("Sources/$library/$library.docc"); fi
    docc convert ${articles[@]+"${articles[@]}"} --additional-symbol-graph-dir "$graphs" --warnings-as-errors \
        --fallback-display-name "$library" --fallback-bundle-identifier "biloxi.$library" \
        --transform-for-static-hosting --output-path ".build-docs/$library"
done
echo "Serve one with any web server: python3 -m http.server --directory .build-docs/$1"
