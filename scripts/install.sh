#!/usr/bin/env bash
# Installs the Debian packages of the named groups that are missing; asks the network only when one is.
#   scripts/install.sh build test interop bench
set -euo pipefail
list="$(dirname "$0")/packages.txt"

missing=()
for group in "$@"; do
    packages=$(sed -n "s/^$group //p" "$list")
    if ! grep -q "^#   $group " "$list"; then
        echo "install.sh: no group '$group' in scripts/packages.txt" >&2
        exit 2
    fi
    for package in $packages; do
        if ! dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
            missing+=("$package")
        fi
    done
done

if ((${#missing[@]} > 0)); then
    root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "install.sh: run as root, or install sudo; these packages are missing: ${missing[*]}" >&2
            exit 1
        fi
        root=(sudo)
    fi
    echo "Installing: ${missing[*]}"
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
        --no-install-recommends "${missing[@]}"
fi

if ! command -v swift >/dev/null; then
    echo "install.sh: no 'swift' on the path: install a Swift toolchain, 6.2 or later (https://www.swift.org/install)" >&2
    exit 1
fi
if ! version=$(swift --version 2>&1); then
    echo "install.sh: the Swift toolchain does not start: $(tail -n 1 <<<"$version")" >&2
    echo "install.sh: install the packages that https://www.swift.org/install names for this system" >&2
    exit 1
fi
