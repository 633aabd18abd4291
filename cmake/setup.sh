#!/usr/bin/env bash
# Installs what okg needs and this machine lacks, on Debian 12 and Ubuntu 24.04: cmake/setup.sh [build|test|bench|cluster]
# (test and bench mean build too, cluster means test). With everything there it only looks, for a moment. Elsewhere, or
# without root and sudo, it names what is missing. Nothing is fetched but the distribution's own packages.
set -u

what=${1:-build}
case $what in
  build | test | bench | cluster) ;;
  -h | --help)
    sed -n '2,4s/^# //p' "$0"
    exit 0
    ;;
  *)
    echo "okg: setup: $what: say build, test, bench or cluster" >&2
    exit 2
    ;;
esac

needed=()   # packages without which nothing goes
wanted=()   # packages without which some tests are skipped, or some peers of a benchmark left out

has() { command -v "$1" >/dev/null 2>&1; }
header() { [ -e "/usr/include/$1" ] || [ -e "/usr/local/include/$1" ]; }
newer_clang() { # the first of $1-19, $1-20, … that is there
  local version
  for version in 19 20 21 22 18 17 16 15; do has "$1-$version" && return 0; done
  return 1
}
boost_is_new() {
  local file version
  for file in /usr/local/include/boost/version.hpp /usr/include/boost/version.hpp; do
    [ -e "$file" ] || continue
    version=$(sed -n 's/^#define BOOST_VERSION \([0-9]*\).*/\1/p' "$file")
    [ "${version:-0}" -ge 108100 ] && return 0
  done
  return 1
}
known() { apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'; }

has g++ || needed+=(g++)
has cmake || needed+=(cmake)
has ninja || needed+=(ninja-build)
has ccache || needed+=(ccache)
boost_is_new || needed+=(boost)
header nlohmann/json.hpp || needed+=(nlohmann-json3-dev)
header CLI/CLI.hpp || needed+=(libcli11-dev)
header openssl/sha.h || needed+=(libssl-dev)

if [ "$what" != build ]; then
  header gtest/gtest.h || needed+=(libgtest-dev)
  header gmock/gmock.h || needed+=(libgmock-dev)
  has curl || needed+=(curl)
  has python3 || needed+=(python3)
fi
if [ "$what" = test ] || [ "$what" = cluster ]; then
  has pkg-config || needed+=(pkg-config)
  newer_clang clang++ || wanted+=(clang)
  newer_clang clang-tidy || wanted+=(clang-tidy)
  has clang-format-19 || wanted+=(clang-format-19)
  compgen -G '/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a' >/dev/null || wanted+=(clang-rt)
  has aarch64-linux-gnu-g++ || wanted+=(g++-aarch64-linux-gnu)
  has qemu-aarch64-static || wanted+=(qemu-user-static)
  arm64_root=${OKG_ARM64_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/okg-arm64}
  [ -e "$arm64_root/usr/lib/aarch64-linux-gnu/libcrypto.a" ] || wanted+=(libssl-dev:arm64)
  has strace || wanted+=(strace)
  /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null || wanted+=(python3-prometheus-client)
  has nginx || [ -x /usr/sbin/nginx ] || wanted+=(nginx-light)
  has lua5.3 || wanted+=(lua5.3 lua-posix)
  has spin || wanted+=(spin)
  has npm || wanted+=(nodejs npm)
  has chromium || [ -n "${CHROMIUM:-}" ] || wanted+=(chromium)
fi
if [ "$what" = bench ]; then
  header benchmark/benchmark.h || needed+=(libbenchmark-dev)
  header lmdb.h || wanted+=(liblmdb-dev)
  has inotifywait || wanted+=(inotify-tools)
  has rsync || wanted+=(rsync)
  header rocksdb/db.h || wanted+=(librocksdb-dev)
  header sqlite3.h || wanted+=(libsqlite3-dev)
  has redis-server || wanted+=(redis-server)
  has memcached || wanted+=(memcached)
fi

if [ "$what" = cluster ]; then # tests/cluster: a real Kubernetes. Go for its build is newer than the distribution's.
  PATH=$PATH:/usr/sbin:/sbin
  has jq || needed+=(jq)
  has openssl || needed+=(openssl)
  has containerd || needed+=(containerd)
  has runc || needed+=(runc)
  [ -x /usr/lib/cni/bridge ] || needed+=(containernetworking-plugins)
  has iptables || needed+=(iptables)
  has ip || needed+=(iproute2)
  { has busybox && ! ldd "$(command -v busybox)" >/dev/null 2>&1; } || needed+=(busybox-static) # it is all of an image
fi

[ ${#needed[@]} -eq 0 ] && [ ${#wanted[@]} -eq 0 ] && exit 0

left_out="some tests will be skipped"
[ "$what" = bench ] && left_out="some peers will be left out"
# Only what is needed decides whether this ends well.
give_up() {
  if [ ${#needed[@]} -gt 0 ]; then
    echo "okg: setup: $1: install these yourself: ${needed[*]}" >&2
    exit 1
  fi
  echo "okg: setup: $1: $left_out for want of: ${wanted[*]}" >&2
  exit 0
}

has apt-get || give_up "there is no apt-get"
root=()
if [ "$(id -u)" -ne 0 ]; then
  { has sudo && sudo -n true 2>/dev/null; } || give_up "neither root nor sudo without a password"
  root=(sudo -n)
fi
# Servers that are measured are started by who measures them; installed, they would start by themselves.
start_nothing() ( # start_nothing COMMAND …
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap '"${root[@]}" rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null && "${root[@]}" chmod 755 "$policy"
  fi
  "$@"
)
apt() { "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null; }

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt update >"$log" 2>&1 || { cat "$log" >&2; give_up "apt-get update failed"; }

# Names that differ between the distributions.
packages=()
newest_package() { # newest_package PREFIX SUFFIX
  local version
  for version in 19 20 18 17 16 15; do
    known "$1$version$2" && { echo "$1$version$2"; return; }
  done
}
for name in "${needed[@]}"; do
  case $name in
    boost) if known libboost1.81-dev; then name=libboost1.81-dev; else name=libboost-dev; fi ;;
  esac
  packages+=("$name")
done
for name in "${wanted[@]}"; do
  case $name in
    clang) name=$(newest_package clang- "") ;;
    clang-tidy) name=$(newest_package clang-tidy- "") ;;
    clang-rt) name=$(newest_package libclang-rt- -dev) ;;
    # Ubuntu's is a stub for a snap, which is no program here.
    chromium) if known chromium && ! grep -qi '^ID=ubuntu' /etc/os-release; then :; else name=; fi ;;
    libssl-dev:arm64)
      "$(dirname "$0")/arm64.sh" >"$log" 2>&1 || echo "okg: setup: no libssl-dev for arm64 to be had here" >&2
      name=
      ;;
    *) known "$name" || name= ;;
  esac
  [ -n "$name" ] && packages+=("$name")
done

[ ${#packages[@]} -eq 0 ] && exit 0
echo "okg: setup: installing ${packages[*]}" >&2
if ! start_nothing apt install -y --no-install-recommends "${packages[@]}" >"$log" 2>&1; then
  cat "$log" >&2
  give_up "apt-get install failed"
fi
grep -A3 'REMOVED' "$log" >&2
boost_is_new || { needed=("Boost 1.81 or newer"); give_up "this distribution has none"; }
exit 0
