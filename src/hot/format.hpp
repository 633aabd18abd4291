// What lies in a hot-state segment: docs/hot-state-format.md in C++. Everything is little-endian; offsets are
// bytes from the beginning of the file, and 0 is nowhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace okg::hot {

inline constexpr std::uint64_t kPageBytes = 4096;
inline constexpr std::uint64_t kLineBytes = 64;
inline constexpr std::size_t kMostShards = 16;
inline constexpr std::size_t kMostTables = 64;
inline constexpr std::size_t kMostKeyBytes = 64;
inline constexpr std::uint64_t kMostValueBytes = 64ULL << 20;
inline constexpr std::size_t kMostNameBytes = 63;
inline constexpr std::size_t kMostSchemas = 8;
inline constexpr std::size_t kMostFieldBytes = 1256;
inline constexpr std::uint64_t kLeastBytes = 1ULL << 20;
inline constexpr std::uint64_t kMostBytes = 1ULL << 40;

inline constexpr std::array<char, 8> kMagic = {'o', 'k', 'g', '.', 'h', 'o', 't', '\n'};
inline constexpr std::uint16_t kMajor = 1;  // another one: the file is not touched
inline constexpr std::uint16_t kMinor = 0;  // a newer one: what it adds says itself by feature bits
inline constexpr std::uint64_t kEndianProbe = 0x0102030405060708;

// Page 0, never changed after the file was made. What does not know a bit of `incompatible` refuses the file,
// of `read_only_compatible` does not write to it, of `compatible` need not care.
struct Header {
  std::array<char, 8> magic;
  std::uint32_t crc;  // CRC-32C of what follows in this struct
  std::uint16_t major, minor;
  std::uint64_t endian_probe;
  std::uint64_t incompatible, read_only_compatible, compatible;
  std::array<std::uint8_t, 16> id;  // random
  std::uint64_t seed;               // of the hash, random: keys cannot be chosen to collide
  std::uint64_t max_bytes;          // that the file may grow to
  std::uint64_t shards;             // a power of two
  std::uint64_t log_words;          // that each log has room for
  std::uint64_t tables_offset, logs_offset, page_map_offset, data_offset;
};
static_assert(sizeof(Header) == 128);
inline constexpr std::size_t kHeaderCrcBegin = offsetof(Header, major);

// A word that changes while others beside it do not.
struct alignas(kLineBytes) Line {
  std::uint64_t word;
};

// Page 0, second KiB.
struct State {
  Line bytes;          // of the file that are allocated
  Line used_pages;     // pages from here on were never used
  Line epoch;          // how often it was opened for writing
  Line clean;          // 1: closed in good order
  Line unclean_opens;  // in a row, of processes that died young
  // For the report, deciding nothing: when somebody was last alive, by CLOCK_BOOTTIME, and of which boot that
  // was.
  Line alive_ns;
  Line boot[2];
  Line given_back;  // bytes below `bytes` whose memory was given back, at most
};
inline constexpr std::uint64_t kStateOffset = 1024;
inline constexpr std::uint64_t kUsedPagesOffset = kStateOffset + offsetof(State, used_pages);

// ---- logs
//
// Page 1: the state words of the shards' logs, a line each; a region has one of its own. A log's words are
// entries: a head, which says where how many words belong, and those words.
inline constexpr std::uint64_t kLogStatesOffset = kPageBytes;

struct LogState {
  static constexpr std::uint64_t kCommitted = 1ULL << 63;
  bool is_committed = false;
  std::uint32_t sequence =
      0;                    // 31 bits, one more with each commit: who reads from outside sees that it went on
  std::uint32_t words = 0;  // of all entries; 0 where nothing is committed

  static constexpr LogState from(std::uint64_t word) {
    return {(word & kCommitted) != 0, static_cast<std::uint32_t>(word >> 32) & 0x7FFFFFFF,
            static_cast<std::uint32_t>(word)};
  }
  constexpr std::uint64_t word() const {
    return (is_committed ? kCommitted : 0) | std::uint64_t{sequence & 0x7FFFFFFF} << 32 | words;
  }
};

struct LogHead {
  static constexpr std::uint64_t kMostWords = 0xFFFF;
  std::uint64_t offset, words;

  static constexpr LogHead from(std::uint64_t word) { return {word & ((1ULL << 48) - 1), word >> 48}; }
  constexpr std::uint64_t word() const { return words << 48 | offset; }
};

// ---- directory: what has a name
enum class EntryKind : std::uint64_t { free = 0, table = 1, journal = 2, region = 3 };
enum class KeyKind : std::uint64_t { u64 = 0, bytes = 1 };
enum class RegionMode : std::uint64_t { diff = 0, in_place = 1 };

// Of each shard of a table.
struct ShardRoot {
  std::uint64_t directory;  // depth << 56 | offset; 0: no record yet
  std::uint64_t records, bytes;
  std::uint64_t reserved;
};

// What version of a schema looks like.
struct SchemaPrint {
  std::uint64_t version;  // 0: none
  std::uint64_t fingerprint;
};

// Of a journal: bytes ever appended, and of those the acknowledged ones.
struct JournalEnds {
  Line tail, head;
};
// Of a region.
struct RegionLog {
  Line log_state;
};

struct Entry {
  std::uint64_t kind;    // of EntryKind
  std::uint64_t flavor;  // KeyKind or RegionMode
  std::uint64_t name_bytes;
  std::array<char, kMostNameBytes + 1> name;
  std::uint64_t newest_version;  // records may have this one, but no later one
  std::uint64_t oldest_version;  // … and no earlier one
  std::uint64_t has_deadlines;   // 1: some record may have one
  std::uint64_t value_bytes;     // of a region: how large it is; of a table: of each value, 0: they differ
  std::uint64_t data_offset, data_bytes;  // a journal's ring; a region's image
  std::uint64_t log_offset, log_words;    // a region's log
  std::array<SchemaPrint, kMostSchemas> schemas;
  std::array<char, kMostFieldBytes> fields;  // of the newest version, as text ending in 0; for people
  union {
    std::array<ShardRoot, kMostShards> shards;
    JournalEnds journal;
    RegionLog region;
  };
};
// Is an entry that is not free one that this library writes, as far as its first words say?
constexpr bool is_entry(const Entry& entry) {
  return entry.kind <= 3 && entry.flavor <= 1 && entry.name_bytes != 0 && entry.name_bytes <= kMostNameBytes;
}
static_assert(sizeof(Entry) == 2048 && offsetof(Entry, shards) == 1536);

// ---- journal: frames behind each other in a ring, each of a header, a message, and zeros up to a multiple
// of 16. A frame's sequence is the tail that it was appended at; its place in the ring that modulo the ring's
// bytes.
struct FrameHeader {
  std::uint32_t crc;  // CRC-32C of the rest of this struct and the message
  std::uint32_t bytes;
  std::uint64_t sequence;
};
static_assert(sizeof(FrameHeader) == 16);
inline constexpr std::size_t kFrameCrcBegin = offsetof(FrameHeader, bytes);
inline constexpr std::uint64_t kFrameUnit = 16;
inline constexpr std::uint64_t kMostMessageBytes = 16ULL << 20;

// ---- page map: a word for each page of the file
//
// kind << 56 | shard << 48 | class << 40 | pages (of a run, in the word of its first page) or distance (of a
// `tail`, to the first page). What lies inside a run that is not a slab has words without meaning. The class
// of a free run is 1 when its memory was given back to the system: it has to be allocated before it is
// touched.
enum class PageKind : std::uint8_t {
  free = 0,
  slab = 1,
  tail = 2,
  leaf = 3,
  directory = 4,
  large = 5,
  named = 6  // a journal's ring, a region's image or log
};

struct PageWord {
  PageKind kind = PageKind::free;
  std::uint8_t shard = 0;
  std::uint8_t size_class = 0;
  std::uint32_t count = 0;

  static constexpr PageWord from(std::uint64_t word) {
    return {static_cast<PageKind>(word >> 56), static_cast<std::uint8_t>(word >> 48),
            static_cast<std::uint8_t>(word >> 40), static_cast<std::uint32_t>(word)};
  }
  constexpr std::uint64_t word() const {
    return std::uint64_t{static_cast<std::uint8_t>(kind)} << 56 | std::uint64_t{shard} << 48 |
           std::uint64_t{size_class} << 40 | count;
  }
};

// ---- index: a directory of 2^depth words, each depth << 56 | offset of a leaf; a leaf is a page of lines of
// cells
//
// A cell is tag << 40 | offset / 16 of a record; 0: empty.
inline constexpr unsigned kTagBits = 24;
inline constexpr unsigned kMostDepth = kTagBits;
inline constexpr std::size_t kLeafLines = 64;
inline constexpr std::size_t kCellsPerLine = 8;
inline constexpr std::size_t kWindowLines = 4;  // a record's cell is in its line or one of the next three
inline constexpr std::uint64_t kCellOffsetMask = (1ULL << 40) - 1;
inline constexpr std::uint64_t kSlotUnit = 16;

struct Rooted {  // a root or directory word
  unsigned depth;
  std::uint64_t offset;

  static constexpr Rooted from(std::uint64_t word) {
    return {static_cast<unsigned>(word >> 56), word & ((1ULL << 56) - 1)};
  }
  constexpr std::uint64_t word() const { return std::uint64_t{depth} << 56 | offset; }
};

// ---- record: this, a word with its deadline where it has one, the key padded to 8 bytes, the value
struct RecordHeader {
  std::uint32_t crc;  // CRC-32C of the rest of this struct, the key without padding, and the value
  std::uint32_t value_bytes;
  std::uint8_t key_bytes;
  std::uint8_t table;    // its number in the low 6 bits; bit 6: a deadline follows
  std::uint16_t schema;  // low bits of the version of the value's schema
  std::uint32_t epoch;   // low bits of the epoch that wrote it
};
static_assert(sizeof(RecordHeader) == 16);
inline constexpr std::size_t kRecordCrcBegin = offsetof(RecordHeader, value_bytes);
inline constexpr std::uint8_t kRecordTableMask = kMostTables - 1;
inline constexpr std::uint8_t kRecordHasDeadline = 0x40;

constexpr std::uint64_t padded(std::uint64_t bytes, std::uint64_t to) {
  return (bytes + to - 1) / to * to;
}
// What lies before the value.
constexpr std::uint64_t front_bytes(std::uint64_t key_bytes, bool has_deadline) {
  return sizeof(RecordHeader) + (has_deadline ? 8 : 0) + padded(key_bytes, 8);
}
constexpr std::uint64_t record_bytes(std::uint64_t key_bytes, bool has_deadline, std::uint64_t value_bytes) {
  return front_bytes(key_bytes, has_deadline) + value_bytes;
}

// ---- sizes of slots: steps of 16 bytes up to 1 KiB, then eight steps a doubling up to 32 KiB; what is
// larger has a run of pages of its own
inline constexpr std::uint64_t kLeastSlot = 32;
inline constexpr std::uint64_t kFineSlots = 1024;
inline constexpr std::uint64_t kMostSlot = 32 * 1024;
inline constexpr unsigned kFineClasses = (kFineSlots - kLeastSlot) / kSlotUnit + 1;
inline constexpr unsigned kClasses = kFineClasses + 5 * 8;

constexpr std::uint64_t slot_bytes(unsigned size_class) {
  if (size_class < kFineClasses) return kLeastSlot + size_class * kSlotUnit;
  const unsigned step = size_class - kFineClasses + 1;
  const std::uint64_t doubling = kFineSlots << ((step - 1) / 8);
  return doubling + doubling / 8 * ((step - 1) % 8 + 1);
}
static_assert(slot_bytes(kFineClasses - 1) == kFineSlots && slot_bytes(kClasses - 1) == kMostSlot);

// The smallest class for `bytes` <= kMostSlot.
constexpr unsigned class_for(std::uint64_t bytes) {
  if (bytes <= kFineSlots)
    return bytes <= kLeastSlot ? 0 : static_cast<unsigned>((bytes - kLeastSlot + kSlotUnit - 1) / kSlotUnit);
  unsigned doubling = 0;
  while (bytes > kFineSlots << (doubling + 1)) ++doubling;
  const std::uint64_t base = kFineSlots << doubling;
  return kFineClasses + doubling * 8 + static_cast<unsigned>((bytes - base + base / 8 - 1) / (base / 8)) - 1;
}

// ---- slab: allocation bits, slots
struct SlabShape {
  std::uint32_t pages, slots, bit_words, begin;  // begin: offset of the first slot

  std::uint64_t bits_offset(std::uint64_t slab, std::uint32_t slot) const { return slab + slot / 64 * 8; }
};

constexpr SlabShape slab_shape(unsigned size_class) {
  const std::uint64_t slot = slot_bytes(size_class);
  const std::uint64_t least = (slot * 8 + kLineBytes + kPageBytes - 1) / kPageBytes;
  SlabShape shape{static_cast<std::uint32_t>(least < 16 ? 16 : least), 0, 0, 0};
  const std::uint64_t bytes = shape.pages * kPageBytes;
  std::uint64_t slots = bytes / slot;
  for (;; --slots) {
    const std::uint64_t words = (slots + 63) / 64;
    const std::uint64_t begin = padded(words * 8, kSlotUnit);
    if (begin + slots * slot > bytes) continue;
    shape.slots = static_cast<std::uint32_t>(slots);
    shape.bit_words = static_cast<std::uint32_t>(words);
    shape.begin = static_cast<std::uint32_t>(begin);
    return shape;
  }
}

inline constexpr auto kSlabShapes = [] {
  std::array<SlabShape, kClasses> shapes{};
  for (unsigned i = 0; i < kClasses; ++i) shapes[i] = slab_shape(i);
  return shapes;
}();

}  // namespace okg::hot
