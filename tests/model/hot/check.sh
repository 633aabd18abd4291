#!/usr/bin/env bash
# Models of the hot-state protocol (docs/hot-state-protocol.md), checked by Spin:
#   tests/model/hot/check.sh commit|reader|journal|undo   all states of one, then its mutants, each to be found wrong
#   tests/model/hot/check.sh journal 4                    the shortest way to what its MUTANT_4 does wrong, in steps
# What a model proves, and its mutants, stand in its first lines. It ends with 0 if the model holds in every state and no
# mutant does; with 77, a skip, if there is no Spin. Without this script:
#   spin -a tests/model/hot/commit.pml && cc -O2 -DSAFETY -DNOREDUCE -DCOLLAPSE -o pan pan.c && ./pan -b -m12000000
set -u
usage() { sed -n '2,4s/^# //p' "$0"; }

here=$(cd "$(dirname "$0")" && pwd)
model=${1-}
[ -n "$model" ] && [ -e "$here/$model.pml" ] || { usage >&2; exit 2; }
compiler=${OKG_CC:-cc}
[[ $(spin -V 2>/dev/null) == "Spin Version "* ]] || { echo "skip: no spin (cmake/setup.sh test installs it)"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here"/*.pml "$here"/*.inc "$work" && cd "$work" || exit 1

# search "SPIN-FLAGS" "CC-FLAGS": looks at all states, or until the first that is wrong; what it says is in the file out.
# NOREDUCE: the reduction by partial order does not know `provided`. -b: too deep is an error, not a silent end.
search() {
  local spin_flags cc_flags
  read -ra spin_flags <<<"$1"
  read -ra cc_flags <<<"$2"
  rm -f pan out
  { spin -P"$compiler -E -x c" -a "${spin_flags[@]}" "$model.pml" &&
    "$compiler" -w -DSAFETY -DNOREDUCE -DCOLLAPSE "${cc_flags[@]}" -o pan pan.c; } >made 2>&1 || { cat made; return 1; }
  ./pan -b -m12000000 >out 2>&1
  grep -q 'states, stored' out || { cat out; return 1; }
}
states() { awk '/states, stored/ { print $1; exit }' out; }
# A place outside an array is a slip of the model's, not a finding.
wrong() {
  grep -v 'invalid array index' out | grep -oE -m 1 '^pan:1: (assertion violated|invalid end state)' | cut -c8-
}

if [ -n "${2-}" ]; then
  search "-DMUTANT_$2" "-O2 -DMEMLIM=4096 -DBFS" || exit 1
  [ -n "$(wrong)" ] || { cat out; exit 1; }
  spin -P"$compiler -E -x c" "-DMUTANT_$2" -t -p -g -l "$model.pml"
  exit 0
fi

failed=0
fail() { echo "$*"; cat out; failed=1; }

# As it is: it has to hold everywhere, and what is asked after a recovery has to be asked.
search "" "-O2 -DMEMLIM=4096" || exit 1
if ! grep -q 'errors: 0$' out || grep -qE 'max search depth|not completed|MEMLIM|out of memory' out; then
  fail "$model: does not hold, or not all states were seen"
elif sed -n '/^unreached in init/,/states)$/p' out | grep -vE '^unreached|-end-|states\)$' | grep -q .; then
  fail "$model: part of init is never reached"
else
  awk -v model="$model" '/states, stored/ { n = $1 } /total actual memory/ { mb = $1 } /elapsed time/ { s = $4 }
    END { printf "%s: holds in all of %d states (%.1f s, %.0f MB)\n", model, n, s, mb }' out
fi

mutants=0
while read -r mutant what; do
  mutants=$((mutants + 1))
  search "-D$mutant" "-O0 -DMEMLIM=4096" || exit 1
  if [ -n "$(wrong)" ]; then
    echo "$model: $mutant ($what): $(wrong) within $(states) states"
  else
    fail "$model: $mutant ($what) was not found"
  fi
done < <(sed -n 's/^ \*   \(MUTANT_[0-9]* .*\)/\1/p' "$model.pml")
[ "$mutants" -ge 8 ] || fail "$model: it has $mutants mutants only"
exit "$failed"
