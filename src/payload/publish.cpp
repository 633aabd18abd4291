#include "payload/publish.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/files.hpp"
#include "base/text.hpp"
#include "payload/collect.hpp"
#include "payload/copy.hpp"
#include "payload/desired.hpp"
#include "payload/program.hpp"
#include "payload/read.hpp"
#include "payload/sha256.hpp"
#include "payload/source.hpp"
#include "payload/space.hpp"
#include "payload/tree.hpp"
#include "payload/verify.hpp"
#include "payload/volume.hpp"

namespace okg::payload {
namespace {

using base::Code;
using base::Error;
using base::Os;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr char kRoom[] = "payload";
constexpr mode_t kDirectoryMode = 0755;  // while it may still have to be renamed
constexpr mode_t kSealedDirectoryMode = 0555;
constexpr mode_t kSealedFileMode = 0444;

// One run of `publish`, in the order of docs/payload-format.md. Whatever fails before `current` is moved
// fails the run; what comes after that can only be warned about, because the payload is published.
class Publisher {
 public:
  Publisher(Os& os, const PublishOptions& options) : os_(os), options_(options) {}

  Result<Published> run();

 private:
  Status read_link();
  Result<bool> find_sound();
  Result<bool> is_sound(const VersionName& name);
  Status stage();
  Status fill(int directory, Copier& copier, Space& space);
  Status make_room(Space& space, const Copier& copier);
  Status place(const std::string& staged, UniqueFd directory);
  Result<bool> rename_into_place(const std::string& staged, const VersionName& name);
  Status seal();
  Status move_link();
  void finish();

  int root() const { return volume_.root.get(); }
  void warn(const std::string& text) const { options_.log.warn(kRoom, "publish: " + text); }

  Os& os_;
  const PublishOptions& options_;
  Source source_;
  Volume volume_;
  std::optional<CurrentLink> link_;          // as it was when we began
  std::optional<VersionDirectory> version_;  // sound and in v/; locked, so that no collection takes it
  unsigned next_copy_ = 0;                   // of our digest: the number that is free
  Published published_;
};

Result<Published> Publisher::run() {
  const std::int64_t begin = os_.monotonic_ns();
  auto source = open_source(os_, options_.from, options_.pack, options_.stop);
  if (!source) return source.error();
  source_ = std::move(*source);
  published_.digest = source_.packed.digest;
  published_.version = source_.packed.manifest.version;
  published_.files = source_.packed.manifest.files;
  published_.bytes = source_.packed.manifest.bytes;

  auto volume = open_volume(os_, options_.to, options_.lock_wait, options_.stop, options_.log);
  if (!volume) return volume.error();
  volume_ = std::move(*volume);
  if (!options_.run.empty()) remove_desired_temporaries(os_, options_.run);
  if (auto read = read_link(); !read) return read.error();
  const auto sound = find_sound();
  if (!sound) return sound.error();
  if (!*sound) {
    if (auto staged = stage(); !staged) return staged.error();
  }
  const bool in_place = link_ && link_->name == version_->name;
  published_.already_there = in_place;
  if (in_place) {
    // Its owner may command the server: that is always the newest publisher.
    if (link_->owner != os_.effective_uid()) {
      if (auto moved = move_current(os_, root(), version_->name); !moved) return moved.error();
    }
  } else {
    if (auto moved = move_link(); !moved) return moved.error();
  }
  finish();
  published_.took = std::chrono::nanoseconds(os_.monotonic_ns() - begin);
  return published_;
}

// A link to somewhere else is replaced; anything but a link is not ours to remove.
Status Publisher::read_link() {
  struct stat info{};
  const int failed = os_.stat(root(), kCurrent, &info);
  if (failed == -ENOENT) return {};
  if (failed < 0) return base::error_from_errno(-failed, "stat current");
  if (!S_ISLNK(info.st_mode))
    return Error(Code::bad_path, options_.to +
                                     "/current: is not a symbolic link, so nothing can be published here: "
                                     "move it away");
  const auto link = read_current(os_, root());
  if (link) {
    link_ = *link;
    return {};
  }
  if (link.error().code != Code::bad_path) return link.error();
  warn(link.error().text + " (it is replaced)");
  return {};
}

// Is a sound copy of our payload on the volume already? Everything of it is hashed: whatever was killed, or
// wrote where it should not, may have left anything there. What `current` leads to is asked first.
Result<bool> Publisher::find_sound() {
  std::vector<base::DirectoryEntry> entries;
  if (const int failed = os_.list_directory(volume_.versions.get(), &entries); failed < 0)
    return base::error_from_errno(-failed, "list v");
  std::vector<VersionName> copies;
  for (const auto& entry : entries) {
    const auto name = VersionName::parse(entry.name);
    if (name && name->digest == published_.digest) copies.push_back(*name);
  }
  const auto rank = [&](const VersionName& name) {
    return std::pair(!(link_ && link_->name == name), name.copy);
  };
  std::sort(copies.begin(), copies.end(),
            [&](const VersionName& a, const VersionName& b) { return rank(a) < rank(b); });
  for (const VersionName& name : copies) {
    next_copy_ = std::max(next_copy_, name.copy + 1);
    const auto sound = is_sound(name);
    if (!sound || *sound) return sound;
  }
  return false;
}

Result<bool> Publisher::is_sound(const VersionName& name) {
  auto version = open_version(os_, root(), name);
  Status good;
  if (version) {
    const auto verified = verify(os_, version->fd.get(), published_.digest, options_.stop);
    if (verified) {
      version_ = std::move(*version);
      return true;
    }
    good = verified.error();
  } else {
    good = version.error();
  }
  if (options_.stop.stop_requested()) return interrupted();
  if (good.error().code == Code::busy || good.error().code == Code::no_memory) return good.error();
  warn(name.target() + " is damaged and stays aside: " + good.error().text);
  return false;
}

// Makes a version directory in .staging and moves it to its place.
Status Publisher::stage() {
  std::optional<VerifiedPayload> previous;
  UniqueFd lock;  // our own collection must not take what we link from
  if (link_) {
    auto version = open_version(os_, root(), link_->name);
    if (version) {
      lock = std::move(version->fd);
      auto payload = open_unverified(os_, lock.get(), link_->name.digest);
      if (payload) previous = std::move(*payload);
    }
  }
  Copier copier(os_, source_.files.get(), source_.packed.list, previous ? &*previous : nullptr,
                options_.stop);
  if (auto planned = copier.plan(); !planned) return planned;
  Space space(os_, root(), options_.budget, options_.stop);
  if (auto room = make_room(space, copier); !room) return room;

  const std::string name = published_.digest.hex() + "." + base::random_hex(os_);
  Status done;
  auto directory = make_directory(os_, volume_.staging.get(), name.c_str(), kDirectoryMode);
  if (!directory) {
    done = directory.error();
  } else {
    done = fill(directory->get(), copier, space);
    if (done) done = place(name, std::move(*directory));
  }
  published_.reused_bytes = copier.linked_bytes();
  // Told to stop, we stop; the next start removes what is left, as after a kill.
  if (!options_.stop.stop_requested()) remove_tree(os_, volume_.staging.get(), name);
  return done;
}

// Nothing was written yet when this says no_space.
Status Publisher::make_room(Space& space, const Copier& copier) {
  auto need = copier.need(space);
  if (!need) return need.error();
  const std::uint64_t program = missing_program_bytes(os_, root(), options_.program);
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{1},  // the version's directory and files/
                                   std::uint64_t{source_.packed.list_text.size()},
                                   std::uint64_t{source_.packed.manifest_text.size()}, program}) {
    const auto bytes = space.on_disk(size);
    if (!bytes) return bytes.error();
    need->bytes += *bytes;
    ++need->inodes;
  }
  auto fits = space.check(*need);
  if (fits || fits.error().code != Code::no_space) return fits;
  // What would be collected after the move can as well be collected before it: one place less to keep is the
  // same.
  collect(os_, root(), {std::max<std::size_t>(options_.keep, 2) - 1, options_.sacred, options_.stop});
  if (options_.stop.stop_requested()) return interrupted();
  fits = space.check(*need);
  if (!fits) return Error(fits.error().code, options_.to + ": " + fits.error().text);
  return fits;
}

// manifest.json comes last: without it a directory is no payload.
Status Publisher::fill(int directory, Copier& copier, Space& space) {
  const auto files = make_directory(os_, directory, kFiles, kDirectoryMode);
  if (!files) return files.error();
  PublishProgress progress{0, published_.files, 0, published_.bytes};
  const auto copied = [&](std::uint64_t count, std::uint64_t bytes) {
    progress.files += count;
    progress.bytes += bytes;
    if (options_.progress) options_.progress(progress);
  };
  if (auto done = copier.run(files->get(), space, copied); !done) return done;
  if (const int failed = os_.fchmod(files->get(), kSealedDirectoryMode); failed < 0)
    return base::error_from_errno(-failed, "chmod files");
  const Packed& packed = source_.packed;
  if (auto done = write_new_file(os_, directory, kList, packed.list_text, kSealedFileMode); !done)
    return done;
  if (auto done = write_new_file(os_, directory, kManifest, packed.manifest_text, kSealedFileMode); !done)
    return done;
  if (options_.sync) {
    if (const int failed = os_.syncfs(root()); failed < 0)
      return base::error_from_errno(-failed, "sync the volume");
  }
  return {};
}

Status Publisher::place(const std::string& staged, UniqueFd directory) {
  for (;;) {
    const VersionName name{published_.digest, next_copy_++};
    const auto placed = rename_into_place(staged, name);
    if (!placed) return placed.error();
    if (*placed) {
      directory.reset();
      auto version = open_version(os_, root(), name);
      if (!version) return version.error();
      version_ = std::move(*version);
      return {};
    }
    // Somebody who does not keep to the lock was faster.
    const auto sound = is_sound(name);
    if (!sound) return sound.error();
    if (*sound) return {};
  }
}

// False when the name is taken.
Result<bool> Publisher::rename_into_place(const std::string& staged, const VersionName& name) {
  const int from = volume_.staging.get();
  const int to = volume_.versions.get();
  int failed = os_.rename_noreplace(from, staged.c_str(), to, name.text().c_str());
  if (failed == -EINVAL || failed == -ENOSYS) {
    // Who else would make such a name holds the lock that we hold.
    struct stat info{};
    if (os_.stat(to, name.text().c_str(), &info) == 0) return false;
    failed = os_.rename(from, staged.c_str(), to, name.text().c_str());
  }
  if (failed == -EEXIST || failed == -ENOTEMPTY) return false;
  if (failed < 0) return base::error_from_errno(-failed, "rename to " + name.target());
  return true;
}

// Only now: a directory that its owner may not write to cannot be moved to another parent. A directory that
// was there before may have been left open by a kill right before this.
Status Publisher::seal() {
  const int directory = version_->fd.get();
  stamp_as_newest(os_, volume_.versions.get(), directory);
  struct stat info{};
  if (const int failed = os_.fstat(directory, &info); failed < 0)
    return base::error_from_errno(-failed, "stat " + version_->name.target());
  if ((info.st_mode & 07777) == kSealedDirectoryMode || info.st_uid != os_.effective_uid()) return {};
  if (const int failed = os_.fchmod(directory, kSealedDirectoryMode); failed < 0)
    return base::error_from_errno(-failed, "chmod " + version_->name.target());
  return {};
}

Status Publisher::move_link() {
  if (auto sealed = seal(); !sealed) return sealed;
  if (options_.sync) {
    if (const int failed = os_.fsync(volume_.versions.get()); failed < 0)
      return base::error_from_errno(-failed, "sync v");
  }
  if (!options_.run.empty()) {
    const auto written = write_desired(os_, options_.run, published_.digest, published_.version);
    if (!written)
      warn("desired.json: " + written.error().text + " (how long the server took will not be known)");
  }
  return move_current(os_, root(), version_->name);
}

void Publisher::finish() {
  if (options_.sync && !published_.already_there) {
    if (const int failed = os_.fsync(root()); failed < 0)
      warn(base::error_from_errno(-failed, "sync the volume's root").text);
  }
  if (!options_.program.empty()) {
    const auto installed = install_program(os_, root(), options_.program);
    if (!installed) warn("bin/okg: " + installed.error().text + " (probes that use it will fail)");
  }
  for (const VersionName& name :
       collect(os_, root(), {std::max<std::size_t>(options_.keep, 1), options_.sacred, options_.stop}))
    options_.log.info(kRoom, "publish: removed " + name.target());
}

}  // namespace

Result<Published> publish(Os& os, const PublishOptions& options) {
  auto published = Publisher(os, options).run();
  if (published) return published;
  const Error& error = published.error();
  if (options.stop.stop_requested()) return Error(Code::timeout, "publish: interrupted");
  return Error(error.code, "publish: " + error.text);
}

Result<Digest> payload_digest(Os& os, const std::string& directory) {
  const int fd = os.open(AT_FDCWD, directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return base::error_from_errno(-fd, "open directory " + directory);
  const UniqueFd opened(fd);
  const auto text = base::read_small_file(os, fd, kManifest, kMostManifestBytes, kManifest);
  if (!text) return Error(text.error().code, directory + ": " + text.error().text);
  return sha256(*text);
}

}  // namespace okg::payload
