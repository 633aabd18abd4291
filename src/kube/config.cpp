#include "kube/config.hpp"

#include <fcntl.h>

#include <algorithm>
#include <optional>

#include "base/files.hpp"
#include "base/text.hpp"

namespace okg::kube {
namespace {

using base::Code;
using base::Error;
using base::Result;
using base::UniqueFd;

constexpr std::size_t kNamespaceLimit = 63;

Error bad(const char* variable, std::string_view value, const char* why) {
  return Error(Code::invalid_argument, std::string(variable) + ": " + base::quote(value) + ": " + why);
}

// A name as DNS has it, or an IP address: nothing that could end a header's line.
bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '-' || c == ':' || c == '_';
  });
}

bool is_dns_label(std::string_view text) {
  return !text.empty() && text.size() <= kNamespaceLimit && text.front() != '-' && text.back() != '-' &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-'; });
}

// On a projected volume every file is a link to ..data/<name>, and ..data another: links are followed here.
Result<UniqueFd> open_file(base::Os& os, const std::string& path) {
  UniqueFd fd(os.open(AT_FDCWD, path.c_str(), O_RDONLY | O_NONBLOCK));
  if (fd.get() < 0) return base::error_from_errno(-fd.get(), "open " + path);
  return fd;
}

Result<std::string> read_namespace(base::Os& os, const std::string& path) {
  const auto fd = open_file(os, path);
  // A volume projected by hand need not have it.
  if (!fd && fd.error().code == Code::not_found) return std::string();
  if (!fd) return fd.error();
  auto text = base::read_small_file(os, fd->get(), 256, path);
  if (!text) return Error(Code::invalid_argument, text.error().text);
  text->resize(text->find_last_not_of("\r\n \t") + 1);  // npos + 1 is 0
  if (!is_dns_label(*text))
    return Error(Code::invalid_argument, path + ": " + base::quote(*text) + ": not a namespace");
  return text;
}

}  // namespace

Result<Config> in_cluster_config(base::Os& os, const base::Environment& environment,
                                 const std::string& directory) {
  Config config;
  const auto host = environment("KUBERNETES_SERVICE_HOST");
  if (!host)
    return Error(Code::not_found,
                 "KUBERNETES_SERVICE_HOST: not set: this is no pod, or it has no service links");
  config.host = *host;
  if (config.host.size() > 2 && config.host.front() == '[' && config.host.back() == ']')
    config.host = config.host.substr(1, config.host.size() - 2);
  if (!is_host(config.host)) return bad("KUBERNETES_SERVICE_HOST", *host, "neither an address nor a name");

  for (const char* variable : {"KUBERNETES_SERVICE_PORT", "KUBERNETES_SERVICE_PORT_HTTPS"}) {
    const auto text = environment(variable);
    if (!text) continue;
    const auto port = base::parse_number(*text, 65535);
    if (!port || *port == 0) return bad(variable, *text, "not a port");
    config.port = static_cast<std::uint16_t>(*port);
    break;
  }

  std::string place = directory;
  if (place.empty()) place = environment("OKG_SERVICE_ACCOUNT_DIR").value_or(kServiceAccountDirectory);
  config.token_file = place + "/token";
  config.ca_file = place + "/ca.crt";
  for (const std::string& path : {config.token_file, config.ca_file})
    if (const auto fd = open_file(os, path); !fd) return fd.error();
  auto name_space = read_namespace(os, place + "/namespace");
  if (!name_space) return name_space.error();
  config.name_space = *std::move(name_space);
  return config;
}

}  // namespace okg::kube
