#!/usr/bin/env bash
# Writes the reference of the public library as static pages into .build-docs/site.
set -euo pipefail
cd "$(dirname "$0")/.."
graphs=.build-docs/graphs
mkdir -p "$graphs"
BILOXI_CORE=1 swift build --scratch-path .build-docs --target SIPMessages \
    -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc "$graphs"
find "$graphs" -name '*.symbols.json' ! -name 'SIPMessages*' -delete
docc convert --additional-symbol-graph-dir "$graphs" --fallback-display-name SIPMessages \
    --fallback-bundle-identifier biloxi.SIPMessages --transform-for-static-hosting --output-path .build-docs/site
echo "Serve .build-docs/site with any web server: python3 -m http.server --directory .build-docs/site"
