#!/bin/sh
# The container's command: an nginx image as it is. okg and nginx.sh come with the payload.
set -eu
okg=${OKG_PAYLOAD_DIR:=/okg/payload}/bin/okg
until [ -x "$okg" ]; do sleep 0.1; done
exec "$okg" run \
  --prepare 'sh "$OKG_RELOAD_DIR/nginx.sh" test' \
  --on-reload 'sh "$OKG_RELOAD_DIR/nginx.sh" reload' \
  --confirm "http:http://127.0.0.1:${PORT:-8080}/version={digest}" \
  -- sh -c 'exec sh "$OKG_RELOAD_DIR/nginx.sh" start'
