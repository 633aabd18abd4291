// Two threads killed together: each of two changes, of different shards, is at any of its stores.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>

#include "crash/hot/store_trace.hpp"

namespace okg::hot::test {
namespace {

constexpr std::size_t kKeysOfAShard = 40;

enum class What { update, grow, insert, erase };
constexpr std::array kAll = {What::update, What::grow, What::insert, What::erase};

class HotPairs : public Harness, public testing::Test {
 protected:
  HotPairs() : Harness(kLeastBytes, 2, Bytes::Kind::own), killed_(kLeastBytes) {}
  // Not asked of it: two at a time are not one.
  std::optional<std::string> check(const Operation&, const Model&, Model*, bool, bool) override {
    return std::nullopt;
  }
  void SetUp() override {
    ASSERT_TRUE(engine().table("players", {}));
    for (std::uint64_t key = 0; there_[0].size() < kKeysOfAShard || there_[1].size() < kKeysOfAShard; ++key) {
      const std::size_t shard = shard_of(key);
      if (there_[shard].size() < kKeysOfAShard) put(key, std::string(30 + key % 7, 'a'), shard);
    }
  }

  std::size_t shard_of(std::uint64_t key) const {
    return Hashed{hash_key(key, header_.seed)}.shard(header_.shards);
  }
  void put(std::uint64_t key, const std::string& value, std::size_t shard) {
    ASSERT_TRUE(engine().put(0, key_of(key), value));
    model_[{0, std::string(key_of(key))}] = value;
    there_[shard].push_back(key);
  }
  std::uint64_t new_key(std::size_t shard) {
    do ++last_new_;
    while (shard_of(last_new_) != shard);
    return last_new_;
  }

  struct Change {
    std::uint64_t key;
    std::optional<std::string> value;  // none: erased
    std::vector<Store> stores;
  };
  // Carries it out in a thread of its own: another one than before has another log.
  Change change(What what, std::size_t shard) {
    Change done;
    std::vector<std::uint64_t>& keys = there_[shard];
    done.key = what == What::insert ? new_key(shard) : keys[++turn_ % keys.size()];
    const std::string old = what == What::insert ? "" : model_.at({0, std::string(key_of(done.key))});
    if (what != What::erase) done.value = std::string(what == What::grow ? old.size() + 40 : 33, 'b');
    if (what == What::update) done.value = std::string(old.size(), 'c');
    std::thread([&] {
      done.stores = trace_stores(memory_, [&] {
        ok_ = static_cast<bool>(done.value ? engine().put(0, key_of(done.key), *done.value)
                                           : engine().erase(0, key_of(done.key)));
      });
    }).join();
    EXPECT_TRUE(ok_);
    std::erase(keys, done.key);
    if (done.value) keys.push_back(done.key);
    return done;
  }
  static void apply(Model* model, const Change& change) {
    const std::pair<std::size_t, std::string> name{0, std::string(key_of(change.key))};
    if (change.value)
      (*model)[name] = *change.value;
    else
      model->erase(name);
  }
  static void store(const Bytes& image, const Store& store) {
    std::memcpy(image.get() + store.offset, store.bytes.data(), store.bytes.size());
  }

  // Each has happened or not, and it has once it returned.
  std::string look(const Change& one, std::size_t i, const Change& other, std::size_t j) {
    Model found;
    if (auto wrong = open_and_read(killed_, &found)) return *wrong;
    for (const bool has_one : {false, true})
      for (const bool has_other : {false, true}) {
        if ((i == one.stores.size() && !has_one) || (j == other.stores.size() && !has_other)) continue;
        Model expected = model_;
        if (has_one) apply(&expected, one);
        if (has_other) apply(&expected, other);
        if (found == expected) return "";
      }
    return "holds none of what may be there";
  }

  // Each pair of changes, each at each of its stores; the first thing that is wrong.
  std::string kill_everywhere() {
    for (int round = 0; round < 2; ++round)
      for (const What first : kAll)
        for (const What second : kAll) {
          std::memcpy(scratch_.get(), memory_.get(), memory_.size());
          const Change one = change(first, 0), other = change(second, 1);
          // Pages are taken under a mutex of all: not by two at a time.
          if (!takes_pages(header_, one.stores) && !takes_pages(header_, other.stores))
            if (std::string wrong = kill(one, other); !wrong.empty()) return wrong;
          apply(&model_, one);
          apply(&model_, other);
        }
    return "";
  }
  // From what is in scratch_ on.
  std::string kill(const Change& one, const Change& other) {
    ++pairs_;
    for (std::size_t i = 0; i <= one.stores.size(); ++i) {
      if (i > 0) store(scratch_, one.stores[i - 1]);
      std::memcpy(image_.get(), scratch_.get(), image_.size());
      for (std::size_t j = 0; j <= other.stores.size(); ++j) {
        if (j > 0) store(image_, other.stores[j - 1]);
        std::memcpy(killed_.get(), image_.get(), image_.size());
        ++images_;
        if (const std::string wrong = look(one, i, other, j); !wrong.empty())
          return "store " + std::to_string(i) + " of " + std::to_string(one.stores.size()) + ", " +
                 std::to_string(j) + " of " + std::to_string(other.stores.size()) + ": " + wrong;
      }
    }
    return "";
  }

  Bytes killed_;
  Model model_;
  std::array<std::vector<std::uint64_t>, 2> there_;
  std::uint64_t last_new_ = 1'000'000, turn_ = 0;
  std::size_t pairs_ = 0;
  bool ok_ = false;
};

TEST_F(HotPairs, EachMayBeAtAnyOfItsStores) {
  EXPECT_EQ(kill_everywhere(), "");
  EXPECT_GT(pairs_, 20U) << "nearly all took pages";
  std::printf("%zu pairs, %zu images\n", pairs_, images_);
}

TEST_F(HotPairs, ARecoveryThatForgetsALogIsFoundOut) {
  hot::faults::mutant = hot::faults::Mutant::recover_only_first_log;
  EXPECT_NE(kill_everywhere(), "");
  hot::faults::mutant = hot::faults::Mutant::none;
}

}  // namespace
}  // namespace okg::hot::test
