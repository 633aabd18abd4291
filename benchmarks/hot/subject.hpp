// A table of records by 64-bit keys: okg's, or what somebody would otherwise pick. Each kind has a file that
// names itself to subjects(); one whose library is not here is not built.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace okg::benchmarks {

struct Place {
  std::string directory;        // on the tmpfs; of a server: where its socket is
  std::uint64_t bytes = 0;      // that it may take
  std::size_t keys = 0;         // that it will have
  std::size_t value_bytes = 0;  // of every record
  bool is_there = false;        // opens what an earlier process left, instead of making it
  bool grows = false;           // takes its memory as it needs it, where it has the choice
};

// One thread calls it, but for put() and get() where is_for_threads(). Whatever fails ends the process.
class Subject {
 public:
  Subject() = default;
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;
  virtual ~Subject() = default;

  // Each is a commit of its own: when it returns, a kill of this process does not undo it (where the subject
  // survives a kill at all).
  virtual void put(std::uint64_t key, const char* value, std::size_t size) = 0;
  virtual void erase(std::uint64_t key) = 0;
  // False when there is no such record.
  virtual bool get(std::uint64_t key, char* value, std::size_t size) = 0;

  // For what is not measured: puts may be gathered, where one by one would take minutes. false: all are
  // committed.
  virtual void gather(bool) {}
  // Waits for the answers to all that was sent.
  virtual void finish() {}
  // Work that can wait. True: there is more.
  virtual bool work() { return false; }
  [[nodiscard]] virtual bool is_for_threads() const { return false; }
};

using MakeSubject = std::function<std::unique_ptr<Subject>(const Place&)>;
std::map<std::string, MakeSubject>& subjects();

// Makes the subject of that name; ends the process when there is none.
std::unique_ptr<Subject> make_subject(const std::string& name, const Place& place);

struct NamedSubject {
  NamedSubject(const char* name, MakeSubject make) { subjects().emplace(name, std::move(make)); }
};

// A bijection, so that no key comes twice: dense numbers would flatter a hash that is the identity.
inline std::uint64_t scramble(std::uint64_t number) {
  number ^= number >> 30;
  number *= 0xBF58476D1CE4E5B9;
  number ^= number >> 27;
  number *= 0x94D049BB133111EB;
  return number ^ number >> 31;
}

[[noreturn]] void stop(const std::string& why);

std::int64_t monotonic_ns();
std::int64_t processor_ns();  // of all threads of this process

}  // namespace okg::benchmarks
