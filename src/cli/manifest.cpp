// okg manifest: what a GameServerSet of a user's own needs, as YAML to begin with.
#include <algorithm>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/pieces.hpp"
#include "cli/yaml.hpp"
#include "controller/ops_token.hpp"
#include "controller/values.hpp"

namespace okg::cli {
namespace {

using base::OrderedJson;

constexpr char kWhat[] = "gameserverset, service-quality, role, policy, volumes or env";
constexpr std::string_view kPassedOn =
    "gs-sync/";  // of a GameServer's labels OKG passes only these to the pod
constexpr std::size_t kMostLabel = 63;

// A name of a container, an account, a GameServerSet. Its pods have a number behind it, and are labels too.
base::Status check_name(std::string_view name, std::size_t most) {
  const bool good = !name.empty() && name.size() <= most && name.front() != '-' && name.back() != '-' &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                    });
  if (good) return {};
  return base::Error(base::Code::invalid_argument, base::quote(name) + ": no name: up to " +
                                                       std::to_string(most) +
                                                       " of a-z 0-9 -, a letter or digit first and last");
}

class Manifest final : public Command {
 public:
  const char* name() const override { return "manifest"; }
  const char* summary() const override { return "Print what a GameServerSet of your own needs, as YAML"; }
  std::vector<const char*> examples() const override {
    return {"okg manifest --name shooter > shooter.yaml            all of it, for servers that use the API",
            "okg manifest --no-rbac --ops-state Draining           and for servers without rights",
            "okg manifest service-quality --game server            a piece for a set that is there already"};
  }
  void define(Arguments& arguments) override {
    arguments.positional("WHAT", std::string(kWhat).append("; all that is an object without it").c_str(),
                         &what_);
    arguments.value("--name", "NAME", "of GameServerSet, service account and role (game-server)", &name_);
    arguments.value("--namespace", "NAME", "of the objects (none: what kubectl or kustomize say)",
                    &namespace_);
    arguments.value("--game", "CONTAINER", "the server's container (game)", &game_);
    arguments.value("--sidecar", "CONTAINER", "the container that brings the payload (payload)", &sidecar_);
    arguments.values("--ops-state", "STATE", "an opsState of the game's own; may be given again", &states_);
    arguments.value("--hook", "LABEL", "label that holds an update back (gs-sync/update-block); -: none",
                    &hook_);
    arguments.flag("--no-rbac", "servers have no rights to the API: they report by service qualities",
                   &no_rbac_);
  }

  int run(Program& program) override {
    const auto options = read_flags();
    if (!options) return program.fail(kUsage, options.error().text);
    std::vector<OrderedJson> things;
    const auto add = [&](std::vector<OrderedJson> more) {
      things.insert(things.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    };
    bool objects = true;
    if (!what_ || *what_ == "gameserverset") things.push_back(game_server_set(*options));
    if (what_ ? *what_ == "role" : options->rbac) add(role(*options));
    if (what_ ? *what_ == "policy" : options->rbac) add(policy(*options));
    if (things.empty()) {
      objects = false;
      if (*what_ == "service-quality")
        things.push_back(service_qualities(*options));
      else if (*what_ == "volumes")
        things.push_back(volumes(*options));
      else if (*what_ == "env")
        things.push_back(environment(*options));
      else
        return program.fail(kUsage, base::quote(*what_) + ": it is " + kWhat);
    }
    print(program, things, objects);
    return program.done();
  }

 private:
  static void print(const Program& program, const std::vector<OrderedJson>& things, bool objects) {
    if (program.flags.json) {
      OrderedJson list{{"apiVersion", "v1"}, {"kind", "List"}, {"items", OrderedJson::array()}};
      for (const auto& thing : things) list["items"].push_back(without_comments(thing));
      return program.output.result_json(objects ? list : list["items"].front());
    }
    std::string text;
    for (const auto& thing : things) text += (text.empty() ? "" : "---\n") + to_yaml(thing);
    program.output.result_text(text);
  }

  base::Result<PieceOptions> read_flags() const {
    PieceOptions options;
    options.rbac = !no_rbac_;
    const auto bad = [](const char* flag, const base::Error& error) {
      return base::Error(base::Code::invalid_argument, std::string(flag) + " " + error.text);
    };
    const auto name = [&](const char* flag, const Value& from, std::string& into,
                          std::size_t most) -> base::Status {
      if (!from) return {};
      into = *from;
      if (const auto good = check_name(into, most); !good) return bad(flag, good.error());
      return {};
    };
    constexpr std::size_t kRoom = 11;  // for "-" and a pod's number, or a revision's hash
    if (const auto good = name("--name", name_, options.name, kMostLabel - kRoom); !good) return good.error();
    if (const auto good = name("--namespace", namespace_, options.name_space, kMostLabel); !good)
      return good.error();
    if (const auto good = name("--game", game_, options.game, kMostLabel); !good) return good.error();
    if (const auto good = name("--sidecar", sidecar_, options.sidecar, kMostLabel); !good)
      return good.error();
    if (options.game == options.sidecar)
      return base::Error(base::Code::invalid_argument,
                         "--sidecar " + base::quote(options.sidecar) + ": is the server's container already");
    if (hook_) {
      options.hook = *hook_ == "-" ? "" : *hook_;
      if (const auto good = controller::check_key(options.hook); !options.hook.empty() && !good)
        return bad("--hook", good.error());
      if (!options.hook.empty() && !options.hook.starts_with(kPassedOn))
        return base::Error(base::Code::invalid_argument,
                           "--hook " + base::quote(options.hook) +
                               ": begins with gs-sync/: OKG passes no other label to the pod");
    }
    for (const std::string& state : states_) {
      if (const auto good = controller::check_ops_state(state); !good)
        return bad("--ops-state", good.error());
      // `okg probe ops` could not say it: Unknown, x.again.
      const controller::OpsToken token{state, false, controller::OpsToken::Answer::none};
      if (const auto read = controller::parse_ops_token(token.text()); !read || !(*read == token))
        return base::Error(base::Code::invalid_argument, "--ops-state " + base::quote(state) +
                                                             ": okg probe ops has another meaning for it");
      options.ops_states.push_back(state);
    }
    return options;
  }

  Value what_, name_, namespace_, game_, sidecar_, hook_;
  std::vector<std::string> states_;
  bool no_rbac_ = false;
};

}  // namespace

std::unique_ptr<Command> make_manifest() {
  return std::make_unique<Manifest>();
}

}  // namespace okg::cli
