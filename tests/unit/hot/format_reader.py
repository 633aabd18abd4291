"""A second reader of hot-state segments, written from docs/hot-state-format.md alone: what the document says is enough, and
it is so. format_reader.py DIRECTORY reads the golden files there and ends with 1 where they hold anything else than what
golden_test.cpp put into them. Nothing here is for speed."""
import os
import struct
import sys

MASK = (1 << 64) - 1


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def padded(size, to):
    return (size + to - 1) // to * to


def slot_classes():
    sizes = list(range(32, 1025, 16))
    for doubling in range(5):
        sizes += [(1024 << doubling) // 8 * (8 + step) for step in range(1, 9)]
    return sizes


class Segment:
    def __init__(self, data):
        self.data = bytearray(data)
        if self.data[:8] != b"okg.hot\n" or crc32c(self.data[12:128]) != self.u32(8):
            raise ValueError("no segment")
        if struct.unpack_from("<HH", self.data, 12) != (1, 0) or self.u64(16) != 0x0102030405060708:
            raise ValueError("another format")
        self.seed, self.max_bytes, self.shards, self.log_words = (self.u64(at) for at in (64, 72, 80, 88))
        self.directory, self.logs, self.page_map, self.first = (self.u64(at) for at in (96, 104, 112, 120))
        assert self.directory == 8192 and self.logs == self.directory + 64 * 2048
        assert self.page_map == self.logs + self.shards * self.log_words * 8
        assert self.first == padded(self.page_map + self.max_bytes // 4096 * 8, 4096)
        for log in range(self.shards):
            self._carry_out(4096 + log * 64, self.logs + log * self.log_words * 8)
        self.entries = {}
        for at in range(self.directory, self.logs, 2048):
            if self.u64(at):
                name = self.data[at + 24:at + 24 + self.u64(at + 16)].decode()
                self.entries[name] = (at, self.u64(at), (at - self.directory) // 2048)
        for at, kind, _ in self.entries.values():
            if kind == 3:
                self._carry_out(at + 1536, self.u64(at + 136))

    def u64(self, at):
        return struct.unpack_from("<Q", self.data, at)[0]

    def u32(self, at):
        return struct.unpack_from("<I", self.data, at)[0]

    def _carry_out(self, state_at, words_at):
        state = self.u64(state_at)
        if not state >> 63:
            return
        at, end = words_at, words_at + (state & 0xFFFFFFFF) * 8
        while at < end:
            words, offset = self.u64(at) >> 48, self.u64(at) & (1 << 48) - 1
            self.data[offset:offset + words * 8] = self.data[at + 8:at + 8 + words * 8]
            at += 8 + words * 8
        assert at == end

    def hash(self, key):
        def fold(a, b):
            product = a * b
            return product & MASK ^ product >> 64
        value = self.seed ^ 0x9E3779B97F4A7C15
        for at in range(0, len(key), 8):
            value = fold(value ^ int.from_bytes(key[at:at + 8], "little"), 0x9E3779B97F4A7C15 ^ self.seed)
        return fold(value ^ len(key), 0xD6E8FEB86659FD93)

    def _leaf(self, table, shard, tag):
        root = self.u64(table + 1536 + shard * 32)
        if root == 0:
            return None
        word = self.u64((root & (1 << 56) - 1) + (tag >> 24 - (root >> 56)) * 8)
        return word & (1 << 56) - 1

    def _record(self, cell, number):
        at = (cell & (1 << 40) - 1) * 16
        crc, value_bytes, key_bytes, table, schema, opened = struct.unpack_from("<IIBBHI", self.data, at)
        assert table & 63 == number and opened >= 1
        key_at = at + 16 + (8 if table & 64 else 0)
        key = bytes(self.data[key_at:key_at + key_bytes])
        value_at = key_at + padded(key_bytes, 8)
        value = bytes(self.data[value_at:value_at + value_bytes])
        assert crc32c(self.data[at + 4:at + 16] + key + value) == crc
        self._check_place(at, value_at + value_bytes - at)
        deadline = self.u64(at + 16) if table & 64 else 0
        return key, value, schema, deadline

    def _page(self, page):
        word = self.u64(self.page_map + page * 8)
        return word >> 56, word >> 48 & 255, word >> 40 & 255, word & 0xFFFFFFFF

    def _check_place(self, at, size):
        """It lies where the page map and the bits of a slab say that a record lies."""
        kind, _, size_class, count = self._page(at // 4096)
        page = at // 4096
        if size > 32768:
            assert (kind, at % 4096) == (5, 0) and size <= count * 4096
            return
        if kind == 2:
            page -= count
            kind, _, size_class, count = self._page(page)
        slot = slot_classes()[size_class]
        assert kind == 1 and size <= slot and (size_class == 0 or size > slot_classes()[size_class - 1] // 4 * 3)
        bits = 1
        while padded(padded(bits, 64) // 8, 16) + (bits + 1) * slot <= count * 4096:
            bits += 1
        begin = page * 4096 + padded(padded(bits, 64) // 8, 16)
        number, rest = divmod(at - begin, slot)
        assert rest == 0 and self.data[page * 4096 + number // 8] >> number % 8 & 1

    def table(self, name):
        """key -> (value, version, deadline); by a walk through the index, each found again by its key."""
        at, kind, number = self.entries[name]
        assert kind == 1
        found, records, size = {}, 0, 0
        for shard in range(self.shards):
            records += self.u64(at + 1536 + shard * 32 + 8)
            size += self.u64(at + 1536 + shard * 32 + 16)
            root = self.u64(at + 1536 + shard * 32)
            words = 1 << (root >> 56) if root else 0
            leaves = {self.u64((root & (1 << 56) - 1) + word * 8) & (1 << 56) - 1 for word in range(words)}
            for leaf in leaves:
                for cell in struct.unpack_from("<512Q", self.data, leaf):
                    if cell:
                        key, value, schema, deadline = self._record(cell, number)
                        assert key not in found
                        found[key] = (value, schema, deadline)
        for key in found:
            assert self.get(name, key) == found[key]
        assert records == len(found) and size == sum(len(key) + len(record[0]) for key, record in found.items())
        return found

    def get(self, name, key):
        at, _, number = self.entries[name]
        value = self.hash(key)
        tag, line, shard = value >> 40, value & 63, value >> 8 & self.shards - 1
        leaf = self._leaf(at, shard, tag)
        for i in range(32 if leaf else 0):
            cell = self.u64(leaf + (line * 8 + i) % 512 * 8)
            if cell and cell >> 40 == tag:
                found = self._record(cell, number)
                if found[0] == key:
                    return found[1:]
        return None

    def journal(self, name):
        at, kind, _ = self.entries[name]
        assert kind == 2
        ring, size, tail, head = (self.u64(at + offset) for offset in (120, 128, 1536, 1600))
        twice = bytes(self.data[ring:ring + size]) * 2
        messages = []
        while head < tail:
            frame = twice[head % size:]
            crc, length, sequence = struct.unpack_from("<IIQ", frame)
            assert sequence == head and crc32c(frame[4:16 + length]) == crc
            messages.append(frame[16:16 + length])
            head += padded(16 + length, 16)
        return messages

    def region(self, name):
        at, kind, _ = self.entries[name]
        assert kind == 3
        image = self.u64(at + 120)
        return bytes(self.data[image:image + self.u64(at + 112)])


def golden(path):
    with open(path, encoding="ascii") as file:
        data = bytearray(int(file.readline()))
        for line in file:
            at, times, piece = line.split()
            data[int(at):int(at) + int(times) * 32] = bytes.fromhex(piece) * int(times)
    return Segment(data)


def number(key):
    return key.to_bytes(8, "little")


def check(directory, name, seven):
    segment = golden(os.path.join(directory, name + ".txt"))
    expected = {number(key): f"value {key}".encode() + b"." * (key % 50) for key in range(20) if key != 3}
    expected[number(7)] = seven
    assert {key: record[0] for key, record in segment.table("players").items()} == expected
    assert segment.get("players", number(3)) is None
    words = segment.table("words")
    assert words[b"alice"] == (b"hello", 1, (1 << 63) - 1) and words[b"large"][0] == b"x" * 100_000
    assert segment.journal("outbox") == [b"two", b"three"]
    for region in ("world", "board"):
        data = segment.region(region)
        assert len(data) == 300 and data.rstrip(b"\0") == f"the {region}".encode()
    print(f"{name}: {len(expected) + len(words)} records, 2 messages, 2 regions")


check(sys.argv[1], "closed", b"value 7" + b"." * 7)
check(sys.argv[1], "killed", b"VALUE 7" + b"!" * 7)
