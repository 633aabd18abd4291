// SPDX-License-Identifier: Apache-2.0
#include "outbox.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace game2048 {
namespace {

constexpr auto pause = std::chrono::milliseconds(100);
constexpr auto pause_in_trouble = std::chrono::milliseconds(1000);

// Of the last line that is complete, if it is of that series.
std::uint64_t last_sequence(std::string_view text, std::uint64_t series) {
  text = text.substr(0, text.rfind('\n') + 1);
  if (text.empty()) return 0;
  text.remove_suffix(1);
  const auto line = nlohmann::json::parse(text.substr(text.rfind('\n') + 1), nullptr, false);
  const auto number = [&](const char* key) {
    const bool is_there = line.is_object() && line.contains(key) && line[key].is_number_unsigned();
    return is_there ? line[key].get<std::uint64_t>() : 0;
  };
  return number("series") == series ? number("sequence") : 0;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

Outbox::Outbox(Store& store, std::string file)
    : store_(store), file_(std::move(file)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

Outbox::~Outbox() {
  thread_.request_stop();
  thread_.join();
  close();
}

void Outbox::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  bool was_well = true;
  do {  // once also where it is to stop at once: what is there goes out
    const std::string trouble = send();
    if (!trouble.empty() && was_well)
      std::fprintf(stderr, "game-2048: outbox: %s: tried again until it works\n", trouble.c_str());
    was_well = trouble.empty();
    std::unique_lock lock(mutex);
    stopped.wait_for(lock, stop, was_well ? pause : pause_in_trouble, [] { return false; });
  } while (!stop.stop_requested());
}

std::string Outbox::send() {
  while (const auto letter = store_.first_letter()) {
    if (!write(*letter)) return file_ + ": " + std::strerror(errno);
    if (const auto done = store_.acknowledge(letter->sequence); !done) return done.error().text;
  }
  return {};
}

bool Outbox::open() {
  if (descriptor_ >= 0) return true;
  if (file_.empty()) {
    descriptor_ = STDOUT_FILENO;
    return true;
  }
  descriptor_ = ::open(file_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor_ < 0) return false;
  std::array<char, 4096> bytes{};  // many lines
  const off_t size = lseek(descriptor_, 0, SEEK_END);
  const ssize_t count =
      pread(descriptor_, bytes.data(), bytes.size(), std::max(off_t{0}, size - off_t{bytes.size()}));
  if (count < 0) return false;
  const std::string_view text(bytes.data(), static_cast<std::size_t>(count));
  written_ = last_sequence(text, store_.series());
  // A line that a kill cut short stays one of its own: its letter comes again.
  return text.empty() || text.ends_with('\n') || write_all(descriptor_, "\n");
}

bool Outbox::write(const Store::Letter& letter) {
  if (open() && (letter.sequence <= written_ || (write_all(descriptor_, letter.line + '\n') &&
                                                 (file_.empty() || fdatasync(descriptor_) == 0)))) {
    written_ = std::max(written_, letter.sequence);
    return true;
  }
  const int reason = errno;
  close();
  errno = reason;
  return false;
}

void Outbox::close() {
  if (!file_.empty() && descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace game2048
