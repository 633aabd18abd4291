// GET /metrics as OpenMetrics 1.0 text.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "control/backend.hpp"

namespace okg::control {

inline constexpr const char* kMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

// Answers given, by route ("other" for what is none of ours) and status.
using RequestCounts = std::map<std::pair<std::string, int>, std::uint64_t>;

std::string metrics_text(const Metrics& metrics, const RequestCounts& requests);

}  // namespace okg::control
