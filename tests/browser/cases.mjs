// The demo as its players see it. Every case has a pod and a browser of its own.
import assert from 'node:assert/strict';
import {connect} from 'node:net';

import {Player, slid} from './player.mjs';
import {Pod, until} from './pod.mjs';

async function podWith(t, version) {
  const pod = new Pod(t);
  await pod.start();
  const image = pod.image(`v${version}`, version);
  await pod.replaceSidecar(image);
  await pod.untilReady(image);
  return pod;
}

// Everything that an update must leave alone.
async function snapshot(player) {
  return {
    board: await player.board(),
    score: await player.text('score'),
    connection: await player.text('connection'),
    reconnects: await player.reconnects(),
    // Gone with a reload of the page.
    mark: await player.page.evaluate(() => globalThis.mark ??= Math.random()),
  };
}

async function countInPage(player, text) {
  return (await player.page.locator('body').innerText()).split(text).length - 1;
}

// What came of a move is the slide and one new tile.
function assertMoved(before, after, direction) {
  const expected = slid(before, direction);
  const others = after.map((value, cell) => [value, expected[cell]]).filter(([a, b]) => a !== b);
  assert.equal(others.length, 1, `${direction}: ${before} became ${after}`);
  assert.equal(others[0][1], 0);
  assert.ok(others[0][0] === 2 || others[0][0] === 4);
}

export const cases = {
  async 'update-in-mid-game'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    await player.untilText('version', '1');
    await player.playMoves(12);
    const before = await snapshot(player);
    assert.equal(before.connection, 'live');
    assert.equal(before.reconnects, 0);

    await pod.replaceSidecar(pod.image('v2', '2'));
    await player.untilText('version', '2');
    assert.deepEqual(await snapshot(player), before);

    await player.playMoves(3);
    assert.notDeepEqual(await player.board(), before.board);
    assert.deepEqual(player.errors, []);
  },

  async 'new-message-at-the-end-of-a-running-game'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    await player.playMoves(5);
    await pod.replaceSidecar(pod.image('v2', '2'));
    await player.untilText('version', '2');
    assert.equal(await player.text('message'), '');
    assert.equal(await player.playToTheEnd(), '*_* Game over!');
    assert.equal(await countInPage(player, 'Game over!'), 1);
    assert.equal(await player.reconnects(), 0);

    // It stays until the player asks for a new game.
    const ended = await snapshot(player);
    for (const direction of ['up', 'right', 'down', 'left']) await player.press(direction);
    await player.page.reload();
    await player.untilText('message', '*_* Game over!');
    assert.deepEqual(await player.board(), ended.board);
    await player.page.getByRole('button', {name: 'New game'}).click();
    await player.untilText('message', '');
    assert.equal((await player.board()).filter((value) => value !== 0).length, 2);
    assert.equal(await player.text('score'), '0');
  },

  async 'open-message-changes'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    assert.equal(await countInPage(player, 'Game over!'), 0);
    assert.equal(await player.playToTheEnd(), 'Game over!');
    assert.equal(await countInPage(player, 'Game over!'), 1);
    const before = await snapshot(player);

    await pod.replaceSidecar(pod.image('v2', '2'));
    await player.untilText('message', '*_* Game over!');
    assert.equal(await player.text('version'), '2');
    assert.equal(await countInPage(player, 'Game over!'), 1);
    assert.deepEqual(await snapshot(player), before);
  },

  async 'broken-payload-changes-nothing'(t) {
    const pod = await podWith(t, '2');
    const player = await Player.open(t, pod.url);
    await player.playMoves(8);
    const before = await snapshot(player);

    for (const [version, text, reason] of [
      ['3', '{ "game_over": oops', /texts\/en\.json: not JSON/],
      ['4', '{"game_over": "only half"}', /texts\/en\.json: "win" is missing/],
    ]) {
      const broken = pod.image('v2', version, {'texts/en.json': text});
      await pod.replaceSidecar(broken);
      await until('the refusal', () => pod.status()?.last?.version === version && pod.status().last.result === 'failed');
      const probe = pod.ready(broken);
      assert.equal(probe.code, 1);
      assert.match(probe.line, reason);
      assert.equal(pod.status().active.version, '2');
      assert.equal(await player.text('version'), '2');
      assert.deepEqual(await snapshot(player), before);
    }

    // And the way forward is open.
    await pod.replaceSidecar(pod.image('v1', '5'));
    await player.untilText('version', '5');
    assert.deepEqual(await snapshot(player), before);
  },

  async 'same-files-under-a-new-version'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    const before = await snapshot(player);
    await pod.replaceSidecar(pod.image('v1', '1.0.1-label.only'));
    await player.untilText('version', '1.0.1-label.only');
    assert.deepEqual(await snapshot(player), before);
  },

  async 'new-style-in-an-open-page'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    await player.playMoves(4);
    const before = await snapshot(player);
    const colour = () => player.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.notEqual(await colour(), 'rgb(1, 2, 3)');
    await pod.replaceSidecar(pod.image('v1', '2', {'client/style.css': 'body { background: rgb(1, 2, 3); }'}));
    await until('the new style', async () => await colour() === 'rgb(1, 2, 3)');
    assert.deepEqual(await snapshot(player), before);
  },

  async 'server-killed-and-started-again'(t) {
    const pod = await podWith(t, '1');
    const second = pod.image('v2', '2');
    await pod.replaceSidecar(second);
    await pod.untilReady(second);
    const player = await Player.open(t, pod.url);
    await player.untilText('version', '2');

    await pod.kill();
    await until('a page that says so', async () => !/live/.test(await player.text('connection')));
    await pod.start();
    await pod.untilReady(second);
    await player.untilText('connection', 'live');
    assert.equal(await player.reconnects(), 1);
    await player.untilText('version', '2');
    await player.playMoves(2);
  },

  async 'killed-in-mid-game-the-same-board-goes-on'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    const frames = player.frames();
    // The second time with a binary whose records have another layout; it counts moves.
    for (const [times, program] of [[1, 'game-2048'], [2, 'game-2048-next']]) {
      await player.playMoves(10);
      const before = await snapshot(player);
      const best = await player.text('best');

      const began = performance.now();
      await pod.kill();
      await pod.start(program);
      const first = await until('a board from the new process', () => frames.find((frame) => frame.connection === times));
      console.log(`kill -> first frame: ${Math.round(first.at - began)} ms (${program})`);
      assert.deepEqual(first.said.cells, before.board);
      assert.equal(first.said.moves, program === 'game-2048' ? undefined : first.said.turns);

      await player.untilText('connection', 'live');
      assert.deepEqual(await snapshot(player), {...before, reconnects: times});
      assert.equal(await player.text('best'), best);
    }
    await player.playMoves(3);
    assert.equal(frames.at(-1).said.moves, 23);
    const board = await player.board();
    await player.page.reload();
    await player.untilLive();
    assert.deepEqual(await player.board(), board);
    assert.deepEqual(player.errors, []);
  },

  // Nobody gets to 2048 in a test: here the page hears of it from a server's stand-in.
  async 'a-win-is-told-and-play-goes-on'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    const said = [];
    let socket;
    await player.page.routeWebSocket(/\/ws$/, (route) => {
      socket = route;
      route.onMessage((message) => said.push(JSON.parse(message)));
    });
    await player.page.reload();
    await until('hello', () => said[0]?.type === 'hello');
    const board = {type: 'board', cells: [2048, ...Array(15).fill(0)], score: 20000, best: 20000, turns: 900, slides: []};
    socket.send(JSON.stringify({type: 'payload', version: '1', client: '', texts: {game_over: 'no', win: 'You win!'}}));
    socket.send(JSON.stringify({...board, phase: 'won'}));
    await player.untilText('message', 'You win!');
    await player.page.getByRole('button', {name: 'Keep going'}).click();
    await until('keep', () => said[1]?.type === 'keep');
    socket.send(JSON.stringify({...board, phase: 'playing'}));
    await player.untilText('message', '');
    assert.equal(await player.page.getByRole('button', {name: 'Keep going'}).count(), 0);
    assert.equal((await player.board())[0], 2048);
  },

  async 'page-reload-keeps-the-board'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    await player.playMoves(10);
    const board = await player.board();
    const score = await player.text('score');
    const other = await Player.open(t, pod.url); // has a board of its own
    await other.playMoves(4);
    await player.page.reload();
    await player.untilLive();
    assert.deepEqual(await player.board(), board);
    assert.equal(await player.text('score'), score);
  },

  async 'keys-follow-the-rules'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    for (const direction of ['left', 'up', 'right', 'down', 'left', 'down', 'right', 'up']) {
      const before = await player.board();
      await player.press(direction);
      if (slid(before, direction).join() === before.join()) continue;
      await until('the move', async () => (await player.board()).join() !== before.join());
      assertMoved(before, await player.board(), direction);
    }
  },

  async 'swipes-follow-the-rules'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url,
        {viewport: {width: 390, height: 780}, hasTouch: true, isMobile: true});
    const scroll = () => player.page.evaluate(() => scrollY);
    for (const direction of ['left', 'up', 'right', 'down', 'left', 'down', 'right', 'up']) {
      const before = await player.board();
      await player.swipe(direction);
      if (slid(before, direction).join() === before.join()) continue;
      await until('the move', async () => (await player.board()).join() !== before.join());
      assertMoved(before, await player.board(), direction);
      assert.equal(await scroll(), 0);
    }
  },

  async 'page-comes-with-the-first-payload'(t) {
    const pod = new Pod(t);
    await pod.start();
    const early = await fetch(pod.url);
    assert.equal(early.status, 503);
    assert.match(await early.text(), /waiting for the first payload/);

    const image = pod.image('v1', '1');
    await pod.replaceSidecar(image);
    await pod.untilReady(image);
    const page = await until('the page', async () => {
      const answer = await fetch(pod.url);
      return answer.status === 200 && answer;
    });
    assert.match(page.headers.get('content-type'), /^text\/html/);
    assert.equal(page.headers.get('cache-control'), 'no-cache');
    const again = await fetch(pod.url, {headers: {'If-None-Match': page.headers.get('etag')}});
    assert.equal(again.status, 304);
  },

  async 'every-message-of-a-hasty-page-is-answered'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    const messages = 3000; // far more than the server takes from one page before it has answered
    const answers = await player.page.evaluate((count) => new Promise((done) => {
      const socket = new WebSocket(new URL('ws', location.href.replace('http', 'ws')));
      let boards = 0;
      socket.onopen = () => {
        socket.send(JSON.stringify({type: 'hello', session: 'in-a-hurry-0123456789'}));
        for (let sent = 1; sent < count; ++sent) {
          socket.send(JSON.stringify({type: 'move', direction: ['left', 'down'][sent % 2]}));
        }
      };
      socket.onmessage = ({data}) => {
        if (JSON.parse(data).type === 'board') ++boards;
        if (boards === count) done(boards);
      };
      socket.onclose = () => done(boards);
    }), messages);
    assert.equal(answers, messages);
  },

  async 'hostile-visitors-change-nothing'(t) {
    const pod = await podWith(t, '1');
    const player = await Player.open(t, pod.url);
    await player.playMoves(4);
    const before = await snapshot(player);

    // Each of these connections has to be closed by the server.
    const closed = await player.page.evaluate(async () => {
      const hello = JSON.stringify({type: 'hello', session: 'a-visitor-0123456789'});
      const tries = [['x'], [JSON.stringify({type: 'move', direction: 'left'})], [hello, hello], [hello, '[]'],
        [hello, 'x'.repeat(1025)], ['{"type":"hello","session":"' + 'y'.repeat(2000) + '"}'],
        [new Uint8Array(10)], [hello, JSON.stringify({type: 'move', direction: '__proto__'})]];
      return Promise.all(tries.map((messages) => new Promise((done) => {
        const socket = new WebSocket(new URL('ws', location.href.replace('http', 'ws')));
        socket.onopen = () => messages.forEach((message) => socket.send(message));
        socket.onclose = () => done(true);
        setTimeout(() => done(false), 20_000);
      })));
    });
    assert.deepEqual(closed, closed.map(() => true));

    // No HTTP, and a header without an end.
    const {port} = new URL(pod.url);
    for (const bytes of ['\x16\x03\x01\0\0', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(100_000)}`]) {
      await new Promise((done, failed) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.write(bytes));
        socket.on('close', done).on('error', done).resume();
        setTimeout(() => failed(new Error('still open')), 30_000).unref();
      });
    }
    // The page of another site.
    for (const [origin, wanted] of [[pod.url, '101'], ['http://evil.example', '404']]) {
      const answer = await new Promise((done, failed) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.write([
          'GET /ws HTTP/1.1', `Host: 127.0.0.1:${port}`, `Origin: ${origin}`, 'Connection: Upgrade',
          'Upgrade: websocket', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13',
          '', ''].join('\r\n')));
        socket.once('data', (data) => done(String(data)) ?? socket.destroy()).on('error', failed);
      });
      assert.equal(answer.split(' ')[1], wanted);
    }

    assert.deepEqual(await snapshot(player), before);
    await player.playMoves(2);
  },
};
