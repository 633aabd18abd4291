// A request as bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "kube/config.hpp"
#include "kube/transport.hpp"

namespace okg::kube {

// Nothing in it could end a line of the header.
base::Status check_request(const Request& request);
// Of a request that was checked.
std::string request_text(const Request& request, const Config& config, std::string_view token);

// "API server 10.0.0.1:443", for errors.
std::string where(const Config& config);

}  // namespace okg::kube
