#!/bin/sh
# Builds the documentation archive of the library from what `swift build -c release` has built, as one module.
set -eu

modules=.build/release/Modules
output=.build/documentation
rm -rf "$output"
mkdir -p "$output/symbols"

# What the libraries of the system need to be found, as the package's manifest says it to SwiftPM.
flags="-Xcc -fmodule-map-file=.build/release/CVectorKernels.build/module.modulemap"
for library in COpenBLAS CLAPACKE CZlib CTurboJPEG CPNG CFreeType; do flags="$flags -I Sources/$library"; done
for flag in $(pkg-config --cflags freetype2); do flags="$flags -Xcc $flag"; done

# shellcheck disable=SC2086 # Flags are words of their own.
swift-symbolgraph-extract -module-name Apus -minimum-access-level public -skip-synthesized-members \
    -experimental-allowed-reexported-modules=ApusKernels,ApusNN,ApusFormats,ApusModels,ApusData,ApusTraining,ApusAnalysis \
    -I "$modules" $flags -target "$(uname -m)-unknown-linux-gnu" -output-dir "$output/symbols"

docc convert Sources/Apus/Apus.docc --warnings-as-errors \
    --fallback-display-name Apus --fallback-bundle-identifier apus \
    --additional-symbol-graph-dir "$output/symbols" --output-path "$output/Apus.doccarchive"
echo "The documentation is in $output/Apus.doccarchive: docc preview, or any web server, shows it."
