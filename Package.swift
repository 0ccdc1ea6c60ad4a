// swift-tools-version: 6.2
import PackageDescription

/// The rooms of the house and the direction in which they may see each other: `docs/ARCHITECTURE.md`.
///
/// With `BILOXI_CORE=1` in the environment the package consists of the targets that need no other package, so that the
/// protocol and its tests build in a minute.
let coreOnly = Context.environment["BILOXI_CORE"] == "1"

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

/// The drivers and programs, which need other packages.
let outerDependencies: [Package.Dependency] = [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
]

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")

let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let outerTargets: [Target] = [
    // Drivers.
    room("Persistence", ["SIPMessages", "LocationService", grdb, sqlite]),
    tests("Persistence", ["SIPMessages", "LocationService", grdb, sqlite]),
    room("ServerConfiguration", ["SIPMessages", yams]),
    tests("ServerConfiguration", ["SIPMessages"]),
    .executableTarget(
        name: "BindingStoreBenchmark", dependencies: ["Persistence", "SIPMessages", "LocationService"],
        path: "Benchmarks/BindingStore", swiftSettings: settings),
]

let package = Package(
    name: "biloxi",
    products: [
        .library(name: "SIPMessages", targets: ["SIPMessages"])
    ],
    dependencies: coreOnly ? [] : outerDependencies,
    targets: [
        // Types: no imports.
        room("SIPMessages"),
        tests("SIPMessages"),
        // Roles.
        room("LocationService", ["SIPMessages"]),
    ] + (coreOnly ? [] : outerTargets)
)
