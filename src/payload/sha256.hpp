// SHA-256. libcrypto's assembly does the work, through its low-level entry points: they need no process-wide
// initialisation, read no configuration file and register nothing at exit, as befits a library inside a game.
#pragma once

// OpenSSL 3 would rather have everybody use EVP, which is what the above avoids.
#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif
#include <openssl/sha.h>

#include <cstddef>
#include <string_view>

#include "payload/digest.hpp"

namespace okg::payload {

class Sha256 {
 public:
  Sha256();
  void update(const void* data, std::size_t size);
  Digest finish();  // once

 private:
  SHA256_CTX state_;
};

Digest sha256(std::string_view data);

}  // namespace okg::payload
