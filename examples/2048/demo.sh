#!/usr/bin/env bash
# A game server updated while it runs: examples/2048/demo.sh [--stay] [--port N]
# Builds okg and game-2048, plays the part of a pod (server + sidecar + two volumes) in a directory of its own, and
# shows an update, a refused update and the way back. --stay leaves it running until Ctrl-C, to play. Set
# OKG_BUILD_DIR to use a build that is there. Last line: "demo: ok", or "demo: failed: why".
set -u -o pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
patience=60 # seconds for anything that should take milliseconds, on a busy machine

stay=
port=0
while [ $# -gt 0 ]; do
  case $1 in
    --stay) stay=1 ;;
    --port) [ $# -gt 1 ] || { echo "demo: failed: --port wants a number"; exit 2; }; port=$2; shift ;;
    --port=*) port=${1#*=} ;;
    -h | --help) sed -n '2,5s/^# //p' "$0"; exit 0 ;;
    *) echo "demo: failed: $1: no such flag: --stay, --port N"; exit 2 ;;
  esac
  shift
done
case $port in
  '' | *[!0-9]*) echo "demo: failed: --port $port: not a number"; exit 2 ;;
esac

work=
server=
sidecar=

stop() { # stop PID: SIGTERM and its exit code, SIGKILL for what does not listen
  local i
  kill -TERM "$1" 2>/dev/null
  for ((i = 0; i < 200; i++)); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.05
  done
  [ $i -lt 200 ] || kill -KILL "$1" 2>/dev/null
  wait "$1" 2>/dev/null
}

clean() {
  trap '' INT TERM HUP
  [ -n "$sidecar" ] && stop "$sidecar"
  [ -n "$server" ] && stop "$server"
  [ -n "$work" ] && rm -rf "$work"
}
trap clean EXIT
trap 'echo "demo: failed: interrupted"; exit 1' INT TERM HUP

fail() {
  if [ -n "$work" ]; then
    for log in "$work"/*.log; do
      [ -s "$log" ] && { echo "--- ${log##*/}"; tail -n 30 "$log"; } >&2
    done
  fi
  echo "demo: failed: $1"
  exit 1
}
step() { printf '\n== %s\n' "$1"; }
milliseconds() { printf '%d.%03d ms' $(($1 / 1000)) $(($1 % 1000)); }

work=$(mktemp -d "${TMPDIR:-/tmp}/okg-2048.XXXXXX") || fail "mktemp: no room for a directory"

# ---- Build

if [ -n "${OKG_BUILD_DIR:-}" ]; then
  build=$OKG_BUILD_DIR
else
  build=$root/build/release
  step "Building okg and game-2048 (the first time takes some minutes)"
  "$root/cmake/setup.sh" build || fail "cmake/setup.sh: see above"
  build_both() {
    (cd "$root" && cmake --preset release) >"$work/configure.log" 2>&1 || return 1
    if [ -t 1 ]; then
      (cd "$root" && cmake --build --preset release --target okg_program game-2048)
    else
      (cd "$root" && cmake --build --preset release --target okg_program game-2048) >"$work/build.log" 2>&1
    fi
  }
  build_both || fail "the build: see above"
fi
okg=$build/okg
[ -x "$okg" ] || fail "$okg: not there: build first, or unset OKG_BUILD_DIR"
[ -x "$build/game-2048" ] || fail "$build/game-2048: not there: build first, or unset OKG_BUILD_DIR"

# ---- The pod: two volumes, and nothing of the surroundings

unset OKG_NAME OKG_HOT_DIR OKG_PODINFO_DIR OKG_CONTROLLER OKG_HTTP OKG_LEGACY_RELOAD OKG_TOKEN_FILE OKG_HOST_NETWORK
unset OKG_TICK_TIMEOUT OKG_PROBATION
export OKG_PAYLOAD_DIR=$work/payload OKG_RUN_DIR=$work/run
mkdir "$OKG_PAYLOAD_DIR" "$OKG_RUN_DIR"

# The sidecar images: what the Dockerfile does with COPY and RUN okg pack.
image() { # image VERSION FILES
  mkdir "$work/image-$1" && cp -R "$2" "$work/image-$1/files" &&
    "$okg" pack "$work/image-$1" --version "$1" >"$work/digest-$1" 2>"$work/pack.log" || fail "okg pack of version $1"
}
image 1 "$here/payload/v1/files"
image 2 "$here/payload/v2/files"
cp -R "$here/payload/v2/files" "$work/broken"
echo '{ "game_over": oops' >"$work/broken/texts/en.json"
image 3 "$work/broken"

status() { "$okg" status --json 2>/dev/null | tr -d '\n'; }
field() { status | sed -n "s/.*\"$1\":{[^}]*\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p"; } # field OBJECT NAME

# The sidecar container is replaced: SIGTERM for the old one, then the new image starts.
run_sidecar() { # run_sidecar VERSION
  if [ -n "$sidecar" ]; then
    stop "$sidecar" || fail "the sidecar did not end well on SIGTERM"
  fi
  "$okg" publish --from "$work/image-$1" >>"$work/sidecar.log" 2>&1 &
  sidecar=$!
}
# Its readiness probe, as a kubelet would ask.
until_ready() { # until_ready VERSION
  local end=$((SECONDS + patience))
  until why=$("$okg" ready --from "$work/image-$1" 2>/dev/null); do
    kill -0 "$server" 2>/dev/null || fail "game-2048 ended"
    [ $SECONDS -lt $end ] || fail "version $1 is not in use after ${patience} s: $why"
    sleep 0.05
  done
}
# GET without a program that may not be there.
get() { # get PATH
  exec 3<>"/dev/tcp/127.0.0.1/$tcp_port" || return 1
  printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$1" "$tcp_port" >&3
  cat <&3
  exec 3>&- 3<&-
}
serves() { # serves VERSION TEXT
  local end=$((SECONDS + patience)) answer
  while :; do
    answer=$(get /texts/en.json 2>/dev/null | tr -d '\r')
    case $answer in
      *"X-Payload-Version: $1"$'\n'*"\"game_over\": \"$2\""*) break ;;
    esac
    [ $SECONDS -lt $end ] || fail "GET /texts/en.json does not give version $1 with \"$2\""
    sleep 0.05
  done
  echo "GET /texts/en.json: version $1, game_over is \"$2\""
}

# ---- What is shown

step "A game server starts, and its sidecar brings version 1"
"$build/game-2048" --port "$port" >"$work/server.out" 2>"$work/server.log" &
server=$!
end=$((SECONDS + patience))
until grep -q '^listening on http' "$work/server.out"; do
  kill -0 "$server" 2>/dev/null || { server=; fail "$(tail -n 1 "$work/server.log")"; }
  [ $SECONDS -lt $end ] || fail "game-2048 does not listen after ${patience} s"
  sleep 0.02
done
url=$(sed -n 's/^listening on //p' "$work/server.out")
tcp_port=${url##*:}
run_sidecar 1
until_ready 1
echo "play at $url"
serves 1 'Game over!'
"$okg" status || fail "okg status"

step "Version 2 comes as an in-place update would bring it: the sidecar is replaced, the server goes on"
instance=$(status | sed -n 's/.*"instance":"\([^"]*\)".*/\1/p')
run_sidecar 2
until_ready 2
detected=$(field last detect_us)
total=$(field last total_us)
serves 2 '*_* Game over!'
"$okg" status || fail "okg status"
case $detected$total in
  '' | *[!0-9]*) fail "status does not say how long it took: $(status)" ;;
esac
echo "published -> detected:  $(milliseconds "$detected")"
echo "published -> committed: $(milliseconds "$total")"

step "Version 3 is broken: its texts/en.json is no JSON"
run_sidecar 3
end=$((SECONDS + patience))
until [ "$(field last result)" = failed ] && [ "$(field last digest)" = "$(cat "$work/digest-3")" ]; do
  [ $SECONDS -lt $end ] || fail "the broken version 3 is not refused after ${patience} s"
  sleep 0.05
done
if why=$("$okg" ready --from "$work/image-3" 2>/dev/null); then
  fail "okg ready says that the broken version 3 is in use"
fi
echo "okg ready, the sidecar's probe: $why"
case $why in
  *texts/en.json*) ;;
  *) fail "the reason does not name texts/en.json: $why" ;;
esac
[ "$(field active version)" = 2 ] || fail "version 2 is no longer in use"
serves 2 '*_* Game over!'

step "Back to version 2: ready at once, nothing is loaded again"
loaded=$(field reloads ok)
run_sidecar 2
until_ready 2
[ "$(field reloads ok)" = "$loaded" ] || fail "version 2 was loaded again"
[ "$(status | sed -n 's/.*"instance":"\([^"]*\)".*/\1/p')" = "$instance" ] || fail "the server was restarted"
echo "ready: version $(field active version), the same server as at the start, $loaded payloads taken into use"

if [ -n "$stay" ]; then
  step "Staying until Ctrl-C: play at $url"
  echo "To change versions under an open page, in another terminal:"
  for version in 1 2 3; do
    echo "  OKG_PAYLOAD_DIR=$OKG_PAYLOAD_DIR OKG_RUN_DIR=$OKG_RUN_DIR $okg publish --from $work/image-$version --once --wait 30s"
  done
  echo "demo: ok"
  trap 'exit 0' INT TERM HUP
  wait -n "$server" "$sidecar"
  fail "server or sidecar ended"
fi

stop "$sidecar"
code=$?
sidecar=
[ $code -eq 0 ] || fail "the sidecar ended with $code on SIGTERM"
stop "$server"
code=$?
server=
[ $code -eq 0 ] || fail "game-2048 ended with $code on SIGTERM"
echo "demo: ok"
