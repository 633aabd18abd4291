#!/bin/sh
# nginx with the configuration of a payload: nginx.sh test|start|reload, as okg run calls it.
# nginx.conf is filled in, so that each generation of workers serves the files of its own version until it ends.
set -eu
conf=$OKG_RUN_DIR/nginx.conf
fill() { # fill FILE
  sed -e "s|@FILES@|$OKG_RELOAD_DIR|g" -e "s|@VERSIONS@|$OKG_PAYLOAD_DIR/v|g" -e "s|@RUN@|$OKG_RUN_DIR|g" \
    -e "s|@DIGEST@|${OKG_RELOAD_DIGEST#sha256:}|g" -e "s|@PORT@|${PORT:-8080}|g" "$OKG_RELOAD_DIR/nginx.conf" >"$1"
}
case $1 in
  test)
    fill "$conf.candidate"
    nginx -t -q -e stderr -c "$conf.candidate"
    ;;
  start)
    fill "$conf"
    exec nginx -e stderr -c "$conf"
    ;;
  reload)
    fill "$conf.new"
    mv "$conf.new" "$conf" # in one step: nginx never reads half of it
    master=$(cat "$OKG_RUN_DIR/nginx.pid")
    workers=$(cat "/proc/$master/task/$master/children")
    nginx -e stderr -c "$conf" -s reload
    # From here on no worker of before takes a connection: each has ended, or says that it is shutting down.
    for worker in $workers; do
      while grep -q 'worker process$' "/proc/$worker/cmdline" 2>/dev/null; do sleep 0.01; done
    done
    ;;
esac
