#include "crash/hot/script.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace okg::hot::test {
namespace {

constexpr std::size_t kNumbers = 0, kNames = 1, kOutbox = 2, kDiff = 3, kInPlace = 4;
constexpr std::uint64_t kRegionBytes = 5000;     // no multiple of a line
constexpr std::size_t kOpening = 4 + 180 + 151;  // steps

RegionOptions region_options(std::size_t entry) {
  RegionOptions options;
  options.mode = entry == kDiff ? RegionMode::diff : RegionMode::in_place;
  options.bytes = kRegionBytes;
  return options;
}

Region& region_of(Engine& engine, std::size_t entry) {
  return engine.region_at(*engine.region(entry == kDiff ? "diff" : "in place", region_options(entry)));
}

Journal& outbox_of(Engine& engine) {
  return engine.journal_at(*engine.journal("outbox", {}));
}

// An error that a full segment may give.
bool happened(const base::Status& done) {
  if (!done && done.error().code != base::Code::no_space) throw std::runtime_error(done.error().text);
  return done.has_value();
}

class Script {
 public:
  Script(const ScriptOptions& options, Harness& harness)
      : options_(options), random_(options.seed), engine_(harness) {}

  ScriptDone run() {
    ScriptDone done;
    done.wrong = make_named();
    for (std::size_t i = 0; i < options_.filled && !done.wrong; ++i) {
      const Step next = put("fill", kNumbers, new_key(kNumbers), 8);
      if (next.operation(engine_.engine())) model_ = next.after;
    }
    for (std::size_t step = 0; step < options_.steps && !done.wrong; ++step) {
      if (step % options_.reopen_every == options_.reopen_every - 1) engine_.reopen();
      Step next = choose(step);
      const bool looks =
          step % options_.look_every == 0 || (next.is_special && below(options_.look_every) < 4);
      done.wrong =
          engine_.check(next.operation, model_, &next.after, looks, step % options_.twice_every == 0);
      if (done.wrong) done.wrong = "step " + std::to_string(step) + ", " + next.what + ": " + *done.wrong;
      if (next.tail != 0 && next.after != model_) tail_ = next.tail;
      model_ = std::move(next.after);
    }
    done.images = engine_.images();
    if (const auto usage = engine_.engine().verify()) done.usage = *usage;
    return done;
  }

 private:
  struct Step {
    std::string what;
    Operation operation;
    Model after;
    std::uint64_t tail = 0;  // of the journal, once it has happened
    bool is_special = false;
  };

  std::optional<std::string> make_named() {
    const std::string zeros(kRegionBytes, '\0');
    const auto make = [&](const Operation& operation, std::size_t region) {
      Model after = model_;
      if (region != 0) after[{region, ""}] = zeros;
      auto wrong = engine_.check(operation, model_, &after, true, true);
      model_ = after;
      if (wrong) *wrong = "making entry: " + *wrong;
      return wrong;
    };
    TableOptions names;
    names.key_kind = KeyKind::bytes;
    if (auto wrong = make([](Engine& e) { return e.table("numbers", {}).has_value(); }, 0)) return wrong;
    if (auto wrong = make([&](Engine& e) { return e.table("names", names).has_value(); }, 0)) return wrong;
    JournalOptions outbox;
    outbox.bytes = 8192;
    if (auto wrong = make([&](Engine& e) { return e.journal("outbox", outbox).has_value(); }, 0))
      return wrong;
    for (const std::size_t entry : {kDiff, kInPlace})
      if (auto wrong = make([&](Engine& e) { return region_of(e, entry).size() != 0; }, entry)) return wrong;
    return std::nullopt;
  }

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  std::string value(std::optional<std::size_t> wanted) {
    // Of every way to lie: slots of the finest classes, of coarse ones, pages of their own.
    static constexpr std::array<std::size_t, 12> kSizes = {0,   1,   8,    24,   60,     64,
                                                           200, 500, 1100, 3000, 20'000, 70'000};
    const std::uint64_t which = below(100);
    std::size_t size = which < 90 ? kSizes[below(4)] : which < 98 ? kSizes[below(10)] : kSizes[below(12)];
    if (!grows_ && which < 50) size = below(1000);  // slabs of other classes, where something else was before
    std::string bytes(wanted.value_or(size), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }

  std::string new_key(std::size_t table) {
    if (table == kNumbers) {
      const std::uint64_t key = ++last_key_;
      return {reinterpret_cast<const char*>(&key), sizeof key};
    }
    return std::string(below(2) == 0 ? 3 : 30, 'k') + std::to_string(++last_key_);
  }

  Step choose(std::size_t step) {
    // The first slabs lie where something else was.
    if (step < 2) return put("insert", kNumbers, new_key(kNumbers), 70'000);
    if (step == 2 || step == 3) return erase(record_at(0));
    grows_ = step < options_.steps * 2 / 3;
    if (step < kOpening) return opening(step);
    if (Step special = choose_special(); special.operation) {
      special.is_special = true;
      return special;
    }
    // First it grows until leaves split, then it lives, then it shrinks.
    const std::uint64_t dice = below(100);
    const std::size_t table = below(4) == 0 ? kNames : kNumbers;
    if (records() == 0 || dice < (grows_ ? 85U : 15U)) return put("insert", table, new_key(table));
    const Model::key_type record = any_record();
    if (dice < (grows_ ? 95U : 50U)) return put("update", record.first, record.second, size_like(record));
    return erase(record);
  }

  // Slabs that are full, then nearly empty: what compaction is for.
  Step opening(std::size_t step) {
    if (step < kOpening - 151) return put("insert", kNumbers, new_key(kNumbers), 1000);
    if (step < kOpening - 1) return erase(any_record());
    Step compaction = compact();
    compaction.is_special = true;
    return compaction;
  }

  Step choose_special() {
    switch (below(24)) {
      case 0:
        return {"reclaim", [](Engine& engine) { return engine.reclaim() || true; }, model_};
      case 1:
        if (options_.compacts_often) return compact();
        return append();
      case 2:
        return append();
      case 3:
        return acknowledge();
      case 4:
        return tick(kDiff);
      case 5:
        return tick(kInPlace);
      case 6:
      case 7:
        return transaction();
      case 8:
        return deadline();
      default:
        return {};
    }
  }

  // Records lie in front of everything else in the model.
  std::size_t records() const {
    return static_cast<std::size_t>(std::distance(model_.begin(), model_.lower_bound({kOutbox, ""})));
  }
  Model::key_type record_at(std::size_t number) const {
    auto record = model_.begin();
    std::advance(record, static_cast<std::ptrdiff_t>(number));
    return record->first;
  }
  Model::key_type any_record() { return record_at(below(records())); }

  // Often one that goes where the old one lies.
  std::optional<std::size_t> size_like(const Model::key_type& record) {
    if (below(3) == 0) return std::nullopt;
    const std::size_t size = model_.at(record).size();
    return size < 8 || below(2) == 0 ? size : size - below(8);
  }

  std::string random_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }

  Step erase(const Model::key_type& record) {
    Step step{"erase", {}, model_};
    step.operation = [record](Engine& engine) {
      return engine.erase(record.first, record.second).has_value();
    };
    step.after.erase(record);
    return step;
  }

  Step put(const char* what, std::size_t table, std::string key,
           std::optional<std::size_t> size = std::nullopt) {
    Step step{what, {}, model_};
    std::string bytes = value(size);
    step.what += " of " + std::to_string(bytes.size()) + " bytes";
    step.after[{table, key}] = bytes;
    step.operation = [table, key = std::move(key), bytes = std::move(bytes)](Engine& engine) {
      return happened(engine.put(table, key, bytes));
    };
    return step;
  }

  Step compact() {
    engine_.engine().know_slabs();  // which stores nothing
    return {"compact",
            [](Engine& engine) {
              for (int i = 0; i < 200; ++i) {
                const auto done = engine.compact();
                if (!done) throw std::runtime_error("compact: " + done.error().text);
                if (*done != Engine::Compacted::looked) break;
              }
              return true;
            },
            model_};
  }

  Step append() {
    Step step{"append", {}, model_};
    std::string message = random_bytes(below(600));
    step.after[{kOutbox, std::to_string(tail_)}] = message;
    step.tail = tail_ + padded(sizeof(FrameHeader) + message.size(), kFrameUnit);
    step.operation = [message = std::move(message)](Engine& engine) {
      const auto done = outbox_of(engine).append(message);
      return done ? true : happened(done.error());
    };
    return step;
  }

  Step acknowledge() {
    std::vector<std::uint64_t> sequences;
    for (auto at = model_.lower_bound({kOutbox, ""}); at->first.first == kOutbox; ++at)
      sequences.push_back(std::stoull(at->first.second));
    if (sequences.empty()) return append();
    std::sort(sequences.begin(), sequences.end());
    const std::uint64_t upto = sequences[below(sequences.size())];
    Step step{"acknowledge", {}, model_};
    for (const std::uint64_t sequence : sequences)
      if (sequence <= upto) step.after.erase({kOutbox, std::to_string(sequence)});
    step.operation = [upto](Engine& engine) { return happened(outbox_of(engine).acknowledge(upto)); };
    return step;
  }

  // Some places are written; then a commit, or all of it is taken back.
  Step tick(std::size_t entry) {
    Step step{entry == kDiff ? "diff tick" : "tick in place", {}, model_};
    struct Write {
      std::uint64_t offset;
      std::string bytes;
    };
    std::vector<Write> writes;
    std::string& region = step.after[{entry, ""}];
    for (std::uint64_t i = below(4) + 1; i > 0; --i) {
      Write write{0, random_bytes(below(10) == 0 ? 900 : 1 + below(100))};
      write.offset = below(kRegionBytes - write.bytes.size() + 1);
      region.replace(write.offset, write.bytes.size(), write.bytes);
      writes.push_back(std::move(write));
    }
    const bool takes_back = below(6) == 0;
    if (takes_back) step.after = model_;
    step.operation = [entry, takes_back, writes = std::move(writes)](Engine& engine) {
      Region& at = region_of(engine, entry);
      for (const Write& write : writes) {
        if (!at.touch(write.offset, write.bytes.size())) throw std::runtime_error("touch");
        if (entry == kDiff)
          std::memcpy(at.data() + write.offset, write.bytes.data(), write.bytes.size());
        else
          ordered::fill(at.data() + write.offset, write.bytes.data(), write.bytes.size());
      }
      return happened(takes_back ? at.roll_back() : at.commit());
    };
    return step;
  }

  // Some changes, to records of both tables and to the journal.
  Step transaction() {
    struct Part {
      Change::Kind kind;
      std::size_t entry;
      std::string key, value;
    };
    std::vector<Part> parts;
    Step step{"transaction", {}, model_};
    for (std::uint64_t i = below(4) + 2; i > 0; --i) {
      if (below(3) == 0 && records() > 0) {
        const Model::key_type record = any_record();
        const bool is_double = std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
          return part.entry == record.first && part.key == record.second;
        });
        if (is_double) continue;
        if (below(2) == 0) {
          parts.push_back({Change::Kind::erase, record.first, record.second, ""});
          step.after.erase(record);
        } else {
          parts.push_back({Change::Kind::put, record.first, record.second, random_bytes(below(300))});
          step.after[record] = parts.back().value;
        }
        continue;
      }
      const std::size_t table = below(2) == 0 ? kNames : kNumbers;
      parts.push_back({Change::Kind::put, table, new_key(table), random_bytes(below(300))});
      step.after[{table, parts.back().key}] = parts.back().value;
    }
    step.tail = tail_;
    for (std::uint64_t i = below(3); i > 0; --i) {
      parts.push_back({Change::Kind::append, kOutbox, "", random_bytes(below(200))});
      step.after[{kOutbox, std::to_string(step.tail)}] = parts.back().value;
      step.tail += padded(sizeof(FrameHeader) + parts.back().value.size(), kFrameUnit);
    }
    step.operation = [parts = std::move(parts)](Engine& engine) {
      (void)outbox_of(engine);
      std::vector<Change> changes;
      for (const Part& part : parts) changes.push_back({part.kind, part.entry, part.key, part.value});
      return happened(engine.commit(changes));
    };
    return step;
  }

  // Which is never past, for the engine has no clock here.
  Step deadline() {
    if (records() == 0) return append();
    const Model::key_type record = any_record();
    const auto at = static_cast<std::int64_t>(1 + below(1000));
    return {"deadline",
            [record, at](Engine& engine) {
              return happened(engine.set_deadline(record.first, record.second, at));
            },
            model_};
  }

  ScriptOptions options_;
  std::mt19937_64 random_;
  Harness& engine_;
  Model model_;
  std::uint64_t last_key_ = 0, tail_ = kFrameUnit;
  bool grows_ = true;
};

}  // namespace

ScriptDone run_script(const ScriptOptions& options, Harness& harness) {
  return Script(options, harness).run();
}

}  // namespace okg::hot::test
