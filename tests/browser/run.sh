#!/bin/sh
# tests/browser/run.sh [CASE]: one case of cases.mjs, or all. "SKIP: why" where it cannot run.
here=$(cd "$(dirname "$0")" && pwd)
skip() { echo "SKIP: $1"; exit 0; }

command -v node >/dev/null 2>&1 || skip "node is not installed (cmake/setup.sh test)"
[ "$(node -p 'parseInt(process.versions.node)')" -ge 18 ] || skip "node is older than 18: $(node --version)"
[ -d "$here/node_modules/playwright-core" ] || skip "playwright-core is not installed (npm ci in tests/browser)"
CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
[ -x "$CHROMIUM" ] || skip "no Chromium at $CHROMIUM (cmake/setup.sh test, or set CHROMIUM)"
export CHROMIUM
exec node "$here/run.mjs" "$@"
