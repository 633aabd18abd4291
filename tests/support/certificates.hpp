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
  // Its own root, or one below `issuer`.
  explicit CertificateAuthority(const std::string& name = "test CA",
                                const CertificateAuthority* issuer = nullptr);
  ~CertificateAuthority();
  CertificateAuthority(const CertificateAuthority&) = delete;
  CertificateAuthority& operator=(const CertificateAuthority&) = delete;

  const std::string& pem() const { return pem_; }
  // For a server with these names, each an IP address or a DNS name, valid from `begins` to `ends`, counted
  // from now. `common_name` is in the subject alone, `usage` is what the certificate may be used for.
  Certificate issue(const std::vector<std::string>& names,
                    std::chrono::seconds begins = -std::chrono::hours(1),
                    std::chrono::seconds ends = std::chrono::hours(1),
                    const std::string& common_name = "kube-apiserver",
                    const std::string& usage = "serverAuth") const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
  std::string pem_;
};

}  // namespace okg::test
