// Certificates of a test's own, made by OpenSSL alone.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace okg::test {

struct Certificate {
  std::string certificate, key;  // PEM
};

class CertificateAuthority {
 public:
  explicit CertificateAuthority(const std::string& name = "test CA");
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  const std::string& pem() const { return pem_; }
  // For a server with these names, each an IP address or a DNS name, valid from `begins` to `ends`, counted
  // from now. `common_name` is in the subject alone.
  Certificate issue(const std::vector<std::string>& names,
                    std::chrono::seconds begins = -std::chrono::hours(1),
                    std::chrono::seconds ends = std::chrono::hours(1),
                    const std::string& common_name = "kube-apiserver") const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  std::string pem_;
};

}  // namespace okg::test
