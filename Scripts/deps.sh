#!/bin/sh
# Sees to it that what Apus builds on is there: says and does nothing where it is, installs what is missing on
# Debian and Ubuntu, and elsewhere says what is needed.
set -eu

say() { printf 'deps: %s\n' "$*" >&2; }

fail() {
    say "$@"
    exit 1
}

# Whether a Debian package is installed.
installed() {
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# Whether pkg-config knows a library, whoever provides it.
known() {
    command -v pkg-config >/dev/null && pkg-config --exists "$1"
}

missing_on_debian() {
    command -v pkg-config >/dev/null || echo pkg-config
    known openblas || installed libopenblas-dev || echo libopenblas-dev
    known lapacke || installed liblapacke-dev || echo liblapacke-dev
    known zlib || installed zlib1g-dev || echo zlib1g-dev
    known libturbojpeg || installed libturbojpeg0-dev || echo libturbojpeg0-dev
    known libpng || installed libpng-dev || echo libpng-dev
    known freetype2 || installed libfreetype-dev || echo libfreetype-dev
    # What pictures are labelled in.
    installed fonts-dejavu-core || echo fonts-dejavu-core
    known libcurl || installed libcurl4-openssl-dev || echo libcurl4-openssl-dev
    # Which of the web's servers libcurl believes.
    installed ca-certificates || echo ca-certificates
    installed dataset-fashion-mnist || echo dataset-fashion-mnist
    # The linker, the C library and GCC's start-up files: what every Swift program is linked with.
    command -v ld >/dev/null || echo binutils
    installed libc6-dev || echo libc6-dev
    installed 'libstdc++-[0-9]*-dev' || echo libstdc++-12-dev
}

install_on_debian() {
    packages=$(missing_on_debian | tr '\n' ' ')
    packages=${packages% }
    [ -n "$packages" ] || return 0

    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif command -v sudo >/dev/null; then
        as_root=sudo
    else
        say "missing: $packages"
        say 'neither root nor sudo is at hand; have this run by someone who is root, then try again:'
        fail "  apt-get update && apt-get install -y --no-install-recommends $packages"
    fi

    say "installing $packages"
    # Without an update older package lists may still do; whether they did shows below.
    $as_root apt-get update || say 'apt-get update failed; trying with the package lists at hand'
    # Package names hold no spaces: the list is split on purpose.
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $packages ||
        fail "apt-get could not install $packages (its reason stands above)"
}

check_on_macos() {
    missing=
    command -v pkg-config >/dev/null || missing="$missing pkgconf"
    known openblas || missing="$missing openblas"
    known lapacke || missing="$missing lapack"
    known libturbojpeg || missing="$missing jpeg-turbo"
    known libpng || missing="$missing libpng"
    known freetype2 || missing="$missing freetype"
    known libcurl || missing="$missing curl"
    [ -n "$missing" ] || return 0
    say "pkg-config does not find:$missing"
    say "install them:  brew install$missing"
    say 'and, since Homebrew keeps some of them to themselves, name these to pkg-config:'
    # For the reader's shell to expand, not for this one.
    # shellcheck disable=SC2016
    fail '  export PKG_CONFIG_PATH="$(brew --prefix openblas)/lib/pkgconfig:$(brew --prefix lapack)/lib/pkgconfig:$(brew --prefix curl)/lib/pkgconfig"'
}

check_elsewhere() {
    missing=
    for library in openblas lapacke zlib libturbojpeg libpng freetype2 libcurl; do
        known "$library" || missing="$missing $library"
    done
    [ -z "$missing" ] || fail "pkg-config does not find:$missing; install it and them, with their C headers"
}

command -v "${SWIFT:-swift}" >/dev/null ||
    fail "there is no '${SWIFT:-swift}' on the PATH; install Swift 6.2 or newer: https://www.swift.org/install"

if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    install_on_debian
elif [ "$(uname -s)" = Darwin ]; then
    check_on_macos
else
    check_elsewhere
fi
