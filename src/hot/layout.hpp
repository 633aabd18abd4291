// Where things lie in a segment, and whether a file is one.
#pragma once

#include "base/error.hpp"
#include "hot/image.hpp"

namespace okg::hot {

// The header of a new file. invalid_argument when nothing would have room in it.
base::Result<Header> lay_out(std::uint64_t max_bytes, std::uint64_t shards, std::uint64_t log_words,
                             const std::array<std::uint8_t, 16>& id, std::uint64_t seed);

// Makes the insides of an empty file, all of it zero, `bytes` of which are allocated; nothing leads to it
// yet.
void format(std::byte* base, const Header& header, std::uint64_t bytes);

// Is that a header of ours? The error says what not.
base::Result<Header> check_header(const void* bytes, std::size_t size);

// May a file of `file_bytes` say that `allocated` bytes of it are in use?
base::Status check_extent(const Header& header, std::uint64_t allocated, std::uint64_t file_bytes);

}  // namespace okg::hot
