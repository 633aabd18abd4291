// Where the API server is, and who we are for it.
#pragma once

#include <cstdint>
#include <string>

#include "base/environment.hpp"
#include "base/error.hpp"
#include "base/os.hpp"

namespace okg::kube {

struct Config {
  std::string host;  // an IP address without brackets, or a name
  std::uint16_t port = 443;
  std::string name_space;           // "" where the volume has none
  std::string ca_file, token_file;  // read again whenever they change
};

inline constexpr const char* kServiceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount";

// What every pod with a service account has: KUBERNETES_SERVICE_HOST and _PORT (or _PORT_HTTPS), and the
// files token, ca.crt and namespace in `directory`; "" means that OKG_SERVICE_ACCOUNT_DIR names it, else it
// is kServiceAccountDirectory. not_found: this is no such pod; denied: it may not read the files;
// invalid_argument: a value makes no sense. What is in token and ca.crt is not looked at.
base::Result<Config> in_cluster_config(base::Os& os, const base::Environment& environment,
                                       const std::string& directory = {});

}  // namespace okg::kube
