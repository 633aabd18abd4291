#include "model/run.hpp"

namespace okg::model {

std::unique_ptr<Subject> make_real(reload::ReloaderOptions options, Guard guard) {
  return std::make_unique<Subject>(std::move(options), std::move(guard));
}

std::optional<std::string> broken_rule(std::uint64_t seed, std::uint64_t steps, const MakeSubject& make,
                                       Reached* reached) {
  World world(seed, make, false);
  try {
    world.run(steps);
  } catch (const Broken& broken) {
    return broken.text;
  }
  if (reached != nullptr) reached->add(world.reached());
  return std::nullopt;
}

std::string story(std::uint64_t seed, std::uint64_t steps, const MakeSubject& make) {
  constexpr std::size_t kLines = 60;
  World world(seed, make, true);
  std::string text;
  try {
    world.run(steps);
  } catch (const Broken& broken) {
    text = broken.text;
  }
  const auto& lines = world.history();
  std::string told = "seed " + std::to_string(seed) + ":\n";
  for (std::size_t i = lines.size() > kLines ? lines.size() - kLines : 0; i < lines.size(); ++i)
    told += lines[i] + "\n";
  return told + "broken: " + text;
}

}  // namespace okg::model
