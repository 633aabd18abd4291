#include "model/controller/run.hpp"

#include <random>

namespace okg::controller_model {
namespace {

constexpr Budget kPlenty = {200, 200, 200, 200};
constexpr unsigned kMostToRest = 5'000;

class Walk {
 public:
  Walk(std::uint64_t seed, std::vector<std::string>* story) : random_(seed), story_(story) {
    Setting setting;
    setting.view = static_cast<View>(below(3));
    setting.hook = !chance(0.2);
    setting.delete_hook = chance(0.5);
    setting.grace = chance(0.5);
    setting.old_okg = chance(0.7);
    setting.names_updating = chance(0.3);
    setting.keeps_gameserver = chance(0.2);
    setting.asks = chance(0.9);
    setting.answers = chance(0.8);
    Allowed allowed = ~Allowed{0};
    // What a token says of opsState is written over anything: the adapter cannot do better.
    if (setting.view == View::volume) allowed &= ~bits(Event::set, Event::expect);
    trouble_ = pick({0.0, 0.01, 0.05, 0.2});
    updates_ = pick({0.005, 0.02, 0.1});
    sets_ = pick({0.0, 0.02, 0.1});
    calm_ = pick({0.002, 0.01});
    world_.emplace(setting, kPlenty, allowed, story);
  }

  void steps(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) step();
    rest();
  }
  const Reached& reached() {
    reached_.patches = world_->process().patches();
    world_->process().judge().count(reached_.notices, reached_.conflicts, reached_.taken_back);
    return reached_;
  }

 private:
  std::uint64_t below(std::uint64_t count) { return random_() % count; }
  bool chance(double probability) {
    return std::uniform_real_distribution<double>(0, 1)(random_) < probability;
  }
  double pick(std::initializer_list<double> values) {
    return *(values.begin() + static_cast<std::ptrdiff_t>(below(values.size())));
  }

  void step() {
    ++reached_.steps;
    world_->refill(kPlenty);
    if (chance(calm_)) return rest();
    if (chance(0.05))
      world_->pass(static_cast<Nanoseconds>(pick({0.1, 3, 90}) *
                                            std::uniform_real_distribution<double>(0, 1)(random_) * kSecond));
    world_->events(events_);
    const double which = std::uniform_real_distribution<double>(0, 1)(random_);
    if (which < updates_)
      return (void)choose([](Event e) { return e >= Event::update_sidecar && e <= Event::revert; });
    if (which < updates_ + sets_)
      return (void)choose([](Event e) { return e >= Event::set && e <= Event::somebody_undoes; });
    if (which < updates_ + sets_ + trouble_) return (void)choose([](Event e) { return !comes_by_itself(e); });
    choose([](Event e) { return comes_by_itself(e); });
  }

  template <class Wanted>
  bool choose(Wanted wanted) {
    std::erase_if(events_, [&](Event event) { return !wanted(event); });
    if (events_.empty()) return false;
    const Event event = events_[below(events_.size())];
    ++reached_.events[static_cast<std::size_t>(event)];
    world_->happen(event);
    return true;
  }

  // Nobody wants anything more.
  void rest() {
    for (unsigned i = 0; i < kMostToRest; ++i) {
      world_->events(events_);
      if (choose(comes_by_itself)) continue;
      world_->check_quiet();
      ++reached_.quiet;
      return;
    }
    throw Broken{"it does not come to rest"};
  }

  std::mt19937_64 random_;
  std::vector<std::string>* story_;
  std::optional<World> world_;
  double trouble_ = 0, updates_ = 0, sets_ = 0, calm_ = 0;
  std::vector<Event> events_;
  Reached reached_;
};

}  // namespace

void Reached::add(const Reached& other) {
  steps += other.steps;
  quiet += other.quiet;
  for (std::size_t i = 0; i < std::size(events); ++i) events[i] += other.events[i];
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t j = 0; j < 4; ++j) notices[i][j] += other.notices[i][j];
  patches += other.patches;
  conflicts += other.conflicts;
  taken_back += other.taken_back;
}

std::optional<std::string> broken_rule(std::uint64_t seed, std::uint64_t steps, Reached* reached) {
  try {
    Walk walk(seed, nullptr);
    walk.steps(steps);
    if (reached != nullptr) reached->add(walk.reached());
  } catch (const Broken& broken) {
    return broken.text;
  }
  return std::nullopt;
}

std::string story(std::uint64_t seed, std::uint64_t steps) {
  constexpr std::size_t kLines = 80;
  std::vector<std::string> lines;
  std::string end = "nothing is broken";
  try {
    Walk(seed, &lines).steps(steps);
  } catch (const Broken& broken) {
    end = "broken: " + broken.text;
  }
  std::string text = "seed " + std::to_string(seed) + ":\n";
  for (std::size_t i = lines.size() > kLines ? lines.size() - kLines : 0; i < lines.size(); ++i)
    text += lines[i] + "\n";
  return text + end;
}

}  // namespace okg::controller_model
