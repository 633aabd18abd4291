// The part of CLI11 that commands use. Values arrive as text: base/text.hpp turns them into numbers,
// durations and sizes, so that every complaint has the same form.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace CLI {
class App;
}

namespace okg::cli {

using Value = std::optional<std::string>;

// "10s" of a flag; `otherwise` when it is not given.
base::Result<std::chrono::milliseconds> duration_of(const Value& value, const char* flag,
                                                    std::chrono::milliseconds otherwise);

class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(app) {}

  void flag(const char* name, const char* help, bool* into);
  // `placeholder` is shown in the help: "DIR", "SIZE".
  void value(const char* name, const char* placeholder, const char* help, Value* into);
  void values(const char* name, const char* placeholder, const char* help, std::vector<std::string>* into);
  void positional(const char* name, const char* help, Value* into);
  // All words that are left, any of them; what looks like a flag stands behind "--".
  void words(const char* name, const char* help, std::vector<std::string>* into);
  // All words that are left: files and the like, of which none begins with a dash.
  void positionals(const char* name, const char* help, std::vector<std::string>* into);

  // What stood behind "--": the words that are left, whatever they begin with. False: nobody wants them.
  bool take_rest(const std::vector<std::string>& rest);

  // After parsing: "" or what is wrong with a value ("--to: …").
  std::string complaint() const;

 private:
  CLI::App& app_;
  struct Given {
    std::string name;
    const Value* value;
    const std::vector<std::string>* values;
  };
  std::vector<Given> given_;
  Value* one_ = nullptr;  // of positional() and words()
  std::vector<std::string>* all_ = nullptr;
};

}  // namespace okg::cli
