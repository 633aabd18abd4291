// What this program has instead of libc's own: names that resolve here alone, so that no test asks a network,
// and a send() that counts.
#pragma once

namespace okg::kube::test {

inline constexpr const char* kLoopback = "loopback.okg.test";              // 127.0.0.1
inline constexpr const char* kDeafAndLoopback = "two-addresses.okg.test";  // 127.0.0.2, 127.0.0.1
inline constexpr const char* kNobody = "nobody.okg.test";                  // there is no such name

// Calls of send() and sendmsg() so far, by whomever in this program: all, and those without MSG_NOSIGNAL,
// which could raise SIGPIPE.
unsigned sends();
unsigned sends_with_signal();

}  // namespace okg::kube::test
