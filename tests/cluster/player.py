"""A player of the 2048 server: a WebSocket client (RFC 6455) that plays on a thread of its own, and remembers."""
import base64
import hashlib
import json
import os
import socket
import struct
import threading
import time

DIRECTIONS = ("left", "up", "right", "down")


class Player:
    """Plays at address:port from its making on, a move each `pause` seconds. What it sees stands in its members."""

    def __init__(self, address, port=8048, session=None, pause=0.1, plays=True):
        self.session = session or os.urandom(12).hex()
        self.version = self.texts = self.board = None  # as the page would show them
        self.payloads = []  # the versions one after another
        self.moves = 0  # that were answered
        self.broken = None  # why the connection ended, which we did not want
        self._answers = 0
        self._resting = self._ended = False
        self._buffer = b""
        self._lock = threading.Lock()
        self._socket = socket.create_connection((address, port), timeout=30)
        self._handshake(f"{address}:{port}")
        self._send({"type": "hello", "session": self.session})
        self._threads = [threading.Thread(target=self._read, daemon=True)]
        if plays:
            self._threads.append(threading.Thread(target=self._play, args=(pause,), daemon=True))
        for thread in self._threads:
            thread.start()

    def end(self):
        self._resting = self._ended = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()

    def rest(self):
        """Makes no more moves; returns the board once every answer is there. None: the connection broke before."""
        self._resting = True
        for thread in self._threads[1:]:
            thread.join()
        end = time.monotonic() + 30
        while self.moves + 1 > self._answers and not self.broken and time.monotonic() < end:
            time.sleep(0.02)
        return None if self.broken else self.board

    def _handshake(self, host):
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall((f"GET /ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        while b"\r\n\r\n" not in self._buffer:
            self._fill()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        if not head.startswith(b"HTTP/1.1 101 ") or accept not in head:
            raise ConnectionError(head.split(b"\r\n")[0].decode(errors="replace"))

    def _fill(self):
        more = self._socket.recv(65536)
        if not more:
            raise ConnectionError("the server closed the connection")
        self._buffer += more

    def _take(self, size):
        while len(self._buffer) < size:
            self._fill()
        out, self._buffer = self._buffer[:size], self._buffer[size:]
        return out

    def _frame(self):
        """Opcode and bytes of the next frame; the server sends no fragments, and no more than 64 KiB."""
        first, size = self._take(2)
        if size == 126:
            size = struct.unpack(">H", self._take(2))[0]
        elif size > 126:
            raise ConnectionError(f"a frame that nobody expects: {size}")
        return first, self._take(size)

    def _write(self, opcode, data):
        size = len(data)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        with self._lock:
            self._socket.sendall(bytes([0x80 | opcode]) + length + mask + masked)

    def _send(self, message):
        self._write(1, json.dumps(message).encode())

    def _break(self, error):
        if not self._ended and not self.broken:
            self.broken = f"{type(error).__name__}: {error}"

    def _read(self):
        self._socket.settimeout(None)
        try:
            while True:
                first, data = self._frame()
                if first == 0x89:
                    self._write(10, data)
                elif first == 0x81:
                    self._hear(json.loads(data))
                elif first != 0x8A:
                    raise ConnectionError(f"frame {first:#x} {data!r}")
        except (OSError, ValueError) as error:
            self._break(error)

    def _hear(self, message):
        if message["type"] == "payload":
            self.version, self.texts = message["version"], message["texts"]
            self.payloads.append(self.version)
        else:
            self.board = {key: message[key] for key in ("cells", "score", "best", "turns", "phase")}
            self._answers += 1

    def _play(self, pause):
        try:
            while not self._resting and not self.broken:
                if self.board:  # the answer to hello comes first
                    over = self.board["phase"] == "over"
                    won = self.board["phase"] == "won"
                    self._send({"type": "new"} if over else {"type": "keep"} if won else
                               {"type": "move", "direction": DIRECTIONS[self.moves % 4]})
                    self.moves += 1
                time.sleep(pause)
        except OSError as error:
            self._break(error)
