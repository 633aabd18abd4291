#include "model/controller/explore.hpp"

#include <algorithm>
#include <unordered_map>

namespace okg::controller_model {
namespace {

// How a state was reached first.
struct Came {
  std::uint32_t from = 0;
  Event by = Event::kruise;
};

struct Edge {
  std::uint32_t from, to;
};

class Exploration {
 public:
  Exploration(const Setting& setting, Budget budget, Allowed allowed, std::uint64_t most)
      : setting_(setting), budget_(budget), allowed_(allowed), most_(most) {}

  Explored run() {
    std::vector<std::pair<std::uint32_t, World>> now, next;
    now.emplace_back(0, World(setting_, budget_, allowed_));
    numbers_[now[0].second.digest()] = 0;
    came_.push_back({});
    while (!now.empty() && came_.size() < most_) {
      for (const auto& [number, world] : now)
        if (!expand(number, world, next)) return result_;
      now = std::move(next);
      next.clear();
      ++result_.depth;
    }
    result_.is_complete = now.empty();
    result_.states = came_.size();
    if (result_.is_complete) look_for_circles();
    return result_;
  }

 private:
  // false: something is wrong
  bool expand(std::uint32_t number, const World& world, std::vector<std::pair<std::uint32_t, World>>& next) {
    world.events(events_);
    if (!setting_.forbidden && std::none_of(events_.begin(), events_.end(), comes_by_itself)) {
      ++result_.quiet;
      try {
        world.check_quiet();
      } catch (const Broken& broken) {
        return fail(number, std::nullopt, broken.text);
      }
    }
    for (const Event event : events_) {
      World after = world;
      ++result_.steps;
      try {
        after.happen(event);
      } catch (const Broken& broken) {
        return fail(number, event, broken.text);
      }
      const auto [found, is_new] = numbers_.emplace(after.digest(), static_cast<std::uint32_t>(came_.size()));
      if (comes_by_itself(event) && !takes_time(event)) edges_.push_back({number, found->second});
      if (!is_new) continue;
      came_.push_back({number, event});
      next.emplace_back(found->second, std::move(after));
    }
    return true;
  }

  // Whoever may not write tries again for ever, but seldom.
  bool takes_time(Event event) const { return setting_.forbidden && event == Event::deadline_passes; }

  bool fail(std::uint32_t number, std::optional<Event> last, const std::string& rule) {
    std::vector<Event> way;
    if (last) way.push_back(*last);
    for (; number != 0; number = came_[number].from) way.push_back(came_[number].by);
    std::reverse(way.begin(), way.end());
    std::vector<std::string> story;
    World world(setting_, budget_, allowed_, &story);
    std::string end = rule;
    try {
      for (const Event event : way) world.happen(event);
    } catch (const Broken& broken) {
      end = broken.text;
    }
    std::string text = "broken: " + end + "\n";
    for (const std::string& line : story) text += "  " + line + "\n";
    result_.wrong = text;
    result_.states = came_.size();
    return false;
  }

  // What comes by itself comes to an end: whoever goes round in circles writes patches for ever. What is left
  // when states without a way in are taken away again and again is on one, or behind one.
  void look_for_circles() {
    std::vector<std::uint32_t> ways_in(came_.size()), first(came_.size() + 1);
    for (const Edge& edge : edges_) ++ways_in[edge.to], ++first[edge.from + 1];
    for (std::size_t i = 1; i < first.size(); ++i) first[i] += first[i - 1];
    std::vector<std::uint32_t> to(edges_.size()), at(first.begin(), first.end() - 1);
    for (const Edge& edge : edges_) to[at[edge.from]++] = edge.to;
    std::vector<std::uint32_t> ready;
    std::size_t taken = 0;
    for (std::uint32_t i = 0; i < ways_in.size(); ++i)
      if (ways_in[i] == 0) ready.push_back(i);
    while (!ready.empty()) {
      const std::uint32_t number = ready.back();
      ready.pop_back();
      ++taken;
      for (std::uint32_t i = first[number]; i < first[number + 1]; ++i)
        if (--ways_in[to[i]] == 0) ready.push_back(to[i]);
    }
    if (taken == came_.size()) return;
    std::uint32_t number = 0;
    while (ways_in[number] == 0) ++number;
    fail(number, std::nullopt, "it goes round in circles from here");
  }

  Setting setting_;
  Budget budget_;
  Allowed allowed_;
  std::uint64_t most_;
  Explored result_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
  std::vector<Came> came_;
  std::vector<Edge> edges_;
  std::vector<Event> events_;
};

}  // namespace

Explored explore(const Setting& setting, Budget budget, Allowed allowed, std::uint64_t most_states) {
  return Exploration(setting, budget, allowed, most_states).run();
}

}  // namespace okg::controller_model
