#include "cli/faults.hpp"

#include <cstdlib>

#include "base/text.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;

base::Result<double> probability(const std::string& text) {
  char* end = nullptr;
  const double value = text.empty() || (text[0] != '.' && (text[0] < '0' || text[0] > '9'))
                           ? -1
                           : std::strtod(text.c_str(), &end);
  if (end == nullptr || *end != '\0' || !(value >= 0 && value <= 1))
    return Error(Code::invalid_argument, base::quote(text) + ": a probability is 0 to 1, as 0.2");
  return value;
}

}  // namespace

base::Result<Faults> Faults::parse(base::Os& os, const std::string& text) {
  Faults faults;
  std::uint64_t seed = 0;
  os.random(&seed, sizeof seed);
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = part.find('=');
    const std::string name = part.substr(0, equals),
                      value = equals == part.npos ? "" : part.substr(equals + 1);
    if (name == "drop" || name == "garble") {
      const auto parsed = probability(value);
      if (!parsed) return Error(Code::invalid_argument, name + " " + parsed.error().text);
      // A write that is lost each time never arrives.
      if (name == "drop" && *parsed > 0.95)
        return Error(Code::invalid_argument, "drop " + base::quote(value) + ": at most 0.95");
      (name == "drop" ? faults.drop_ : faults.garble_) = *parsed;
    } else if (name == "delay") {
      const auto parsed = base::parse_duration(value);
      if (!parsed) return Error(Code::invalid_argument, "delay " + parsed.error().text);
      faults.delay_ = *parsed;
    } else if (name == "seed") {
      const auto parsed = base::parse_number(value, UINT64_MAX);
      if (!parsed) return Error(Code::invalid_argument, "seed " + parsed.error().text);
      seed = *parsed;
    } else {
      return Error(Code::invalid_argument,
                   base::quote(part) + ": it is drop=P, delay=DURATION, garble=P or seed=N");
    }
  }
  faults.random_.seed(seed);
  return faults;
}

bool Faults::happens(double probability) {
  if (probability <= 0) return false;
  const std::lock_guard lock(*mutex_);
  return std::uniform_real_distribution<double>(0, 1)(random_) < probability;
}

std::chrono::milliseconds Faults::lateness() {
  if (delay_.count() == 0) return delay_;
  const std::lock_guard lock(*mutex_);
  return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, delay_.count())(random_));
}

std::string Faults::garbled(const std::string& text) {
  const std::lock_guard lock(*mutex_);
  const auto below = [&](std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(0, most)(random_);
  };
  // Neither may be read as an object by chance: it would be another one.
  if (text.empty() || below(1) == 0) return text.substr(0, below(text.size() * 3 / 4));
  std::string out = text;
  for (int i = 0; i < 20; ++i) out[below(out.size() - 1)] = static_cast<char>(below(255));
  out[below(out.size() - 1)] = '\x01';
  return out;
}

}  // namespace okg::cli
