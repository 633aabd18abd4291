// A game server in Node that knows nothing of okg: its rules are a module in the payload, and GET /reload loads them anew.
//   okg run --prepare 'node --check "$OKG_RELOAD_DIR/rules.js"' \
//     --on-reload 'node -e "fetch(\"http://127.0.0.1:$PORT/reload\").then(r => process.exit(r.ok ? 0 : 1))"' \
//     --confirm "http:http://127.0.0.1:$PORT/version={digest}" -- node node_server.js
const fs = require('fs');
const http = require('http');
const path = require('path');

function load() {
  const directory = fs.realpathSync(process.env.OKG_ACTIVE_DIR); // one version, though the link may move meanwhile
  return { rules: require(path.join(directory, 'rules.js')), version: path.basename(path.dirname(directory)) };
}

let now = load();
let reloads = 0;
http.createServer((request, response) => {
  const answer = (status, text) => response.writeHead(status).end(text);
  if (request.url === '/version') return answer(200, `sha256:${now.version.slice(0, 64)} ${reloads}\n`);
  if (request.url !== '/reload') return answer(200, now.rules.greet('player'));
  try {
    now = load();
    reloads++;
    answer(200, '');
  } catch (error) {
    answer(500, error.message); // the rules before stay in use
  }
}).listen(process.env.PORT, '127.0.0.1');
