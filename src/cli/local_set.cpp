// okg local set, okg local allocate: one write of OpenKruiseGame's, or of whoever uses it.
#include "base/text.hpp"
#include "cli/local.hpp"
#include "cli/setting.hpp"
#include "controller/keys.hpp"
#include "controller/object_reader.hpp"
#include "controller/patch_json.hpp"

namespace okg::cli {
namespace {

using base::Code;
using base::Error;
using base::OrderedJson;
namespace keys = controller::keys;

struct Endpoint {
  std::string ip, protocol;
  std::uint64_t port = 0;
};

// 10.0.0.7:7777/UDP, [::1]:7777
base::Result<Endpoint> parse_endpoint(const std::string& text) {
  Error wrong(Code::invalid_argument,
              "--address " + base::quote(text) + ": it is IP:PORT/PROTO, as 10.0.0.7:7777/UDP");
  const std::size_t slash = text.rfind('/'), colon = text.rfind(':', slash);
  if (colon == text.npos || colon == 0) return wrong;
  Endpoint endpoint;
  endpoint.protocol = slash == text.npos ? "TCP" : text.substr(slash + 1);
  endpoint.ip = text.substr(0, colon);
  const auto port = base::parse_number(
      std::string_view(text).substr(colon + 1, slash == text.npos ? text.npos : slash - colon - 1), 65535);
  if (endpoint.ip.starts_with('[') && endpoint.ip.ends_with(']'))
    endpoint.ip = endpoint.ip.substr(1, endpoint.ip.size() - 2);
  else if (endpoint.ip.find(':') != endpoint.ip.npos)
    return wrong;
  const bool is_ip =
      !endpoint.ip.empty() && endpoint.ip.find_first_not_of("0123456789abcdefABCDEF.:") == endpoint.ip.npos;
  if (!is_ip || !port || *port == 0 || (endpoint.protocol != "TCP" && endpoint.protocol != "UDP"))
    return wrong;
  endpoint.port = *port;
  return endpoint;
}

base::Result<OrderedJson> network_patch(const LocalFlags& flags) {
  if (flags.words.size() != 2 || (flags.words[1] != "ready" && flags.words[1] != "not-ready"))
    return Error(Code::invalid_argument, "network: it is ready or not-ready");
  OrderedJson network{{"desiredNetworkState", "Ready"},
                      {"currentNetworkState", flags.words[1] == "ready" ? "Ready" : "NotReady"}};
  OrderedJson addresses = OrderedJson::array();
  for (const std::string& text : flags.addresses) {
    const auto endpoint = parse_endpoint(text);
    if (!endpoint) return endpoint.error();
    const OrderedJson port{{"name", "game-" + std::to_string(endpoint->port)},
                           {"protocol", endpoint->protocol},
                           {"port", endpoint->port}};
    OrderedJson* same = nullptr;
    for (OrderedJson& address : addresses)
      if (address["ip"] == endpoint->ip) same = &address;
    if (same != nullptr)
      (*same)["ports"].push_back(port);
    else
      addresses.push_back({{"ip", endpoint->ip}, {"ports", OrderedJson::array({port})}});
  }
  if (!flags.addresses.empty()) network["externalAddresses"] = addresses;
  return OrderedJson{{"status", {{"networkStatus", network}}}};
}

int end(const Program& program, const base::Status& written, const OrderedJson& said,
        const std::string& text) {
  if (!written) return program.fail(written.error());
  if (program.flags.json)
    program.output.result_json(said);
  else
    program.output.result(text);
  return kDone;
}

}  // namespace

int local_set(Program& program, const LocalFlags& flags) {
  const bool is_network = !flags.words.empty() && flags.words[0] == "network";
  if (!is_network && !flags.addresses.empty()) return program.fail(kUsage, "--address: is for network");
  OrderedJson patch, said;
  std::string text;
  if (is_network) {
    if (flags.remove) return program.fail(kUsage, "--remove: is for label and annotation");
    const auto network = network_patch(flags);
    if (!network) return program.fail(network.error());
    patch = *network;
    text = "network " + flags.words[1];
    said = {{"field", "network"}, {"value", flags.words[1]}};
  } else {
    const auto setting = parse_setting(flags.words, flags.remove);
    if (!setting) return program.fail(kUsage, setting.error().text);
    patch = controller::to_merge_patch({0, "", {{setting->field, setting->value}}});
    text = setting->text();
    said = {{"field", setting->field}, {"value", nullptr}};
    if (setting->value) said["value"] = *setting->value;
  }
  const auto gameserver = open_local(program, flags);
  if (!gameserver) return program.fail(gameserver.error());
  const auto written = (*gameserver)
                           ->edit(
                               [&](OrderedJson& json) {
                                 json.merge_patch(patch);
                                 return base::Status();
                               },
                               program.interrupt.token());
  return end(program, written, said, "set: " + text);
}

// As a match maker does it on a cluster: what is free is taken with the match's name in one write.
int local_allocate(Program& program, const LocalFlags& flags) {
  const auto gameserver = open_local(program, flags);
  if (!gameserver) return program.fail(gameserver.error());
  const std::string match = flags.match ? *flags.match : "m-" + base::random_hex(program.os).substr(0, 8);
  std::string name;
  const auto written = (*gameserver)->edit_surely([&](OrderedJson& json) -> base::Status {
    const auto object = controller::read_object(base::dump(json));
    if (!object) return object.error();
    const controller::Object& now = **object;
    const auto refused = [](const std::string& what, const std::string& found, const std::string& wanted) {
      return Error(Code::rejected, what + " is " + (found.empty() ? "not known" : base::one_line(found, 64)) +
                                       ", not " + wanted + ": it is not free");
    };
    if (now.ops_state != keys::kNone) return refused("opsState", now.ops_state.value_or(""), keys::kNone);
    if (now.state != "Ready") return refused("state", now.state, "Ready");
    if (!now.network.ready()) return refused("network", now.network.current, "Ready");
    if (now.deleting) return refused("the GameServer", "being deleted", "Ready");
    name = base::one_line(now.name, 64);
    json.merge_patch({{"spec", {{"opsState", keys::kAllocated}}},
                      {"metadata", {{"annotations", {{keys::kMatchId, match}}}}}});
    return {};
  });
  return end(program, written, {{"allocated", name}, {"match", match}},
             "allocated: " + name + ", match " + match);
}

}  // namespace okg::cli
