// swift-tools-version: 6.2
import PackageDescription

// A program of one's own: copy this folder, and put the address of the repository in place of the path:
// .package(url: "…", branch: "main").
let package = Package(
    name: "hello",
    dependencies: [.package(name: "biloxi", path: "../..")],
    targets: [
        .executableTarget(name: "hello", dependencies: [.product(name: "BiloxiKit", package: "biloxi")])
    ])
