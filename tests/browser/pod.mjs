// What a pod is to these tests: game-2048 and a publisher, three directories as volumes, all of it gone at the end.
import {spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const build = resolve(root, process.env.OKG_BUILD_DIR ?? 'build/release');
const payloads = join(root, 'examples/2048/payload');
const patienceMs = 60_000;

// Waits until `look` gives something true, and gives that; what it throws counts as no.
export async function until(what, look) {
  const end = Date.now() + patienceMs;
  let last;
  for (;;) {
    try {
      const seen = await look();
      if (seen) return seen;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`waited in vain for: ${what}`, {cause: last});
    await new Promise((done) => setTimeout(done, 20));
  }
}

export class Pod {
  #directory = mkdtempSync(join(tmpdir(), 'okg-browser-'));
  #hot = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'okg-browser-')); // is memory
  #environment;
  #server = null;
  #sidecar = null;
  #log = '';
  #images = 0;

  constructor(t) {
    this.#environment = {PATH: process.env.PATH, OKG_HOT_DIR: this.#hot};
    for (const volume of ['payload', 'run']) {
      mkdirSync(join(this.#directory, volume));
      this.#environment[`OKG_${volume.toUpperCase()}_DIR`] = join(this.#directory, volume);
    }
    t.after(async () => {
      await this.#end(this.#sidecar, 'SIGTERM');
      await this.#end(this.#server, 'SIGTERM');
      for (const directory of [this.#directory, this.#hot]) rmSync(directory, {recursive: true, force: true});
      console.log(this.#log); // what to look at when the case failed
    });
  }

  // Starts game-2048, on the port it had before, or the one that comes after it.
  async start(program = 'game-2048') {
    const port = this.url === undefined ? '0' : new URL(this.url).port;
    this.#server = this.#spawn(program, ['--port', port]);
    let output = '';
    this.#server.stdout.on('data', (data) => output += data);
    this.url = (await until(`${program} listens`, () => {
      if (this.#server.exitCode !== null) throw new Error(`${program} ended: ${this.#log}`);
      return /^listening on (http:\/\/127\.0\.0\.1:\d+)\n/.exec(output);
    }))[1];
  }
  async kill() {
    await this.#end(this.#server, 'SIGKILL');
  }

  // What a sidecar image holds: the files of payload `from`, changed by `files` {path: content}.
  image(from, version, files = {}) {
    const directory = join(this.#directory, `image-${++this.#images}`);
    cpSync(join(payloads, from, 'files'), join(directory, 'files'), {recursive: true});
    for (const [path, content] of Object.entries(files)) writeFileSync(join(directory, 'files', path), content);
    const packed = spawnSync(join(build, 'okg'), ['pack', directory, '--version', version], {encoding: 'utf8'});
    if (packed.status !== 0) throw new Error(`okg pack: ${packed.error ?? packed.stderr}`);
    return directory;
  }

  // An in-place update: the old sidecar ends, the new one starts.
  async replaceSidecar(image) {
    await this.#end(this.#sidecar, 'SIGTERM');
    this.#sidecar = this.#spawn('okg', ['publish', '--from', image]);
  }

  // The sidecar's readiness probe.
  ready(image) {
    const probe = spawnSync(join(build, 'okg'), ['ready', '--from', image],
        {env: this.#environment, encoding: 'utf8'});
    return {code: probe.status, line: probe.stdout.trim()};
  }
  async untilReady(image) {
    await until('okg ready', () => this.ready(image).code === 0);
  }
  status() {
    const asked = spawnSync(join(build, 'okg'), ['status', '--json'], {env: this.#environment, encoding: 'utf8'});
    return asked.status === 0 ? JSON.parse(asked.stdout) : null;
  }

  #spawn(program, args) {
    const child = spawn(join(build, program), args, {env: this.#environment, stdio: ['ignore', 'pipe', 'pipe']});
    child.on('error', (error) => this.#log += `${program}: ${error}\n`);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => this.#log += data);
    return child;
  }
  async #end(child, signal) {
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(late);
  }
}
