#!/usr/bin/env bash
# Unpacks Debian's libssl-dev for arm64 into the cache of the home directory, for cmake/arm64.toolchain.cmake, without
# touching this machine's own packages: no foreign architecture, no root. Fails where the distribution's mirror has no
# arm64 (Ubuntu's is elsewhere).
set -eu
root=${OKG_ARM64_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/okg-arm64}
[ -e "$root/usr/lib/aarch64-linux-gnu/libcrypto.a" ] && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$root"
: >"$work/status"
apt() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Acquire::Languages=none -o APT::Sandbox::User= \
    -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" "$@" </dev/null
}
cd "$work"
apt update
apt download libssl-dev:arm64
dpkg-deb -x libssl-dev_*_arm64.deb "$work/unpacked"
cp -a "$work/unpacked/." "$root/"
