#!/usr/bin/env bash
# Runs a program with a run directory and a payload volume of its own as its last two arguments: with_volume.sh PROGRAM…
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/run" "$work/run2" "$work/payload"
python3 -B "$here/make_volume.py" "$work/payload" 1 "scripts/main.lua=print(1)" >/dev/null
env -i PATH="$PATH" ASAN_OPTIONS="${ASAN_OPTIONS-}" "$@" "$work/run" "$work/payload"
