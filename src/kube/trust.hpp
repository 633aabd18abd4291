// Whom we believe to be the API server.
#pragma once

#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/os.hpp"
#include "kube/openssl.hpp"
#include "kube/stamped_file.hpp"

namespace boost::asio::ssl {
class context;
}

namespace okg::kube {

// TLS 1.2 or newer, the peer verified against the file's certificates. Each of them is trusted, root or not,
// as the clients of Kubernetes have it.
class Trust {
 public:
  Trust(base::Os& os, std::string path, base::Log log);

  // For a new connection, by what the file holds now. What it held before stays in use where it cannot be
  // read any more or holds no certificate.
  base::Result<std::shared_ptr<boost::asio::ssl::context>> context();

 private:
  void keep(base::Error error);

  OpensslUse openssl_;
  base::Log log_;
  StampedFile file_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  base::Error trouble_;
};

}  // namespace okg::kube
