#!/usr/bin/env bash
# Benchmarks: benchmarks/run.sh reload|hot|controller [--quick] [--json FILE]
#   reload        hot update: okg beside the scripts of the upstream document, cp and rsync
#   hot           hot state: okg beside std::unordered_map, LMDB, Boost, RocksDB, SQLite, Redis and memcached
#   controller    the conversation with OpenKruiseGame: okg beside kubectl, curl and a loop, on a real API server, whose
#                 programs `tests/cluster.sh --build --api` makes once
#   --quick       fewer repetitions: minutes, not half an hour or more; leaves docs/ alone
#   --json FILE   the results, {"machine":{…},"results":[{"id","subject","value","unit","n","p50","p99"}…]}
# Installs what is missing, builds the preset "bench" (or uses OKG_BUILD_DIR, a build that is there), measures, prints
# each target and whether it was reached, and writes docs/benchmarks/<what>.md and .svg (--quick: into the build). Ends
# with 0 also when a target was missed: times depend on the machine. OKG_BENCH_DISK names a directory on the disk to be
# measured by reload (default: the build's).
set -u -o pipefail

usage() { sed -n '2,12s/^# \{0,1\}//p' "$0"; }
wrong() {
  echo "okg: benchmarks: $1" >&2
  exit 2
}

what=
options=()
while [ $# -gt 0 ]; do
  case $1 in
    reload | hot | controller) [ -z "$what" ] || wrong "$1: one at a time"; what=$1 ;;
    --quick) options+=(--quick) ;;
    --json)
      [ $# -gt 1 ] || wrong "--json: name a file"
      case $2 in /*) options+=(--json "$2") ;; *) options+=(--json "$PWD/$2") ;; esac
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    *) wrong "$1: say reload, hot, controller, --quick, --json FILE or --help" ;;
  esac
  shift
done
[ -n "$what" ] || wrong "say which: reload, hot or controller"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
"$root/cmake/setup.sh" bench || exit 1
# Nothing of the caller's surroundings decides a result.
build=${OKG_BUILD_DIR:-}
disk=${OKG_BENCH_DISK:-}
for variable in $(compgen -e OKG_); do [ "$variable" = OKG_CLUSTER_HOME ] || unset "$variable"; done

if [ -z "$build" ]; then
  build=$root/build/bench
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  echo "building (the first time takes some minutes)" >&2
  if ! (cd "$root" && cmake --preset bench && cmake --build --preset bench) >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "okg: benchmarks: does not build: see above" >&2
    exit 1
  fi
fi

cd "$root" || exit 1
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$here
python3 -m "$what" --build "$build" ${disk:+--disk "$disk"} "${options[@]}"
