// The page of game-2048. The server owns board and rules: this shows what it says and sends what the player
// does. Messages: examples/2048/server/game.hpp.

const slideMs = 110;
const popMs = 140;
const swipePixels = 24;

const find = (name) => document.querySelector(`[data-testid="${name}"]`);
const board = find('board');
const score = find('score');
const best = find('best');
const message = find('message');
const version = find('version');
const connection = find('connection');
const frame = document.querySelector('#frame');
const ghosts = document.querySelector('.ghosts');
const banner = document.querySelector('.banner');
const gain = document.querySelector('.gain');
const dot = document.querySelector('.dot');
const toast = document.querySelector('.toast');
const keepButton = document.querySelector('#keep');
const againButton = document.querySelector('#again');
const calm = matchMedia('(prefers-reduced-motion: reduce)');

// ---- Board

// What the server said last.
const shown = {cells: Array(16).fill(0), score: 0, turns: -1, phase: 'playing'};
let texts = {game_over: '', win: ''};

function setTile(tile, value) {
  tile.textContent = value === 0 ? '' : String(value);
  tile.dataset.digits = String(value).length;
}

function setCell(index, value) {
  const cell = board.children[index];
  cell.dataset.value = value;
  setTile(cell.firstElementChild, value);
  cell.setAttribute('aria-label',
      `row ${Math.floor(index / 4) + 1}, column ${index % 4 + 1}: ${value || 'empty'}`);
}

for (let index = 0; index < 16; ++index) {
  const cell = document.createElement('div');
  cell.className = 'cell';
  cell.setAttribute('role', 'img');
  const tile = document.createElement('div');
  tile.className = 'tile';
  cell.append(tile);
  board.append(cell);
  setCell(index, 0);
}

function showMessage() {
  const text = shown.phase === 'over' ? texts.game_over : shown.phase === 'won' ? texts.win : '';
  if (message.textContent !== text) message.textContent = text;
  banner.dataset.phase = shown.phase;
  keepButton.hidden = shown.phase !== 'won';
  againButton.hidden = shown.phase !== 'over';
}

function showBoard(now) {
  const before = shown.cells;
  const gained = now.score - shown.score;
  const follows = now.turns === shown.turns + 1;
  const begins = now.turns === 0 && shown.turns !== 0;
  Object.assign(shown, {cells: now.cells, score: now.score, turns: now.turns, phase: now.phase});
  settle();
  now.cells.forEach((value, index) => {
    if (Number(board.children[index].dataset.value) !== value) setCell(index, value);
  });
  score.textContent = now.score;
  best.textContent = now.best;
  showMessage();
  if (calm.matches || document.hidden) return;
  if (follows) {
    animateTurn(before, now);
    if (gained > 0) animateGain(gained);
  } else if (begins) {
    now.cells.forEach((value, index) => value !== 0 && pop(index, 0, 0));
  }
}

// ---- Animation: the cells above are right at once, this only makes the way there visible.

const running = new Set();

function settle() {
  for (const animation of running) animation.cancel();
  running.clear();
  ghosts.replaceChildren();
}

function play(element, frames, options) {
  const animation = element.animate(frames, options);
  running.add(animation);
  animation.onfinish = () => running.delete(animation);
  return animation;
}

function offset(from, to) {
  const a = board.children[from];
  const b = board.children[to];
  return `translate(${a.offsetLeft - b.offsetLeft}px, ${a.offsetTop - b.offsetTop}px)`;
}

function glide(element, from, to) {
  return play(element, [{transform: offset(from, to)}, {transform: 'none'}],
      {duration: slideMs, easing: 'cubic-bezier(0.3, 0, 0.2, 1)'});
}

function pop(index, scale, delay) {
  play(board.children[index].firstElementChild,
      [{transform: `scale(${scale})`, opacity: 0}, {transform: 'scale(1.09)', opacity: 1, offset: 0.6},
        {transform: 'none'}],
      {duration: popMs, delay, fill: 'backwards', easing: 'ease-out'});
}

// A tile that is about to be merged away; it lies at `to` and comes from `from`.
function ghost(value, from, to) {
  const place = board.children[to];
  const element = document.createElement('div');
  element.className = 'ghost';
  element.dataset.value = value;
  element.style.left = `${place.offsetLeft}px`;
  element.style.top = `${place.offsetTop}px`;
  element.style.width = `${place.offsetWidth}px`;
  element.style.height = `${place.offsetHeight}px`;
  const tile = document.createElement('div');
  tile.className = 'tile';
  setTile(tile, value);
  element.append(tile);
  ghosts.append(element);
  glide(element, from, to).onfinish = () => element.remove();
}

function animateTurn(before, now) {
  const merged = new Set(now.slides.filter((slide) => slide.merged).map((slide) => slide.to));
  for (const {from, to} of now.slides) {
    if (merged.has(to)) ghost(before[from], from, to);
    else glide(board.children[to].firstElementChild, from, to);
  }
  for (const to of merged) {
    // The other half may have been there all along.
    if (now.slides.filter((slide) => slide.to === to).length === 1) ghost(before[to], to, to);
    pop(to, 0.85, slideMs);
  }
  if (now.spawn !== undefined) pop(now.spawn, 0.2, slideMs);
}

function animateGain(gained) {
  gain.textContent = `+${gained}`;
  gain.getAnimations().forEach((animation) => animation.cancel());
  gain.animate([{opacity: 1, transform: 'none'}, {opacity: 0, transform: 'translateY(-28px)'}],
      {duration: 700, easing: 'ease-out'});
}

let toastTimer = 0;
function say(text) {
  toast.textContent = text;
  toast.dataset.shown = '';
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    delete toast.dataset.shown;
    toastTimer = setTimeout(() => toast.replaceChildren(), 300);
  }, 4000);
}

// ---- Payload

let client = null; // tag of the client files in use

// A new stylesheet applies at once; new script and page come with the player's next visit.
function swapStyle(tag) {
  const old = document.querySelector('link[rel="stylesheet"]');
  const next = old.cloneNode();
  next.href = `style.css?${encodeURIComponent(tag)}`;
  next.onload = () => old.remove();
  next.onerror = () => next.remove();
  old.after(next);
}

function showPayload(payload) {
  if (version.textContent !== '' && version.textContent !== payload.version)
    say(`Updated to version ${payload.version}. Your game goes on.`);
  version.textContent = payload.version;
  texts = payload.texts;
  showMessage();
  if (client !== null && client !== payload.client) swapStyle(payload.client);
  client = payload.client;
}

// ---- Connection

// Names this tab's board on the server; survives a reload of the page.
function session() {
  try {
    const kept = sessionStorage.getItem('session');
    if (kept) return kept;
  } catch { /* storage is blocked: the board lasts as long as the page */ }
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const made = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  try {
    sessionStorage.setItem('session', made);
  } catch { /* as above */ }
  return made;
}

const sessionId = session();
let socket = null;
let opened = 0;
let failures = 0;
let retry = 0;

function send(what) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(what));
}

function setOpen(open) {
  connection.textContent = open ? 'live' : opened > 0 ? 'reconnecting…' : 'connecting…';
  dot.toggleAttribute('data-open', open);
  frame.toggleAttribute('data-offline', !open && opened > 0);
}

function connect() {
  clearTimeout(retry);
  const url = new URL('ws', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const mine = socket = new WebSocket(url);
  mine.onopen = () => {
    failures = 0;
    opened += 1;
    connection.dataset.reconnects = opened - 1;
    send({type: 'hello', session: sessionId});
    setOpen(true);
  };
  mine.onmessage = (event) => {
    const said = JSON.parse(event.data);
    if (said.type === 'payload') showPayload(said);
    else if (said.type === 'board') showBoard(said);
  };
  mine.onclose = () => {
    if (mine !== socket) return;
    setOpen(false);
    // Soon at first, then more and more patient; never all pages at the same moment.
    const wait = Math.min(5000, 200 * 2 ** failures++);
    retry = setTimeout(connect, wait * (0.75 + Math.random() / 2));
  };
}

function connectNow() {
  if (socket?.readyState === WebSocket.CLOSED) connect();
}
addEventListener('online', connectNow);
document.addEventListener('visibilitychange', () => document.hidden || connectNow());

// ---- Player

const move = (direction) => send({type: 'move', direction});

const keys = {
  ArrowUp: 'up', ArrowRight: 'right', ArrowDown: 'down', ArrowLeft: 'left',
  KeyW: 'up', KeyD: 'right', KeyS: 'down', KeyA: 'left',
};
addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const direction = keys[event.code] ?? keys[event.key];
  if (!direction) return;
  event.preventDefault(); // no scrolling
  move(direction);
});

document.querySelector('#new').addEventListener('click', () => send({type: 'new'}));
againButton.addEventListener('click', () => send({type: 'new'}));
keepButton.addEventListener('click', () => send({type: 'keep'}));

// A swipe counts as soon as it is long enough. Browsers report a finger as pointer and as touch: whichever
// comes first begins the swipe, and there is one move in it.
let start = null;

function begin(x, y) {
  start = {x, y};
}
function follow(x, y) {
  if (start === null) return;
  const dx = x - start.x;
  const dy = y - start.y;
  if (Math.max(Math.abs(dx), Math.abs(dy)) < swipePixels) return;
  start = null;
  if (Math.abs(dx) > Math.abs(dy)) move(dx > 0 ? 'right' : 'left');
  else move(dy > 0 ? 'down' : 'up');
}
function end(x, y) {
  follow(x, y);
  start = null;
}

frame.addEventListener('pointerdown', (event) => {
  if (event.isPrimary && event.button === 0) begin(event.clientX, event.clientY);
});
addEventListener('pointermove', (event) => event.isPrimary && follow(event.clientX, event.clientY));
addEventListener('pointerup', (event) => event.isPrimary && end(event.clientX, event.clientY));
addEventListener('pointercancel', () => start = null);
const touch = (action) => (event) => {
  if (event.touches.length > 1) start = null; // a pinch
  else action(event.changedTouches[0].clientX, event.changedTouches[0].clientY);
};
frame.addEventListener('touchstart', touch(begin), {passive: true});
frame.addEventListener('touchmove', touch(follow), {passive: true});
frame.addEventListener('touchend', touch(end), {passive: true});
frame.addEventListener('touchcancel', () => start = null);

connect();
