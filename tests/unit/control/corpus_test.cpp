// The fuzz target over its corpus and over mutations of it: what a fuzzer found once stays found.
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::string> corpus() {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(OKG_HTTP_CORPUS)) {
    std::ifstream file(entry.path(), std::ios::binary);
    out.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return out;
}

int run(const std::string& input) {
  return LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

TEST(HttpCorpus, Replays) {
  const auto inputs = corpus();
  ASSERT_GE(inputs.size(), 10u);
  for (const std::string& input : inputs) EXPECT_EQ(run(input), 0);
}

TEST(HttpCorpus, Mutations) {
  const auto inputs = corpus();
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string input = inputs[random() % inputs.size()];
    const std::string& other = inputs[random() % inputs.size()];
    if (random() % 4 == 0)
      input = input.substr(0, random() % (input.size() + 1)) + other.substr(random() % other.size());
    for (unsigned i = 0; i < random() % 8 && !input.empty(); ++i) {
      const std::size_t at = random() % input.size();
      static constexpr char kInteresting[] = "\r\n\t :;,/?%=&0123456789abcdefABCDEF\"{}\x00\x7f\xff";
      switch (random() % 3) {
        case 0:
          input[at] = kInteresting[random() % (sizeof kInteresting - 1)];
          break;
        case 1:
          input.erase(at, 1 + random() % 4);
          break;
        default:
          input.insert(at, input.substr(random() % input.size(), random() % 40));
      }
    }
    ASSERT_EQ(run(input), 0);
  }
}

}  // namespace
