#!/usr/bin/env bash
# A game server updated while it runs: examples/2048/demo.sh [--stay] [--port N]
# Builds okg and game-2048, plays the part of a pod (server + sidecar + three volumes) in a directory of its own, and
# shows an update, a refused update and the way back, a server that is killed in mid-game, a new binary that goes on with
# its boards, and OpenKruiseGame's part played by `okg local`: a match, an update that waits for the game, a deletion.
# --stay leaves it running until Ctrl-C, to play. Set OKG_BUILD_DIR to use a build that is there. Last
# line: "demo: ok", or "demo: failed: why".
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
    -h | --help) sed -n '2,7s/^# //p' "$0"; exit 0 ;;
    *) echo "demo: failed: $1: no such flag: --stay, --port N"; exit 2 ;;
  esac
  shift
done
case $port in
  '' | *[!0-9]*) echo "demo: failed: --port $port: not a number"; exit 2 ;;
esac

work=
hot=
server=
sidecar=
watch=

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
  [ -n "$watch" ] && stop "$watch"
  [ -n "$sidecar" ] && stop "$sidecar"
  [ -n "$server" ] && stop "$server"
  [ -n "$work" ] && rm -rf "$work"
  [ -n "$hot" ] && rm -rf "$hot"
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
      (cd "$root" && cmake --build --preset release --target okg_program game-2048 game-2048-next)
    else
      (cd "$root" && cmake --build --preset release --target okg_program game-2048 game-2048-next) >"$work/build.log" 2>&1
    fi
  }
  build_both || fail "the build: see above"
fi
okg=$build/okg
for program in okg game-2048 game-2048-next; do
  [ -x "$build/$program" ] || fail "$build/$program: not there: build first, or unset OKG_BUILD_DIR"
done

# ---- The pod: three volumes, and nothing of the surroundings

unset OKG_NAME OKG_HOT_DIR OKG_PODINFO_DIR OKG_CONTROLLER OKG_HTTP OKG_LEGACY_RELOAD OKG_TOKEN_FILE OKG_HOST_NETWORK
unset OKG_TICK_TIMEOUT OKG_PROBATION
export OKG_PAYLOAD_DIR=$work/payload OKG_RUN_DIR=$work/run
mkdir "$OKG_PAYLOAD_DIR" "$OKG_RUN_DIR"
# The third is memory: an emptyDir with `medium: Memory`.
hot=$(mktemp -d /dev/shm/okg-2048.XXXXXX 2>/dev/null) || hot=$work/hot
export OKG_HOT_DIR=$hot

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

# The server container. A container that is started again has its old port and volumes.
run_server() { # run_server PROGRAM
  "$build/$1" --port "$port" --scores "$OKG_RUN_DIR/scores.jsonl" >"$work/server.out" 2>>"$work/server.log" &
  server=$!
}
# One message of a page: a WebSocket frame whose mask is 0, so that the text stays as it is.
say() { # say JSON, of less than 126 bytes
  printf "\\x81\\x$(printf %x $((128 + ${#1})))\\0\\0\\0\\0%s" "$1" >&3
}
# A page without a browser: the board after the last move, as the server tells it.
page() ( # page SESSION [MOVE...]; a subshell: it closes the connection
  LC_ALL=C
  exec 3<>"/dev/tcp/127.0.0.1/$tcp_port" || exit 1
  printf '%s\r\n' 'GET /ws HTTP/1.1' "Host: 127.0.0.1:$tcp_port" 'Connection: Upgrade' 'Upgrade: websocket' \
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' 'Sec-WebSocket-Version: 13' '' >&3
  read -r -t $patience part <&3
  case $part in
    *' 101 '*) ;;
    *) exit 1 ;; # 503: no payload yet
  esac
  until [ "$part" = $'\r' ]; do read -r -t $patience part <&3 || exit 1; done
  say "{\"type\":\"hello\",\"session\":\"$1\"}"
  for move in "${@:2}"; do say "{\"type\":\"move\",\"direction\":\"$move\"}"; done
  text=
  answers=0
  while IFS= read -r -d '}' -t $patience part <&3; do
    text+=$part}
    case $part in
      *'"type":"board"') # the last of its members
        answers=$((answers + 1))
        [ $answers -eq $# ] && printf '%s\n' "{\"best\"${text##*\{\"best\"}" && exit 0
        text= ;;
    esac
  done
  exit 1
)
first_frame() { # first_frame SESSION: sets frame
  local end=$((SECONDS + patience))
  until frame=$(page "$1" 2>/dev/null); do
    kill -0 "$server" 2>/dev/null || { server=; fail "$(tail -n 1 "$work/server.log")"; }
    [ $SECONDS -lt $end ] || fail "no board after ${patience} s"
    sleep 0.005
  done
}
# SIGKILL, the next process, and a page that comes back.
kill_and_run() { # kill_and_run PROGRAM SESSION: sets frame
  local began=${EPOCHREALTIME/[.,]/}
  kill -KILL "$server"
  { wait "$server"; } 2>/dev/null
  run_server "$1"
  first_frame "$2"
  echo "kill -> first frame: $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms"
  grep 'hot state:' "$work/server.log" | tail -n 1
}

# ---- What is shown

step "A game server starts, and its sidecar brings version 1"
run_server game-2048
end=$((SECONDS + patience))
until grep -q '^listening on http' "$work/server.out"; do
  kill -0 "$server" 2>/dev/null || { server=; fail "$(tail -n 1 "$work/server.log")"; }
  [ $SECONDS -lt $end ] || fail "game-2048 does not listen after ${patience} s"
  sleep 0.02
done
url=$(sed -n 's/^listening on //p' "$work/server.out")
tcp_port=${url##*:}
port=$tcp_port
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

step "The server is killed with SIGKILL in mid-game, and started again: the same board"
session=demo-$$-0123456789
moves=(left down right down left down up left down right down left down right down left)
page "$session" "${moves[@]}" >/dev/null || fail "no answer to moves"
board=$(page "$session") || fail "no board"
echo "$board"
kill_and_run game-2048 "$session"
[ "$frame" = "$board" ] || fail "after the kill the board is $frame"
page "$session" "${moves[@]}" >/dev/null || fail "no answer to moves"

step "A new binary comes, whose record of a board is another one: still the same board, with its new field"
board=$(page "$session") || fail "no board"
echo "$board"
kill_and_run game-2048-next "$session"
echo "$frame"
moved=$(sed -n 's/.*"moves":\([0-9]*\),.*/\1/p' <<<"$frame")
[ "${frame/\"moves\":$moved,/}" = "$board" ] || fail "the new binary has another board"
case $board in
  *"\"turns\":$moved,"*) ;;
  *) fail "the new field, moves, was not made of the old record: $moved" ;;
esac
best=$(sed -n 's/.*"best":\([0-9]*\),.*/\1/p' <<<"$board")
end=$((SECONDS + patience))
until grep -q "\"news\":\"best\".*\"score\":$best," "$OKG_RUN_DIR/scores.jsonl"; do
  [ $SECONDS -lt $end ] || fail "the outbox did not send the best score, $best"
  sleep 0.05
done
twice=$(sed 's/.*"sequence":\([0-9]*\),.*/\1/' "$OKG_RUN_DIR/scores.jsonl" | sort | uniq -d)
[ -z "$twice" ] || fail "the outbox sent these twice: $twice"
echo "the outbox: $(wc -l <"$OKG_RUN_DIR/scores.jsonl") best scores sent on, the last is $best, none was lost or sent twice"
until_ready 2

step "OpenKruiseGame, without a cluster: okg local run is its kubelet, and okg status --watch looks on"
stop "$server"
# With a port that is fixed, as a container has it.
"$okg" local run -- "$build/game-2048-next" --port "$port" --scores "$OKG_RUN_DIR/scores.jsonl" \
  >"$work/server.out" 2>>"$work/server.log" &
server=$!
until_ready 2
"$okg" status --watch >"$work/watch.log" 2>&1 &
watch=$!
# The page that was there made it Allocated; its match is over.
"$okg" local set ops-state None || fail "okg local set"
"$okg" local allocate --match "demo-$$" || fail "okg local allocate"
if why=$("$okg" local allocate 2>&1); then fail "the server was allocated twice"; fi
echo "again: ${why#okg: }"
page "$session" "${moves[@]}" >/dev/null || fail "no answer to moves"
board=$(page "$session") || fail "no board"

step "An in-place update of the game's container: notice, flush, allowance, restart, and armed again"
"$okg" local update --image game-2048:next --grace 500ms || fail "okg local update"
first_frame "$session"
[ "$frame" = "$board" ] || fail "after the update the board is $frame"
echo "$frame"
until_ready 2
start=$("$okg" status | sed -n 's/^start *//p')
echo "why it was started: $start"
case $start in
  'in-place update, '*' to game-2048:next, '*'; same pod, IP, network') ;;
  *) fail "it does not know that it was updated in place" ;;
esac
end=$((SECONDS + patience))
until [ "$(grep -c 'opsState Allocated' "$work/watch.log")" -ge 2 ]; do
  [ $SECONDS -lt $end ] || fail "okg status --watch has not seen the server again: $(cat "$work/watch.log")"
  sleep 0.05
done
echo "what okg status --watch saw:"
sed 's/^/  /' "$work/watch.log"
stop "$watch"
watch=

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

step "The GameServer is deleted: opsState Kill, and the game ends by itself"
"$okg" local kill || fail "okg local kill"
wait "$server"
code=$?
server=
[ $code -eq 0 ] || fail "game-2048 ended with $code"
[ ! -e "$OKG_RUN_DIR/gameserver.json" ] || fail "the GameServer is still there"
sed -n 's/.*duty: /game-2048: /p' "$work/server.log" | tail -n 6
echo "demo: ok"
