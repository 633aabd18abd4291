// okg rollback: have the server go back, until something newer is published.
#include "cli/command.hpp"
#include "cli/request_reload.hpp"

namespace okg::cli {
namespace {

constexpr char kLastGood[] = "last_good";

class Rollback final : public Command {
 public:
  const char* name() const override { return "rollback"; }
  const char* summary() const override {
    return "Have the server go back to what was good, until the next publish";
  }
  std::vector<const char*> examples() const override {
    return {"okg rollback", "okg rollback --to sha256:5f3a…"};
  }
  void define(Arguments& arguments) override {
    arguments.value("--to", "DIGEST", "a version that is still on the volume (last_good)", &to_);
    arguments.flag("--force", "also if the server has refused it before", &force_);
    arguments.value("--wait", "DURATION", "for the outcome (30s); 75 when there is none", &wait_);
  }

  int run(Program& program) override {
    ReloadRequest request{.target = "/v1/rollback",
                          .body = base::OrderedJson{{"to", kLastGood}},
                          .to_last_good = !to_ || *to_ == kLastGood,
                          .wait = wait_};
    if (to_ && *to_ != kLastGood) {
      const auto digest = parse_to(*to_);
      if (!digest) return program.fail(digest.error());
      request.body["to"] = digest->text();
      request.digest = *digest;
    }
    if (force_) request.body["force"] = true;
    return request_reload(program, request);
  }

 private:
  Value to_, wait_;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_rollback() {
  return std::make_unique<Rollback>();
}

}  // namespace okg::cli
