#include "kube/openssl.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <atomic>

namespace okg::kube {
namespace {

#ifdef OKG_OWN_OPENSSL

std::atomic<int> users{0};

struct Ownership {
  Ownership() { ::OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT, nullptr); }
  ~Ownership() {
    if (users.load() == 0) ::OPENSSL_cleanup();
  }
  Ownership(const Ownership&) = delete;
  Ownership& operator=(const Ownership&) = delete;
};

#endif

}  // namespace

#ifdef OKG_OWN_OPENSSL
OpensslUse::OpensslUse() noexcept {
  static const Ownership ownership;  // its destructor belongs to the library: dlclose() calls it
  ++users;
}
OpensslUse::~OpensslUse() {
  --users;
}
#else
OpensslUse::OpensslUse() noexcept = default;
OpensslUse::~OpensslUse() = default;
#endif

std::string take_openssl_error() {
  const char* reason = ::ERR_reason_error_string(::ERR_get_error());
  ::ERR_clear_error();
  return reason == nullptr ? "no reason given" : reason;
}

}  // namespace okg::kube
