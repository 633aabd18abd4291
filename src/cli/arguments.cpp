#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

#include "base/text.hpp"

namespace okg::cli {

base::Result<std::chrono::milliseconds> duration_of(const Value& value, const char* flag,
                                                    std::chrono::milliseconds otherwise) {
  if (!value) return otherwise;
  const auto parsed = base::parse_duration(*value);
  if (!parsed) return base::Error(parsed.error().code, std::string(flag) + " " + parsed.error().text);
  return *parsed;
}

void Arguments::flag(const char* name, const char* help, bool* into) {
  app_.add_flag(name, *into, help);
}

void Arguments::value(const char* name, const char* placeholder, const char* help, Value* into) {
  app_.add_option_function<std::string>(
          name, [into](const std::string& text) { *into = text; }, help)
      ->type_name(placeholder);
  given_.push_back({name, into, nullptr});
}

void Arguments::values(const char* name, const char* placeholder, const char* help,
                       std::vector<std::string>* into) {
  // One value each time the flag stands there: what follows it may be the command's own argument.
  app_.add_option(name, *into, help)
      ->type_name(placeholder)
      ->type_size(1)
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  given_.push_back({name, nullptr, into});
}

void Arguments::positional(const char* name, const char* help, Value* into) {
  app_.add_option_function<std::string>(name, [into](const std::string& text) { *into = text; }, help);
  given_.push_back({name, into, nullptr});
  one_ = into;
}

void Arguments::words(const char* name, const char* help, std::vector<std::string>* into) {
  app_.add_option(name, *into, help)->type_name("");
  all_ = into;
}

void Arguments::positionals(const char* name, const char* help, std::vector<std::string>* into) {
  words(name, help, into);
  given_.push_back({name, nullptr, into});
}

bool Arguments::take_rest(const std::vector<std::string>& rest) {
  if (all_ != nullptr) {
    all_->insert(all_->end(), rest.begin(), rest.end());
    return true;
  }
  if (one_ == nullptr || *one_ || rest.size() != 1) return rest.empty();
  *one_ = rest.front();
  return true;
}

std::string Arguments::complaint() const {
  const auto bad = [](const std::string& text) { return text.empty() || text.front() == '-'; };
  const auto say = [](const std::string& name, const std::string& text) {
    return name + " " + base::quote(text) + ": needs a value" +
           (text.empty() ? "" : "; write ./-x for a file that begins with a dash");
  };
  for (const Given& given : given_) {
    if (given.value != nullptr && *given.value && bad(**given.value)) return say(given.name, **given.value);
    if (given.values == nullptr) continue;
    for (const std::string& text : *given.values)
      if (bad(text)) return say(given.name, text);
  }
  return {};
}

}  // namespace okg::cli
