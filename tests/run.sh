#!/usr/bin/env bash
# All tests: tests/run.sh [--long] [--filter REGEX]
#   --long           also what takes hours: tests labelled "long", every instruction of gcc's and clang's code of the
#                    hot state, 100,000 kills, half an hour of each fuzz target (OKG_LONG=1)
#   --filter REGEX   only the test cases whose name matches (they are still built)
# Installs what is missing first. The last line is "N passed, N failed, N skipped", over all stages; it ends with 0 iff
# none failed. Logs of what failed are printed in full.
set -u -o pipefail
exec </dev/null

long=0
filter=
while [ $# -gt 0 ]; do
  case $1 in
    --long) long=1 ;;
    --filter)
      [ $# -ge 2 ] || { echo "okg: tests: --filter: wants a regular expression" >&2; exit 2; }
      filter=$2
      shift
      ;;
    --help | -h) sed -n '2,7s/^# //p' "$0"; exit 0 ;;
    *) echo "okg: tests: $1: say --long, --filter REGEX or --help" >&2; exit 2 ;;
  esac
  shift
done

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
# Nothing of the caller's surroundings decides a test.
for variable in $(compgen -e OKG_); do
  case $variable in OKG_ARM64_ROOT | OKG_CLUSTER_HOME) ;; *) unset "$variable" ;; esac
done
export LC_ALL=C.UTF-8 CTEST_OUTPUT_ON_FAILURE=1 PYTHONDONTWRITEBYTECODE=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
export ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1
[ "$long" = 1 ] && export OKG_LONG=1

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
tally=$logs/tally # a line a case: passed|failed|skipped NAME [REASON]
: >"$tally"
jobs=$(nproc)

# ---- reporting
now() { date +%s%N; }
stage() { stage_name=$1 stage_begin=$(now) stage_line=$(wc -l <"$tally"); }
stage_end() {
  local counts
  counts=$(tail -n +$((stage_line + 1)) "$tally" | awk '
    { n[$1]++ } END { if (NR) printf "%d passed, %d failed, %d skipped", n["passed"], n["failed"], n["skipped"] }')
  printf '== %-20s %6.1f s   %s\n' "$stage_name" "$(awk "BEGIN { print ($(now) - $stage_begin) / 1e9 }")" "$counts"
  tail -n +$((stage_line + 1)) "$tally" | awk '$1 != "passed" {
    what = $1; name = $2; $1 = $2 = ""; printf "   %s: %s:%s\n", what, name, $0 }'
}
wanted() { [ -z "$filter" ] || [[ $1 =~ $filter ]]; }
record() { printf '%s\n' "$*" >>"$tally"; }
show() { printf -- '---- %s\n' "$1"; cat "$2"; printf -- '----\n'; }
# check NAME COMMAND…: one case. It ends with 77 for a skip, whose reason is its last line.
check() {
  local name=$1 log=$logs/$1 code=0
  shift
  wanted "$name" || return 0
  "$@" >"$log" 2>&1 || code=$?
  case $code in
    0) record passed "$name" ;;
    77) record skipped "$name" "$(tail -n 1 "$log")" ;;
    *)
      show "$name failed" "$log"
      record failed "$name" "exit code $code"
      ;;
  esac
}
skip() { wanted "$1" && record skipped "$@"; }

# ---- building and running a preset
# No address space randomisation under the thread sanitizer: gcc 12's cannot map its shadow on newer kernels.
still=()
setarch "$(uname -m)" -R true 2>/dev/null && still=(setarch "$(uname -m)" -R)

build() { # build PRESET [TARGET…]: a failed build is a failed case
  local preset=$1 log=$logs/$1.build
  shift
  stage "$preset: build"
  if ! { "${still[@]}" cmake --preset "$preset" && "${still[@]}" cmake --build --preset "$preset" ${1:+--target "$@"}; } \
    >"$log" 2>&1; then
    show "$preset does not build" "$log" | sed -n '1p; /FAILED:\|CMake Error/,$p'
    record failed "$preset.build" "does not build"
    stage_end
    return 1
  fi
  stage_end
}

tests() { # tests PRESET CTEST-ARGUMENT…
  local preset=$1 junit=$logs/$1.xml log=$logs/$1.ctest
  shift
  stage "$preset: tests"
  [ "$long" = 1 ] || set -- "$@" -LE '(^|,)long(,|$)'
  [ -z "$filter" ] || set -- "$@" -R "$filter"
  "${still[@]}" ctest --test-dir "build/$preset" -j "$jobs" --no-tests=ignore --output-junit "$junit" \
    --test-output-size-passed 65536 --test-output-size-failed 16777216 "$@" >"$log" 2>&1
  if ! python3 tests/junit.py "$preset" "$junit" "$log" "$tally"; then
    show "ctest did not end well" "$log"
    record failed "$preset.ctest" "no results"
  fi
  stage_end
}

# ---- stages
stage setup
if ! cmake/setup.sh test; then
  record failed setup "see above"
fi
if [ -e tests/browser/package.json ] && ! { [ -d tests/browser/node_modules ] &&
  cmp -s tests/browser/package-lock.json tests/browser/node_modules/.okg-lock; }; then
  if command -v npm >/dev/null && (cd tests/browser && npm ci --no-audit --no-fund) >"$logs/npm" 2>&1; then
    cp tests/browser/package-lock.json tests/browser/node_modules/.okg-lock
  else
    [ -e "$logs/npm" ] && show "npm ci failed" "$logs/npm"
  fi
fi
stage_end

newest() { # newest NAME: NAME-19 or the next best that is there
  local version
  for version in 19 20 21 22 18 17 16 15; do
    command -v "$1-$version" && return 0
  done
  command -v "$1"
}

stage style
format_clean() { # okg.h is set by hand, as C is
  local wrong
  wrong=$(find src include tests examples benchmarks -name node_modules -prune -o -name okg.h -o \
    \( -name '*.cpp' -o -name '*.hpp' -o -name '*.h' -o -name '*.c' \) -print0 |
    xargs -0 clang-format-19 --dry-run --ferror-limit=1 2>&1 | sed -n 's/^\([^: ]*\):\([0-9]*\):.*clang-format-violations.*/\1:\2/p')
  [ -z "$wrong" ] || { echo "not as clang-format-19 -i would have it:"; echo "$wrong"; return 1; }
}
if command -v clang-format-19 >/dev/null; then
  check style.format format_clean
else
  skip style.format "no clang-format-19, and other versions format otherwise"
fi
headers_alone() { # headers_alone COMPILER: each public header by itself, okg.h in the C and C++ of old and new days
  local compiler=$1 header standard
  try() { # try LANGUAGE STANDARD HEADER
    echo "#include <okg/$3>" | "$compiler" -x "$1" "-std=$2" -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only - ||
      { echo "$3 by itself, $2, $compiler"; return 1; }
  }
  for header in include/okg/*.hpp; do try c++ c++20 "${header##*/}" || return 1; done
  for standard in c++11 c++2b; do try c++ $standard okg.h || return 1; done
  for standard in c11 c17; do try c $standard okg.h || return 1; done
}
check style.headers_gcc headers_alone g++
if clang=$(newest clang++); then
  check style.headers_clang headers_alone "$clang"
else
  skip style.headers_clang "no clang"
fi
stage_end

if build release; then
  tests release
fi
stage tidy
if tidy=$(newest clang-tidy); then
  check style.tidy python3 cmake/tidy.py --build build/release --clang-tidy "$tidy" \
    --seconds $((long ? 7200 : 600)) --jobs "$jobs"
else
  skip style.tidy "no clang-tidy"
fi
stage_end

if build asan; then tests asan -L '(^|,)(unit|integration|model)(,|$)'; fi
if build tsan; then tests tsan -L '(^|,)threads(,|$)'; fi

# Which store comes when is the compiler's doing: clang's code is stepped through in the long run.
if [ "$long" = 1 ] && newest clang++ >/dev/null && build clang test_hot_steps; then
  stage clang
  check clang.hot_steps build/clang/tests/test_hot_steps
  stage_end
fi

fuzz_one() { # fuzz_one PROGRAM NAME: ends with 0 iff nothing was found
  local corpus=build/fuzz/corpus/$2 seconds=$((long ? 1800 : 10))
  mkdir -p "$corpus" "tests/fuzz/corpus/$2"
  "$1" -max_total_time=$seconds -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="build/fuzz/found-$2-" "$corpus" "tests/fuzz/corpus/$2" || return 1 # its own 77 is no skip
}
if ! newest clang++ >/dev/null; then
  skip fuzz "no clang"
elif [ ! -e tests/fuzz/CMakeLists.txt ]; then
  skip fuzz "there are no fuzz targets"
elif build fuzz; then
  stage fuzz
  for program in build/fuzz/fuzz/fuzz_*; do
    [ -x "$program" ] || continue
    name=${program##*/fuzz_}
    check "fuzz.$name" fuzz_one "$program" "$name" &
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
  done
  wait
  stage_end
fi

arm64_library() { # the C11 program of tests/house, statically linked, run by qemu
  aarch64-linux-gnu-gcc -std=c11 -D_POSIX_C_SOURCE=200809L -static -Iinclude -o build/arm64/uses_all \
    tests/house/uses_all.c build/arm64/libokg.a -lstdc++ -lm -lpthread &&
    tests/house/with_volume.sh qemu-aarch64-static build/arm64/uses_all
}
arm64_program() { qemu-aarch64-static build/arm64/okg --version; }
if ! command -v aarch64-linux-gnu-g++ >/dev/null; then
  skip arm64 "no g++ for arm64"
elif [ ! -e "${OKG_ARM64_ROOT:-${XDG_CACHE_HOME:-$HOME/.cache}/okg-arm64}/usr/lib/aarch64-linux-gnu/libcrypto.a" ]; then
  skip arm64 "no libcrypto for arm64"
elif build arm64; then
  stage arm64
  if command -v qemu-aarch64-static >/dev/null; then
    check arm64.library arm64_library
    check arm64.program arm64_program
  else
    skip arm64.run "no qemu-aarch64-static"
  fi
  stage_end
fi

# A real Kubernetes with OKG, where its programs were built; else at least a real API server, which takes some minutes to
# build once. tests/cluster.sh skips what root or a package is missing for.
bin=${OKG_CLUSTER_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/okg-cluster}/bin
if [ ! -x "$bin/kube-apiserver" ]; then
  stage "cluster: build"
  if ! { cmake/setup.sh cluster && tests/cluster/build --api; } >"$logs/cluster-build" 2>&1; then
    skip cluster "$(tail -n 1 "$logs/cluster-build")"
  fi
  stage_end
fi
if [ -x "$bin/kube-apiserver" ]; then
  stage cluster
  api=--api
  [ -x "$bin/kubelet" ] && api=
  tests/cluster.sh $api ${filter:+--filter "$filter"} $( ((long)) && echo --long) >"$logs/cluster" 2>&1
  sed -n 's/^\(passed\|failed\|skipped\) /\1 cluster\//p' "$logs/cluster" >>"$tally"
  if grep -q '^failed ' "$logs/cluster"; then
    show "cluster" "$logs/cluster"
  elif ! grep -q '^[0-9]* passed, ' "$logs/cluster"; then
    show "tests/cluster.sh did not end well" "$logs/cluster"
    record failed cluster "no results"
  fi
  stage_end
fi

awk '{ n[$1]++ } END { printf "%d passed, %d failed, %d skipped\n", n["passed"], n["failed"], n["skipped"]
  exit n["failed"] > 0 }' "$tally"
