#include "payload/program.hpp"

#include <fcntl.h>

#include <cstring>

#include "base/files.hpp"
#include "base/text.hpp"
#include "payload/hash_file.hpp"
#include "payload/layout.hpp"
#include "payload/volume.hpp"

namespace okg::payload {
namespace {

using base::Error;
using base::Os;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr mode_t kMode = 0555;

// Byte by byte: this is done at every publish, and to hash both would take as long as to copy 500 files.
bool same_content(Os& os, int one, int other) {
  Buffer ours = make_buffer(), theirs = make_buffer();
  for (;;) {
    const ssize_t size = base::read_full(os, one, ours.data(), ours.size());
    if (size < 0 || base::read_full(os, other, theirs.data(), theirs.size()) != size) return false;
    if (std::memcmp(ours.data(), theirs.data(), static_cast<std::size_t>(size)) != 0) return false;
    if (static_cast<std::size_t>(size) < ours.size()) return true;
  }
}

Result<OpenFile> open_program(Os& os, const std::string& program) {
  const int fd = os.open(AT_FDCWD, program.c_str(), O_RDONLY);
  if (fd < 0) return base::error_from_errno(-fd, "open " + program);
  OpenFile file{UniqueFd(fd), {}};
  if (const int failed = os.fstat(fd, &file.info); failed < 0)
    return base::error_from_errno(-failed, "stat " + program);
  if (!S_ISREG(file.info.st_mode)) return Error(base::Code::bad_path, program + ": not a regular file");
  return file;
}

bool is_installed(Os& os, int directory, const OpenFile& program) {
  const auto there = open_regular(os, directory, kProgram, kProgram);
  if (!there || there->info.st_size != program.info.st_size || (there->info.st_mode & 07777) != kMode)
    return false;
  return same_content(os, program.fd.get(), there->fd.get());
}

Status write_program(Os& os, int directory, const std::string& temporary, const std::string& program) {
  const auto from = open_program(os, program);
  if (!from) return from.error();
  const int fd = os.open(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (fd < 0) return base::error_from_errno(-fd, "create " + temporary);
  UniqueFd to(fd);
  Buffer buffer = make_buffer();
  const auto copied =
      hash_file(os, from->fd.get(), static_cast<std::uint64_t>(from->info.st_size), buffer, {}, program,
                [&](std::string_view piece) { return base::write_all(os, fd, piece, temporary); });
  if (!copied) return copied.error();
  if (const int failed = os.fchmod(fd, kMode); failed < 0)
    return base::error_from_errno(-failed, "chmod " + temporary);
  if (const int failed = os.close(to.release()); failed < 0)
    return base::error_from_errno(-failed, "close " + temporary);
  if (const int failed = os.rename(directory, temporary.c_str(), directory, kProgram); failed < 0)
    return base::error_from_errno(-failed, "rename " + temporary);
  return {};
}

}  // namespace

Result<bool> install_program(Os& os, int root, const std::string& program) {
  const auto file = open_program(os, program);
  if (!file) return file.error();
  const auto directory = make_directory(os, root, kProgramDirectory, 0755);
  if (!directory) return directory.error();
  if (is_installed(os, directory->get(), *file)) return false;
  const std::string temporary = std::string(".") + kProgram + "." + base::random_hex(os);
  auto written = write_program(os, directory->get(), temporary, program);
  if (written) return true;
  os.unlink(directory->get(), temporary.c_str(), false);
  return written.error();
}

std::uint64_t missing_program_bytes(Os& os, int root, const std::string& program) {
  if (program.empty()) return 0;
  const auto ours = open_program(os, program);
  if (!ours) return 0;
  struct stat theirs{};
  const std::string installed = std::string(kProgramDirectory) + "/" + kProgram;
  if (os.stat(root, installed.c_str(), &theirs) == 0 && theirs.st_size == ours->info.st_size) return 0;
  return static_cast<std::uint64_t>(ours->info.st_size);
}

}  // namespace okg::payload
