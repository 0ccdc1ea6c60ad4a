#!/usr/bin/env bash
# Writes the reference of the public libraries as static pages: .build-docs/SIPMessages and .build-docs/SIPSimulation.
set -euo pipefail
cd "$(dirname "$0")/.."
for library in SIPMessages SIPSimulation; do
    graphs=.build-docs/graphs-$library
    mkdir -p "$graphs"
    BILOXI_CORE=1 swift build --scratch-path .build-docs --target "$library" \
        -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc "$graphs"
    find "$graphs" -name '*.symbols.json' ! -name "$library*" -delete
    articles=()
    if [ -d "Sources/$library/$library.docc" ]; then articles=("Sources/$library/$library.docc"); fi
    docc convert ${articles[@]+"${articles[@]}"} --additional-symbol-graph-dir "$graphs" \
        --fallback-display-name "$library" --fallback-bundle-identifier "biloxi.$library" \
        --transform-for-static-hosting --output-path ".build-docs/$library"
done
echo "Serve one with any web server: python3 -m http.server --directory .build-docs/SIPSimulation"
