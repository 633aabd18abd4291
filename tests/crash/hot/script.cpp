#include "crash/hot/script.hpp"

#include <array>

namespace okg::hot::test {
namespace {

constexpr std::size_t kNumbers = 0, kNames = 1;

class Script {
 public:
  Script(const ScriptOptions& options, Harness& harness)
      : options_(options), random_(options.seed), engine_(harness) {}

  ScriptDone run() {
    ScriptDone done;
    for (std::size_t table : {kNumbers, kNames}) {
      TableOptions chosen;
      chosen.key_kind = table == kNumbers ? KeyKind::u64 : KeyKind::bytes;
      const std::string name = table == kNumbers ? "numbers" : "names";
      Model none;
      done.wrong = engine_.check([&](Engine& engine) { return engine.table(name, chosen).has_value(); }, {},
                                 &none, true, true);
      if (done.wrong) return done;
    }
    for (std::size_t step = 0; step < options_.steps && !done.wrong; ++step) {
      if (step % options_.reopen_every == options_.reopen_every - 1) engine_.reopen();
      Step next = choose(step);
      done.wrong = engine_.check(next.operation, model_, &next.after, step % options_.look_every == 0,
                                 step % options_.twice_every == 0);
      if (done.wrong) done.wrong = "step " + std::to_string(step) + ", " + next.what + ": " + *done.wrong;
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
  };

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
    const std::size_t table = below(4) == 0 ? kNames : kNumbers;
    // First it grows until leaves split, then it lives, then it shrinks.
    const std::uint64_t dice = below(100);
    grows_ = step < options_.steps * 2 / 3;
    if (step == 2 || step == 3) return erase(model_.begin()->first);
    if (dice == 99) return {"reclaim", [](Engine& engine) { return engine.reclaim() || true; }, model_};
    if (model_.empty() || dice < (grows_ ? 85U : 15U)) return put("insert", table, new_key(table));
    auto record = model_.begin();
    std::advance(record, static_cast<std::ptrdiff_t>(below(model_.size())));
    if (dice < (grows_ ? 95U : 50U)) return put("update", record->first.first, record->first.second);
    return erase(record->first);
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
      const auto done = engine.put(table, key, bytes);
      if (!done && done.error().code != base::Code::no_space)
        throw std::runtime_error("put: " + done.error().text);
      return done.has_value();
    };
    return step;
  }

  ScriptOptions options_;
  std::mt19937_64 random_;
  Harness& engine_;
  Model model_;
  std::uint64_t last_key_ = 0;
  bool grows_ = true;
};

}  // namespace

ScriptDone run_script(const ScriptOptions& options, Harness& harness) {
  return Script(options, harness).run();
}

}  // namespace okg::hot::test
