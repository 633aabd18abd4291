// A person at the page: a browser of its own, driven by keys or fingers; sees what the page promises in docs/interface.md 7.
import {chromium} from 'playwright-core';

import {until} from './pod.mjs';

const directions = ['left', 'down', 'right', 'up'];

export class Player {
  static async open(t, url, options = {}) {
    const browser = await chromium.launch({executablePath: process.env.CHROMIUM, args: ['--no-sandbox']});
    t.after(() => browser.close());
    const page = await (await browser.newContext(options)).newPage();
    const player = new Player(page);
    page.on('pageerror', (error) => player.errors.push(String(error)));
    await page.goto(url);
    await player.untilLive();
    return player;
  }

  errors = [];
  constructor(page) {
    this.page = page;
  }

  text(name) {
    return this.page.getByTestId(name).innerText();
  }
  async untilText(name, wanted) {
    await until(`${name} "${wanted}"`, async () => await this.text(name) === wanted);
  }
  async untilLive() {
    await this.untilText('connection', 'live');
    await until('a board with tiles', async () => (await this.board()).some((value) => value !== 0));
  }
  async reconnects() {
    return Number(await this.page.getByTestId('connection').getAttribute('data-reconnects'));
  }
  // 16 numbers, as told by data-value; what is to be read in each cell has to be the same.
  async board() {
    const cells = await this.page.getByTestId('board').evaluate((board) =>
      [...board.children].map((cell) => [cell.dataset.value, cell.innerText.trim()]));
    if (cells.length !== 16) throw new Error(`the board has ${cells.length} children`);
    for (const [value, text] of cells) {
      if (text !== (value === '0' ? '' : value)) throw new Error(`data-value ${value} reads "${text}"`);
    }
    return cells.map(([value]) => Number(value));
  }

  // Boards that come over connections made from now on: the first of them is number 1.
  frames() {
    const frames = [];
    let connections = 0;
    this.page.on('websocket', (socket) => {
      let connection = 0; // of those that got an answer
      socket.on('framereceived', ({payload}) => {
        connection ||= ++connections;
        const said = JSON.parse(payload);
        if (said.type === 'board') frames.push({connection, said, at: performance.now()});
      });
    });
    return frames;
  }

  async press(direction) {
    await this.page.keyboard.press(`Arrow${direction[0].toUpperCase()}${direction.slice(1)}`);
  }
  // Moves that each change the board, `count` of them.
  async playMoves(count) {
    for (let made = 0; made < count; ++made) {
      const before = await this.board();
      const direction = directions.filter((name) => slid(before, name).join() !== before.join())[made % 2] ??
          directions.find((name) => slid(before, name).join() !== before.join());
      await this.press(direction);
      await until(`a move to the ${direction}`, async () => (await this.board()).join() !== before.join());
    }
  }
  // Any moves until nothing can slide: key presses made inside the page, because a game has hundreds.
  async playToTheEnd() {
    for (let round = 0; round < 500 && await this.text('message') === ''; ++round) {
      await this.page.evaluate((codes) => {
        for (let pressed = 0; pressed < 40; ++pressed)
          dispatchEvent(new KeyboardEvent('keydown', {code: codes[pressed % 4], cancelable: true}));
      }, ['ArrowLeft', 'ArrowDown', 'ArrowRight', 'ArrowUp']);
    }
    return this.text('message');
  }

  // One finger over the middle of the board, with the touch events that a screen would send.
  async swipe(direction) {
    const box = await this.page.getByTestId('board').boundingBox();
    const [dx, dy] = {left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1]}[direction];
    const x = box.x + box.width / 2;
    const y = box.y + box.height / 2;
    this.devtools ??= await this.page.context().newCDPSession(this.page);
    const touch = (type, touchPoints) => this.devtools.send('Input.dispatchTouchEvent', {type, touchPoints});
    await touch('touchStart', [{x, y}]);
    for (const way of [20, 50, 90]) await touch('touchMove', [{x: x + dx * way, y: y + dy * way}]);
    await touch('touchEnd', []);
  }
}

// The rules once more, by another hand: the board after a move, without the new tile.
export function slid(cells, direction) {
  const after = Array(16).fill(0);
  for (let line = 0; line < 4; ++line) {
    const places = [0, 1, 2, 3].map((step) => ({
      left: line * 4 + step, right: line * 4 + 3 - step, up: step * 4 + line, down: (3 - step) * 4 + line,
    })[direction]);
    const values = places.map((place) => cells[place]).filter((value) => value !== 0);
    for (let at = 0; at + 1 < values.length; ++at) {
      if (values[at] === values[at + 1]) values.splice(at, 2, values[at] * 2);
    }
    values.forEach((value, at) => after[places[at]] = value);
  }
  return after;
}
