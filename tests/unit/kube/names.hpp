// Names that resolve in this program alone: it has a getaddrinfo() of its own, so that no test asks a
// network.
#pragma once

namespace okg::kube::test {

inline constexpr const char* kLoopback = "loopback.okg.test";              // 127.0.0.1
inline constexpr const char* kDeafAndLoopback = "two-addresses.okg.test";  // 127.0.0.2, 127.0.0.1
inline constexpr const char* kNobody = "nobody.okg.test";                  // there is no such name

}  // namespace okg::kube::test
