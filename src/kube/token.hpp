// The bearer token, which the kubelet replaces long before it expires.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "kube/stamped_file.hpp"

namespace okg::kube {

class Token {
 public:
  Token(base::Os& os, std::string path, base::Log log);

  // The newest that could be read. The file is looked at once a second at most. Never goes into a log or an
  // error.
  base::Result<std::string> get();
  // After `used` was not accepted: looks at the file at once. Is there another by now?
  bool renewed_since(std::string_view used);

 private:
  void look(bool at_once);
  void keep(base::Error error);

  base::Os& os_;
  base::Log log_;
  StampedFile file_;
  std::string value_;
  base::Error trouble_;
  bool looked_ = false;
  std::int64_t looked_ns_ = 0;
};

}  // namespace okg::kube
