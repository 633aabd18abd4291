"""A page of the 2048 game, without a browser: a WebSocket (RFC 6455) that keeps playing."""
import base64
import json
import os
import socket
import struct
import threading
import time

from cluster import expect, wait_until


class Player:
    def __init__(self, address, session, plays=True):
        self.session = session
        self.versions = []  # of the payloads it was told of, in order
        self.board = None   # the newest message of that type
        self.boards = 0
        self.broken = ""    # why the connection ended, if it did
        self._socket = socket.create_connection((address, 8048), timeout=20)
        self._rest = b""
        self._ended = False
        self._shake_hands(address)
        self.say(type="hello", session=session)
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        if plays:
            self._threads.append(threading.Thread(target=self._play, daemon=True))
        for thread in self._threads:
            thread.start()
        wait_until(lambda: self.board or self.broken, 20, f"a board for {session}")
        expect(not self.broken, f"player {session}: {self.broken}")

    def _shake_hands(self, address):
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall((f"GET /ws HTTP/1.1\r\nHost: {address}:8048\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                              f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        while b"\r\n\r\n" not in self._rest:
            more = self._socket.recv(4096)
            expect(more, f"player {self.session}: no answer to the upgrade")
            self._rest += more
        head, self._rest = self._rest.split(b"\r\n\r\n", 1)
        expect(b" 101 " in head.split(b"\r\n")[0], f"player {self.session}: {head[:80]!r}")

    def _take(self, count):
        while len(self._rest) < count:
            more = self._socket.recv(65536)
            if not more:
                raise ConnectionError("closed by the server")
            self._rest += more
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def say(self, **message):
        text = json.dumps(message).encode()
        mask = os.urandom(4)
        self._socket.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(c ^ mask[i % 4] for i, c in enumerate(text)))

    def _listen(self):
        try:
            while True:
                first, size = self._take(2)
                if size == 126:
                    size = struct.unpack(">H", self._take(2))[0]
                body = self._take(size)
                if first & 15 == 8:
                    raise ConnectionError("closed by the server")
                if first & 15 != 1:
                    continue
                message = json.loads(body)
                if message["type"] == "payload":
                    self.versions.append(message["version"])
                elif message["type"] == "board":
                    self.boards += 1
                    self.board = message
        except (OSError, ValueError) as error:
            if not self._ended:
                self.broken = str(error) or type(error).__name__

    def _play(self):
        directions = ("left", "down", "right", "up")
        turn = 0
        while not self._ended and not self.broken:
            try:
                self.say(type="move", direction=directions[turn % 4])
                if self.board and self.board.get("phase") == "over":
                    self.say(type="new")
            except OSError:
                return
            turn += 1
            time.sleep(0.05)

    def still_plays(self):
        """Nothing has broken, and moves are answered."""
        expect(not self.broken, f"player {self.session}: {self.broken}")
        boards = self.boards
        wait_until(lambda: self.boards > boards or self.broken, 20, f"an answer to player {self.session}")
        expect(not self.broken, f"player {self.session}: {self.broken}")

    def end(self):
        self._ended = True
        self._socket.close()
