// swift-tools-version: 6.2

import PackageDescription

/// Layers above the kernels hold no unsafe code, and the compiler says so where one does.
let strict: [SwiftSetting] = [.strictMemorySafety()]

/// A C library of the system, by its names for pkg-config and the package managers.
func library(_ name: String, _ pkgConfig: String, apt: String, brew: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt]), .brew([brew])])
}

let package = Package(
    name: "Apus",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Apus", targets: ["Apus"]),
        .executable(name: "apus", targets: ["ApusMain"]),
        .executable(name: "apus-benchmarks", targets: ["Benchmarks"]),
    ],
    targets: [
        // Floor 0: C libraries of the system, and the C that Swift cannot say.
        library("COpenBLAS", "openblas", apt: "libopenblas-dev", brew: "openblas"),
        library("CLAPACKE", "lapacke", apt: "liblapacke-dev", brew: "lapack"),
        library("CZlib", "zlib", apt: "zlib1g-dev", brew: "zlib"),
        library("CTurboJPEG", "libturbojpeg", apt: "libturbojpeg0-dev", brew: "jpeg-turbo"),
        library("CPNG", "libpng", apt: "libpng-dev", brew: "libpng"),
        library("CFreeType", "freetype2", apt: "libfreetype-dev", brew: "freetype"),
        library("CCurl", "libcurl", apt: "libcurl4-openssl-dev", brew: "curl"),
        .target(name: "CVectorKernels"),

        // Floor 1: memory, BLAS and the kernels on it.
        .target(
            name: "ApusKernels", dependencies: ["COpenBLAS", "CLAPACKE", "CVectorKernels"],
            swiftSettings: strict),
        .target(name: "ReferenceKernels"),

        // Floor 2: layers and the network that plans them; file formats.
        .target(name: "ApusNN", dependencies: ["ApusKernels"], swiftSettings: strict),
        .target(name: "ApusFormats", dependencies: ["CZlib", "CTurboJPEG", "CPNG", "CFreeType"]),

        // Floor 3: the networks of the papers; datasets.
        .target(
            name: "ApusModels", dependencies: ["ApusNN", "ApusFormats"], swiftSettings: strict),
        .target(name: "ApusData", dependencies: ["ApusKernels", "ApusNN", "ApusFormats"]),

        // Floor 4: training.
        .target(
            name: "ApusTraining",
            dependencies: ["ApusNN", "ApusModels", "ApusData", "ApusFormats"]),

        // Floor 5: looking into networks.
        .target(
            name: "ApusAnalysis",
            dependencies: ["ApusKernels", "ApusNN", "ApusFormats", "ApusModels", "ApusData", "ApusTraining"],
            swiftSettings: strict),

        // Floor 6: what people hold in their hands.
        .target(
            name: "Apus",
            dependencies: [
                "ApusKernels", "ApusNN", "ApusFormats", "ApusModels", "ApusData", "ApusTraining",
                "ApusAnalysis",
            ]),
        .target(name: "ApusDownloads", dependencies: ["ApusData", "ApusFormats", "CCurl"]),
        .target(name: "ApusCLI", dependencies: ["Apus", "ApusDownloads", "ApusFormats"]),
        .executableTarget(name: "ApusMain", dependencies: ["ApusCLI"]),

        // What measures it all. The counter replaces `malloc` in whatever it is linked into: no tests.
        .target(name: "CAllocationCounter", path: "Benchmarks/AllocationCounter"),
        .target(name: "BenchmarkResults", path: "Benchmarks/Results"),
        .executableTarget(
            name: "Benchmarks",
            dependencies: ["Apus", "ApusCLI", "ReferenceKernels", "BenchmarkResults", "CAllocationCounter"],
            path: "Benchmarks", exclude: ["RESULTS.md", "peers", "AllocationCounter", "Results"]),

        // Tests, a target for each module.
        .target(
            name: "TestSupport", dependencies: ["ApusKernels", "ApusFormats"], path: "Tests/TestSupport"),
        .testTarget(
            name: "ApusKernelsTests",
            dependencies: ["ApusKernels", "CVectorKernels", "ReferenceKernels", "TestSupport"],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "ApusNNTests", dependencies: ["ApusNN", "ReferenceKernels", "TestSupport"]),
        .testTarget(
            name: "ApusFormatsTests", dependencies: ["ApusFormats", "TestSupport"], exclude: ["Fixtures"]),
        .testTarget(
            name: "ApusModelsTests",
            dependencies: ["ApusModels", "ApusFormats", "ApusTraining", "TestSupport"],
            exclude: ["Fixtures"]),
        .testTarget(
            name: "ApusDataTests",
            dependencies: ["ApusData", "ApusFormats", "ApusKernels", "ApusNN", "TestSupport"]),
        .testTarget(
            name: "ApusDownloadsTests", dependencies: ["ApusDownloads", "ApusFormats", "TestSupport"]),
        .testTarget(
            name: "ApusTrainingTests",
            dependencies: ["ApusTraining", "ApusModels", "ReferenceKernels", "TestSupport"]),
        .testTarget(
            name: "ApusAnalysisTests",
            dependencies: ["ApusAnalysis", "ApusModels", "ApusTraining", "ReferenceKernels", "TestSupport"]),
        .testTarget(name: "ApusCLITests", dependencies: ["ApusCLI", "ApusMain", "TestSupport"]),
        .testTarget(name: "BenchmarkResultsTests", dependencies: ["BenchmarkResults"]),
        .testTarget(name: "ApusTests", dependencies: ["Apus", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
