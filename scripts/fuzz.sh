#!/usr/bin/env bash
# Fuzzes the parsers: scripts/fuzz.sh SECONDS [TARGET...]
#
# Each target runs for so many seconds, seeded with the torture messages and with what earlier runs found interesting.
# With FUZZ_SEED in the environment the mutations are the same in every run, which a merge can rely on.
# An input that breaks a rule is kept in Fuzz/crashers/TARGET-*, which the tests replay; the exit code is then 1.
set -euo pipefail
cd "$(dirname "$0")/.."

all=(Index Fields URI Framer Multipart Fragment Credentials Address STUN Certificate SDP RTP Sound DNSReply StoredBinding
    FlowToken Nonce Keying SRTP)
seconds=${1:?usage: scripts/fuzz.sh SECONDS [TARGET...], of ${all[*]}}
shift
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")

build=.build/fuzz
mkdir -p "$build" Fuzz/crashers
flags=(-O -package-name biloxi -parse-as-library -swift-version 6 -sanitize=fuzzer,address -warnings-as-errors -I "$build"
    -enable-upcoming-feature ExistentialAny -enable-upcoming-feature InternalImportsByDefault
    -enable-upcoming-feature MemberImportVisibility -enable-upcoming-feature NonisolatedNonsendingByDefault
    -enable-experimental-feature Lifetimes
    -Xcc -fmodule-map-file=Sources/SystemLibraries/COpenSSL/module.modulemap)
# What the linker and the debugger have to say about each other is of no use here.
compile() { swiftc "${flags[@]}" "$@" 2> >(grep -v 'Cannot export local symbol' >&2); }

# The files of a room. Of the one that needs a package, those that read what comes off the wire and need none.
sources() {
    case $1 in
    SIPAuthentication) echo Sources/SIPAuthentication/{Nonce,DigestValue}.swift ;;
    *) find "Sources/$1" -name '*.swift' ;;
    esac
}

# A room is compiled once, for all targets.
room() {
    [ -z "${built[$1]:-}" ] || return 0
    compile -wmo -enable-testing -module-name "$1" -emit-module -emit-module-path "$build/$1.swiftmodule" \
        -c -o "$build/$1.o" $(sources "$1")
    built[$1]=1
}
declare -A built

status=0
for target in "${targets[@]}"; do
    # The rooms that the target needs, each after those that it sees, and what must hold of them.
    checks=(Tests/SIPMessagesTests/FuzzChecks.swift)
    rooms=(SIPMessages)
    case $target in
    SDP)
        checks=(Tests/SDPTests/FuzzChecks.swift)
        rooms=(SIPMessages SDP)
        ;;
    RTP)
        checks=(Tests/RTPTests/FuzzChecks.swift)
        rooms=(SIPMessages RTP)
        ;;
    Keying)
        checks=(Tests/MediaKeyingTests/FuzzChecks.swift)
        rooms=(MediaKeying)
        ;;
    SRTP)
        checks=(Tests/SRTPTests/FuzzChecks.swift)
        rooms=(SIPMessages MediaKeying SRTP)
        ;;
    Sound)
        checks=(Tests/MediaEngineTests/FuzzChecks.swift)
        rooms=(SIPMessages SDP RTP MediaEngine)
        ;;
    DNSReply)
        checks=(Tests/SIPRoutingTests/FuzzChecks.swift Tests/Support/DNSTestServer/DNSReplyWriter.swift)
        rooms=(SIPMessages SIPRouting)
        ;;
    StoredBinding)
        checks=(Tests/LocationServiceTests/FuzzChecks.swift)
        rooms=(SIPMessages Containers SIPTransactions LocationService)
        ;;
    FlowToken)
        checks=(Tests/ServerCoreTests/FuzzChecks.swift)
        rooms=(SIPMessages Containers SIPTransactions SIPRouting ProxyCore)
        ;;
    Nonce)
        checks=(Tests/SIPAuthenticationTests/FuzzChecks.swift)
        rooms=(SIPMessages SIPAuthentication)
        ;;
    esac
    objects=()
    for name in "${rooms[@]}"; do
        room "$name"
        objects+=("$build/$name.o")
    done
    compile "${checks[@]}" "Fuzz/Fuzz$target.swift" "${objects[@]}" -module-name "Fuzz$target" -o "$build/$target"
    corpus="$build/corpus-$target"
    mkdir -p "$corpus"
    seeds=(Tests/SIPMessagesTests/Torture/rfc4475 Tests/SIPMessagesTests/Torture/rfc5118)
    [ ! -d "Fuzz/seeds/$target" ] || seeds+=("Fuzz/seeds/$target")
    # Swift's own crash handler and the sanitizer's get in each other's way.
    SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 \
        "$build/$target" ${FUZZ_SEED:+-seed="$FUZZ_SEED"} -max_total_time="$seconds" -timeout=5 -max_len=8192 \
        -dict=Fuzz/sip.dict -artifact_prefix="Fuzz/crashers/$target-" -print_final_stats=1 \
        "$corpus" "${seeds[@]}" Fuzz/crashers >"$build/$target.log" 2>&1 || {
        status=1
        echo "$target: see $build/$target.log"
    }
    grep -E 'stat::(number_of_executed_units|average_exec)|ERROR|Fatal|SUMMARY|Test unit written' \
        "$build/$target.log" | sed "s/^/$target: /" || true
done
exit $status
