// okg reload: have the server take what is desired into use, also if it refused it before.
#include "cli/command.hpp"
#include "cli/request_reload.hpp"

namespace okg::cli {
namespace {

class Reload final : public Command {
 public:
  const char* name() const override { return "reload"; }
  const char* summary() const override { return "Have the server take the published payload into use, now"; }
  std::vector<const char*> examples() const override { return {"okg reload --force --wait 1m"}; }
  void define(Arguments& arguments) override {
    arguments.value("--to", "DIGEST", "only if this is what is published", &to_);
    arguments.flag("--force", "also if the server has refused it before", &force_);
    arguments.value("--wait", "DURATION", "for the outcome (30s); 75 when there is none", &wait_);
  }

  int run(Program& program) override {
    ReloadRequest request{.target = "/v1/reload", .body = base::OrderedJson::object(), .wait = wait_};
    if (to_) {
      const auto digest = parse_to(*to_);
      if (!digest) return program.fail(digest.error());
      request.body["digest"] = digest->text();
      request.digest = *digest;
    }
    request.body["force"] = force_;
    return request_reload(program, request);
  }

 private:
  Value to_, wait_;
  bool force_ = false;
};

}  // namespace

std::unique_ptr<Command> make_reload() {
  return std::make_unique<Reload>();
}

}  // namespace okg::cli
