#include "server/instance.hpp"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/files.hpp"
#include "base/text.hpp"
#include "payload/sha256.hpp"

namespace okg::server {
namespace {

// The note NT_GNU_BUILD_ID of the first object, which is the program; "" when it was linked without.
int find_build_id(dl_phdr_info* info, std::size_t, void* out) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    // Addresses come from the loader; the note's own sizes are checked against the segment.
    const auto* at = reinterpret_cast<const std::uint8_t*>(info->dlpi_addr + segment.p_vaddr);
    std::size_t left = segment.p_memsz;
    const std::size_t align = segment.p_align == 8 ? 8 : 4;
    const auto padded = [&](std::size_t size) { return (size + align - 1) & ~(align - 1); };
    while (left >= sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const std::size_t name_size = padded(note.n_namesz),
                        size = sizeof note + name_size + padded(note.n_descsz);
      if (size > left) break;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
          std::memcmp(at + sizeof note, "GNU", 4) == 0) {
        *static_cast<std::string*>(out) = base::to_hex(at + sizeof note + name_size, note.n_descsz);
        return 1;
      }
      at += size;
      left -= size;
    }
  }
  return 1;  // only the program itself
}

}  // namespace

std::string binary_identity(const std::string& server_version, const std::string& more) {
  std::string build_id;
  ::dl_iterate_phdr(find_build_id, &build_id);
  std::string identity = server_version + "/" + build_id;
  if (!more.empty()) identity += "/" + payload::sha256(more).text().substr(0, 23);  // "sha256:" and 64 bits
  return identity;
}

base::Result<Instance> Instance::claim(base::Os& os, const std::string& run_directory) {
  const int fd = os.open(AT_FDCWD, run_directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return base::error_from_errno(-fd, "run directory " + run_directory);
  Instance instance;
  instance.directory_.reset(fd);
  const int locked = os.lock(fd, true);
  if (locked == -EWOULDBLOCK)
    return base::Error(base::Code::in_use,
                       run_directory + ": another server uses this run directory (see `okg status --run " +
                           run_directory + "`); give each its own OKG_RUN_DIR or OKG_NAME");
  if (locked < 0) return base::error_from_errno(-locked, "lock " + run_directory);
  return instance;
}

}  // namespace okg::server
