#include "payload/sha256.hpp"

namespace okg::payload {

Sha256::Sha256() {
  SHA256_Init(&state_);
}

void Sha256::update(const void* data, std::size_t size) {
  SHA256_Update(&state_, data, size);
}

Digest Sha256::finish() {
  Digest digest;
  SHA256_Final(digest.bytes.data(), &state_);
  return digest;
}

Digest sha256(std::string_view data) {
  Sha256 hash;
  hash.update(data.data(), data.size());
  return hash.finish();
}

}  // namespace okg::payload
