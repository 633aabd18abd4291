// A table as a program has it: values of the program's schema, whatever version a record is of.
#pragma once

#include "hot/engine.hpp"
#include "hot/migration.hpp"

namespace okg::hot {

struct TableSchema {
  TableOptions options;
  std::vector<Migration> migrations;
};

class Table {
 public:
  // May make it, unless that is forbidden.
  static base::Result<std::unique_ptr<Table>> open(Engine& engine, std::string_view name, TableSchema schema,
                                                   bool may_make);

  std::size_t entry() const { return entry_; }

  base::Status put(std::string_view key, std::string_view value, Deadline deadline = {});
  base::Status erase(std::string_view key);
  base::Status set_deadline(std::string_view key, std::int64_t at_ns);
  // *size is the value's. Where it is not found, `buffer` holds anything.
  template <class Key>  // as in Engine::get()
  Got get(Key key, void* buffer, std::size_t capacity, std::size_t* size) const {
    Engine::Value value;
    const Got got = engine_.get(entry_, key, buffer, capacity, &value);
    *size = value.size;
    if ((got != Got::found && got != Got::too_small) || value.schema == own()) return got;
    return get_of_other_version(key, value, buffer, capacity, size);
  }
  template <class Visit>
  base::Status for_each(Visit&& visit) const;
  // mismatch for a record of another version: it does not lie there as this program knows it.
  Got view(std::string_view key, Engine::View* view);

  // As part of a transaction. What it refers to lives in `*kept` where it had to be converted.
  base::Result<Change> change_to_put(std::string_view key, std::string_view value, Deadline deadline,
                                     std::string* kept) const;
  Change change_to_erase(std::string_view key) const;

  // What lies there as a value of the program's version.
  base::Result<std::string> as_own(std::string_view value, std::uint16_t schema) const {
    return convert(schema_.migrations, value, schema, own());
  }

  // Records of the program's version are written from here on: an older program cannot read them any more.
  base::Status finalize();
  // Rewrites some older records. False when there are none left.
  bool migrate();

 private:
  Table(Engine& engine, std::size_t entry, TableSchema schema)
      : engine_(engine), entry_(entry), schema_(std::move(schema)) {}
  std::uint64_t own() const { return schema_.options.schema_version; }
  // What records are written as.
  std::uint64_t written() const;
  Got get_of_other_version(std::uint64_t key, Engine::Value value, void* buffer, std::size_t capacity,
                           std::size_t* size) const {
    return get_of_other_version(key_of(key), value, buffer, capacity, size);
  }
  Got get_of_other_version(std::string_view key, Engine::Value value, void* buffer, std::size_t capacity,
                           std::size_t* size) const;
  base::Status migrate_record(std::string_view key);

  Engine& engine_;
  std::size_t entry_;
  TableSchema schema_;
  std::mutex migrate_mutex_;
  Engine::LeafPlace place_;
  std::vector<std::string> keys_;
  bool has_left_ = false;  // a record that was not converted
};

template <class Visit>
base::Status Table::for_each(Visit&& visit) const {
  if (!engine_.is_here()) return engine_.check_writable();
  base::Status wrong;
  auto done =
      engine_.for_each(entry_, [&](std::string_view key, std::string_view value, const Engine::Value& as) {
        if (as.schema == own()) return static_cast<bool>(visit(key, value));
        if (as.schema > own()) return true;  // not this program's
        const auto now = as_own(value, as.schema);
        if (now) return static_cast<bool>(visit(key, std::string_view(*now)));
        wrong = now.error();
        return false;
      });
  if (done && !wrong) return wrong;
  return done;
}

}  // namespace okg::hot
