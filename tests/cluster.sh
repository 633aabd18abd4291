#!/usr/bin/env bash
# The suites of tests/cluster against a real Kubernetes with OKG: tests/cluster.sh [--build] [--api] [--long]
# [--filter REGEX] [--kubeconfig FILE]
#   --build            make the cluster's programs first: once, 10 to 15 minutes (with --api about 7)
#   --api              only etcd and kube-apiserver, and only the suites that need no more: no root, no containerd
#   --long             also what takes long
#   --filter REGEX     only the cases whose name matches
#   --kubeconfig FILE  a cluster of yours: with Kruise, OKG and nodes that can fetch busybox for everything. Each case
#                      makes a namespace okg-… and removes it; some make policies and definitions for all namespaces
# Without --kubeconfig it starts a cluster on this machine and ends it (tests/cluster/up and down), or uses the one that
# is up already. A line a case, passed|failed|skipped NAME [WHY]; the last line is "N passed, N failed, N skipped"; it
# ends with 0 iff none failed.
set -u -o pipefail
exec </dev/null

here=$(cd "$(dirname "$0")/cluster" && pwd)
usage() { echo "okg: cluster: $1" >&2; exit 2; }
build= api= kubeconfig= filter=
long=()
while [ $# -gt 0 ]; do
  case $1 in
    --build) build=1 ;;
    --api) api=--api ;;
    --long) long=(--long) ;;
    --filter | --kubeconfig)
      [ $# -ge 2 ] || usage "$1: wants a value"
      if [ "$1" = --filter ]; then filter=$2; else kubeconfig=$(realpath -- "$2"); fi
      shift
      ;;
    -h | --help) sed -n '2,12s/^# //p' "$0"; exit 0 ;;
    *) usage "$1: say --build, --api, --long, --filter REGEX, --kubeconfig FILE or --help" ;;
  esac
  shift
done
[ -z "$kubeconfig" ] || [ -r "$kubeconfig" ] || usage "$kubeconfig: cannot be read"

. "$here/env"
export PYTHONDONTWRITEBYTECODE=1
log=$(mktemp)
ours= # set while the cluster that is up is one that we started
child=
end() {
  trap '' INT TERM HUP
  [ -z "$child" ] || { kill "$child" 2>/dev/null && wait "$child"; }
  [ -z "$ours" ] || "$here/down" 9>&-
  rm -f "$log"
}
trap end EXIT
trap 'exit 130' INT TERM HUP
run() { # the last thing that is done; in the background, so that a signal is not kept waiting
  python3 "$here/run.py" --filter "$filter" "${long[@]}" "$@" 9>&- &
  child=$!
  local code=0
  wait "$child" || code=$?
  child=
  exit "$code"
}

if [ "$build" ]; then
  "$here/../../cmake/setup.sh" cluster && "$here/build" $api || exit 1
fi
wanted=$(python3 "$here/run.py" --filter "$filter" --list) || exit 2
no_node=${api:+only the API is wanted: --api}
if [ -n "$kubeconfig" ]; then
  export KUBECONFIG=$kubeconfig
  command -v kubectl >/dev/null || usage "--kubeconfig: no kubectl: install it, or run tests/cluster.sh --build --api"
  run --no-node "$no_node"
fi
[ -n "$wanted" ] || run

# One at a time: a second run would have its cluster taken away by the first.
mkdir -p "$OKG_CLUSTER_HOME"
exec 9>"$OKG_CLUSTER_HOME/lock"
flock -n 9 || { echo "okg: cluster: waiting for another tests/cluster.sh" >&2; flock 9; }
export OKG_CLUSTER_OWN=1

up() { # up [--api]: 0, 77 where that cannot be (then $why says why), or the end
  local code=0
  ours=1
  "$here/up" "$@" >"$log" 2>&1 9>&- || code=$?
  [ $code = 0 ] && return
  why=$(tail -n 1 "$log")
  why=${why#okg: cluster: up: }
  [ $code = 77 ] && { ours=; return 77; }
  cat "$log" >&2
  tail -n 20 "$CLUSTER_RUN"/log/*.log >&2
  printf 'failed cluster.up the cluster does not start: %s\n0 passed, 1 failed, 0 skipped\n' "$why"
  exit 1
}
if [ -e "$CLUSTER_RUN/pids" ] && kubectl get --raw /readyz --request-timeout=10s >/dev/null 2>&1; then
  [ -e "$CLUSTER_RUN/pids/kubelet" ] || no_node="the cluster that is up has none: run tests/cluster/down first"
else
  "$here/down" 9>&- # a cluster that did not end well
  if [ -z "$api" ] && grep -q '^cluster ' <<<"$wanted"; then
    up || no_node=$why
  else
    no_node=${no_node:-not wanted}
  fi
  if [ -n "$no_node" ]; then
    up --api || run --nothing "$why"
  fi
fi
run --no-node "$no_node"
