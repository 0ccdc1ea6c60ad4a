#!/usr/bin/env bash
# A program of one's own in a package of its own depends on the library: makes one in another folder, builds it, and lets
# it call itself. With a build of this package at hand its objects are used again.
#   own-package.sh [debug|release]
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
configuration=${1:-release}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/hello/Sources/hello"
cat > "$work/hello/Package.swift" << PACKAGE
// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "hello", dependencies: [.package(path: "$root")],
    targets: [
        .executableTarget(
            name: "hello", dependencies: [.product(name: "BiloxiKit", package: "$(basename "$root")")])
    ])
PACKAGE
cat > "$work/hello/Sources/hello/Hello.swift" << 'PROGRAM'
import BiloxiKit

@main
enum Hello {
    static func main() async throws {
        let keys = try await withUserAgent(.udp("127.0.0.1", 0)) { agent in
            let port = agent.port("udp") ?? 0
            return try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask {
                    try await withUserAgent(.udp("127.0.0.1", 0)) { other in
                        try await other.call("sip:hello@127.0.0.1:\(port)") { call in try await call.collect(2) }
                    }
                }
                group.addTask {
                    try await agent.serve { invitation in
                        let call = try await invitation.accept()
                        try await call.send(digits: "42")
                        await call.ended()
                    }
                    return ""
                }
                defer { group.cancelAll() }
                return try await group.next() ?? ""
            }
        }
        print("heard \(keys)")
    }
}
PROGRAM
swift build --package-path "$work/hello" --scratch-path "$root/.build-own" -c "$configuration"
output=$(timeout 60 "$(swift build --package-path "$work/hello" --scratch-path "$root/.build-own" -c "$configuration" \
  --show-bin-path)/hello")
echo "$output"
[ "$output" = "heard 42" ]
