"""A game server in Python that knows nothing of okg: its rules are a module in the payload, and SIGHUP loads them anew.
  okg run --prepare 'python3 -m py_compile "$OKG_RELOAD_DIR/rules.py"' --on-reload 'kill -HUP $OKG_SERVER_PID' \\
    --confirm "http:http://127.0.0.1:$PORT/version={digest}" -- python3 python_server.py"""
import http.server, importlib.util, os, pathlib, signal, threading

def load():
    global rules, version, loads
    directory = pathlib.Path(os.environ["OKG_ACTIVE_DIR"]).resolve()  # one version, though the link may move meanwhile
    spec = importlib.util.spec_from_file_location("rules", directory / "rules.py")
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    rules, version, loads = fresh, directory.parent.name[:64], loads + 1

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = f"sha256:{version} {loads - 1}\n" if self.path == "/version" else rules.greet("player")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

loads = 0
load()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})  # for all threads: it waits until it is asked for below
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
while True:
    signal.sigwait({signal.SIGHUP})
    load()
