#!/bin/sh
# Builds the documentation archive of the library from what `swift build -c release` has built, as one module.
set -eu

modules=.build/release/Modules
output=.build/documentation
rm -rf "$output"
mkdir -p "$output/symbols"

swift-symbolgraph-extract -module-name Apus -minimum-access-level public -skip-synthesized-members \
    -experimental-allowed-reexported-modules=ApusKernels,ApusNN,ApusFormats,ApusModels,ApusData,ApusTraining \
    -I "$modules" -Xcc -fmodule-map-file=.build/release/CVectorKernels.build/module.modulemap -I Sources/COpenBLAS -I Sources/CLAPACKE -I Sources/CZlib \
    -I Sources/CTurboJPEG -I Sources/CPNG -target "$(uname -m)-unknown-linux-gnu" -output-dir "$output/symbols"

docc convert Sources/Apus/Apus.docc --warnings-as-errors \
    --fallback-display-name Apus --fallback-bundle-identifier apus \
    --additional-symbol-graph-dir "$output/symbols" --output-path "$output/Apus.doccarchive"
echo "The documentation is in $output/Apus.doccarchive: docc preview, or any web server, shows it."
