// swift-tools-version: 6.2
import PackageDescription

/// The rooms of the house and the direction in which they may see each other: `docs/ARCHITECTURE.md`.
///
/// With `BILOXI_CORE=1` in the environment the package consists of the targets that need no other package, so that the
/// protocol and its tests build in a minute.
///
/// With `BILOXI_MEDIA=1` beside it the codecs and the ciphers of media are in it too: they need system libraries
/// (`scripts/packages.txt`), but no package.
let coreOnly = Context.environment["BILOXI_CORE"] == "1"
let hasMediaLibraries = !coreOnly || Context.environment["BILOXI_MEDIA"] == "1"

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
    .treatAllWarnings(as: .error),
]

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.byName(name: name)] + dependencies, resources: resources,
        swiftSettings: settings)
}

func library(_ name: String, _ pkgConfig: String, _ package: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/SystemLibraries/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOTLS", package: "swift-nio"),
    .product(name: "NIOWebSocket", package: "swift-nio"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
]

let package = Package(
    name: "biloxi",
    products: [
        .library(name: "SIPMessages", targets: ["SIPMessages"]),
        .library(name: "SIPTransactions", targets: ["SIPTransactions"]),
        .library(name: "SIPSimulation", targets: ["SIPSimulation"]),
    ]
        + (coreOnly
            ? []
            : [
                .library(name: "BiloxiKit", targets: ["BiloxiKit"]),
                .library(name: "ServerSimulation", targets: ["ServerSimulation"]),
            ]),
    dependencies: coreOnly
        ? []
        : [
            .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
            .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
            .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
            .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
            .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
            .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
            .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
            .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
            .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        ],
    targets: [
        // Types: no imports.
        room("SIPMessages"),
        room("Containers"),
        tests("SIPMessages", ["FuzzInputs"], resources: [.copy("Torture")]),
        tests("Containers"),
        room("SDP", ["SIPMessages"]),
        tests("SDP", ["SIPMessages", "FuzzInputs"], resources: [.copy("Examples")]),
        room("RTP", ["SIPMessages"]),
        room("MediaKeying"),
        room("TerminalUI"),
        tests("TerminalUI"),
        tests("MediaKeying", ["FuzzInputs"]),
        tests("RTP", ["SIPMessages", "FuzzInputs"]),
        .testTarget(name: "ArchitectureTests", swiftSettings: settings),
        // Core.
        room("SIPTransactions", ["SIPMessages", "Containers"]),
        tests("SIPTransactions", ["SIPMessages", "Containers", "SIPSimulation"]),
        room("SIPRouting", ["SIPMessages"]),
        tests("SIPRouting", ["SIPMessages", "DNSTestServer", "FuzzInputs"]),
        room("SIPDialogs", ["SIPMessages"]),
        tests("SIPDialogs", ["SIPMessages"]),
        .target(name: "FuzzInputs", path: "Tests/Support/FuzzInputs", swiftSettings: settings),
        .target(
            name: "DNSTestServer", dependencies: ["SIPMessages", "SIPRouting"], path: "Tests/Support/DNSTestServer",
            swiftSettings: settings),
        .target(
            name: "LoopbackSockets", dependencies: ["SIPMessages"], path: "Tests/Support/LoopbackSockets",
            swiftSettings: settings),
        // Roles.
        room("CallRouting", ["SIPMessages"]),
        tests("CallRouting", ["SIPMessages"]),
        room("ProxyCore", ["SIPMessages", "Containers", "SIPTransactions", "SIPRouting"]),
        room("LocationService", ["SIPMessages", "Containers", "SIPTransactions"]),
        room("CallRecords", ["SIPMessages", "Containers"]),
        tests("CallRecords", ["SIPMessages"]),
        tests("LocationService", ["SIPMessages", "SIPTransactions", "FuzzInputs"]),
        room("LoadCore", ["SIPMessages", "Containers", "SIPTransactions"]),
        tests("LoadCore", ["SIPMessages", "Containers", "SIPTransactions"]),
        room("AgentCore", ["SIPMessages", "SIPTransactions", "SIPDialogs"]),
        tests("AgentCore", ["SIPMessages", "SIPTransactions", "SIPDialogs", "SIPSimulation"]),
        room("PhoneUI", ["TerminalUI"]),
        tests("PhoneUI", ["TerminalUI"]),
        room("MediaEngine", ["SIPMessages", "SDP", "RTP"]),
        tests("MediaEngine", ["SIPMessages", "SDP", "RTP", "FuzzInputs"]),
        // Drivers.
        .target(name: "CLinuxIO"),
        // Opens its library at run time, when a sound card is wanted.
        .target(name: "CPortAudio"),
        .target(name: "CTerminal"),
        room("SystemSockets", ["SIPMessages", "CLinuxIO"]),
        // Support.
        room("SIPSimulation", ["SIPMessages", "Containers", "SIPTransactions", "AgentCore"]),
        tests("SIPSimulation", ["SIPMessages", "SIPTransactions"]),
        // Measuring.
        .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
        .executableTarget(
            name: "biloxi-microbench",
            dependencies: [
                "AllocationCounter", "SIPMessages", "Containers", "SIPTransactions", "ProxyCore", "CallRecords",
            ] + (coreOnly ? [] : ["ServerCore"]),
            path: "Benchmarks/Microbench", swiftSettings: settings),
    ]
        + (hasMediaLibraries
            ? [
                // Media, with system libraries.
                library("COpus", "opus", "libopus-dev"),
                library("CSpanDSP", "spandsp", "libspandsp-dev"),
                // Both open their library at run time, where its user has installed it: that of G.729 is under the GPL.
                .target(name: "CBCG729"),
                .target(name: "CAVCodec"),
                room(
                    "AudioCodecs", ["SDP", "MediaEngine", "COpus", "CSpanDSP", "CBCG729", "CAVCodec"]),
                tests("AudioCodecs", ["SIPMessages", "SDP", "RTP", "MediaEngine"]),
                library("COpenSSL", "openssl", "libssl-dev"),
                library("CSRTP", "libsrtp2", "libsrtp2-dev"),
                room("SRTP", ["SIPMessages", "MediaKeying", "COpenSSL"]),
                tests("SRTP", ["SIPMessages", "MediaKeying", "RTP", "CSRTP", "FuzzInputs"]),
                room(
                    "MediaTransport",
                    [
                        "SIPMessages", "SDP", "RTP", "MediaKeying", "MediaEngine", "SRTP", "CLinuxIO", "SystemSockets",
                    ]),
                tests(
                    "MediaTransport",
                    ["SIPMessages", "SDP", "RTP", "MediaKeying", "MediaEngine", "CLinuxIO", "SystemSockets"]),
                .executableTarget(
                    name: "biloxi-mediabench",
                    dependencies: [
                        "AllocationCounter", "SIPMessages", "SDP", "RTP", "MediaEngine", "MediaTransport", "CLinuxIO",
                        "SystemSockets",
                    ],
                    path: "Benchmarks/Media", swiftSettings: settings),
                .executableTarget(
                    name: "biloxi-codecbench",
                    dependencies: ["SIPMessages", "RTP", "MediaKeying", "MediaEngine", "AudioCodecs", "SRTP"],
                    path: "Benchmarks/Codecs", swiftSettings: settings),
            ] : [])
        + (coreOnly
            ? []
            : [
                // Core, with a package.
                room("SIPAuthentication", ["SIPMessages", crypto]),
                tests("SIPAuthentication", ["SIPMessages", "FuzzInputs"]),
                // Roles that authenticate.
                room(
                    "ServerCore",
                    [
                        "SIPMessages", "Containers", "SIPTransactions", "SIPRouting", "SIPAuthentication", "ProxyCore",
                        "LocationService", "AgentCore", "CallRouting", "CallRecords",
                    ]),
                tests(
                    "ServerCore",
                    [
                        "SIPMessages", "SIPTransactions", "SIPDialogs", "SIPAuthentication", "ProxyCore",
                        "LocationService", "AgentCore", "CallRouting", "SIPSimulation", "ServerSimulation",
                        "CallRecords", "FuzzInputs",
                    ], resources: [.copy("Examples")]),
                // Support, with a package.
                room(
                    "ServerSimulation",
                    [
                        "SIPMessages", "SIPTransactions", "SIPRouting", "SIPSimulation", "ProxyCore", "LocationService",
                        "AgentCore", "ServerCore", "CallRecords",
                    ]),
                // Drivers, with packages.
                library("CCAres", "libcares", "libc-ares-dev"),
                room(
                    "SignallingTransport",
                    [
                        "SIPMessages", "SIPTransactions", "SIPRouting", "LocationService", "CallRouting", "ProxyCore",
                        "AgentCore", "ServerCore", "CallRecords", "LoadCore", "CLinuxIO", "SystemSockets", "CCAres",
                    ] + nio + [crypto]),
                tests(
                    "SignallingTransport",
                    [
                        "SIPMessages", "SIPTransactions", "SIPRouting", "ProxyCore", "ServerCore", "LocationService",
                        "AgentCore", "LoadCore", "DNSTestServer",
                    ] + nio
                        + [crypto]),
                .testTarget(
                    name: "ResolverTests",
                    dependencies: ["SignallingTransport", "SIPRouting", "SIPMessages", "DNSTestServer"],
                    swiftSettings: settings),
                // The kit for programs.
                room(
                    "BiloxiKit",
                    [
                        "SIPMessages", "SIPTransactions", "SIPRouting", "SIPAuthentication", "SDP", "RTP", "AgentCore",
                        "ProxyCore", "LocationService", "ServerCore", "MediaKeying", "MediaEngine", "MediaTransport",
                        "SignallingTransport", "AudioCodecs",
                    ]),
                tests("BiloxiKit", ["SIPMessages", "SIPRouting", "DNSTestServer", "LoopbackSockets"]),
                .executableTarget(
                    name: "biloxi-callbench",
                    dependencies: ["BiloxiKit", "SIPMessages", "RTP", "MediaEngine", "CLinuxIO", "SystemSockets"],
                    path: "Benchmarks/Calls",
                    exclude: ["baresip_hold.sh", "compare.sh", "memory.sh", "pjsua_hold.py"], swiftSettings: settings),
                .executableTarget(
                    name: "biloxi-examples", dependencies: ["BiloxiKit"], path: "Examples", exclude: ["OwnPackage"],
                    swiftSettings: settings),
                room("Persistence", ["SIPMessages", "LocationService", "CallRecords", grdb, sqlite]),
                tests(
                    "Persistence", ["SIPMessages", "SIPTransactions", "LocationService", "CallRecords", grdb, sqlite]),
                .executableTarget(
                    name: "BindingStoreBenchmark", dependencies: ["Persistence", "SIPMessages", "LocationService"],
                    path: "Benchmarks/BindingStore", swiftSettings: settings),
                room(
                    "OperationsHTTP",
                    [
                        .product(name: "Hummingbird", package: "hummingbird"),
                        .product(name: "HTTPTypes", package: "swift-http-types"),
                        .product(name: "NIOCore", package: "swift-nio"), logging,
                    ]),
                tests("OperationsHTTP"),
                // Programs.
                room("ServerConfiguration", ["SIPMessages", "CallRouting", yams]),
                tests("ServerConfiguration", ["SIPMessages", "CallRouting"]),
                .executableTarget(
                    name: "biloxi",
                    dependencies: [
                        "SIPMessages", "SIPAuthentication", "LocationService", "Persistence", "ServerConfiguration",
                        "CallRouting", "ProxyCore", "AgentCore", "SDP", "ServerCore", "LoadCore", "SignallingTransport",
                        "MediaTransport", "CallRecords", "OperationsHTTP", "BiloxiKit", "TerminalUI", "PhoneUI",
                        "CTerminal", "CPortAudio", argumentParser, logging, yams,
                    ], swiftSettings: settings),
                tests(
                    "biloxi",
                    [
                        "Persistence", "ServerConfiguration", "SIPAuthentication", "SIPMessages", "SIPRouting",
                        "DNSTestServer", "LoopbackSockets", "CallRecords", "OperationsHTTP", "PhoneUI", grdb,
                    ]),
            ])
)
