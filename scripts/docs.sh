#!/usr/bin/env bash
# Writes the reference of the public libraries as static pages: .build-docs/SIPMessages, SIPSimulation and BiloxiKit, or
# those that are named, from the modules of the last build, which is made where it is missing. A warning is an error.
#   docs.sh [LIBRARY...]
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- SIPMessages SIPSimulation BiloxiKit
swift build --product biloxi-examples
for library in "$@"; do
    [ "$library" = BiloxiKit ] || swift build --target "$library"
done
mapfile -t flags < <(scripts/build_flags.py .build debug compile)
target=$(swift -print-target-info | sed -n 's/.*"triple": "\(.*\)",/\1/p' | head -1)
for library in "$@"; do
    graphs=.build-docs/graphs-$library
    rm -rf "$graphs"
    mkdir -p "$graphs"
    swift symbolgraph-extract -module-name "$library" -target "$target" "${flags[@]}" -minimum-access-level public \
        -skip-inherited-docs -output-dir "$graphs"
    find "$graphs" -name '*.symbols.json' ! -name "$library*" -delete
    articles=()
    if [ -d "Sources/$library/$library.docc" ]; then articles=("Sources/$library/$library.docc"); fi
    docc convert ${articles[@]+"${articles[@]}"} --additional-symbol-graph-dir "$graphs" --warnings-as-errors \
        --fallback-display-name "$library" --fallback-bundle-identifier "biloxi.$library" \
        --transform-for-static-hosting --output-path ".build-docs/$library"
done
echo "Serve one with any web server: python3 -m http.server --directory .build-docs/$1"
