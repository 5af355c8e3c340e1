// swift-tools-version: 6.2

import PackageDescription

// What a package of your own looks like: `.package(url: …)` or a path of yours in place of "..".
let package = Package(
    name: "Examples",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "Apus", path: "..")],
    targets: [
        .executableTarget(name: "Extending", dependencies: [.product(name: "Apus", package: "Apus")])
    ],
    swiftLanguageModes: [.v6]
)
