#include "support/certificates.hpp"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <functional>
#include <stdexcept>

namespace okg::test {
namespace {

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<::EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Free<::X509_free>>;
using BioPtr = std::unique_ptr<BIO, Free<::BIO_free_all>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Free<::X509_EXTENSION_free>>;

void must(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(std::string("certificate: ") + what);
}

KeyPtr make_key() {
  KeyPtr key(::EVP_EC_gen("P-256"));
  must(key != nullptr, "key");
  return key;
}

std::string text_of(const std::function<int(BIO*)>& write) {
  const BioPtr bio(::BIO_new(::BIO_s_mem()));
  must(bio && write(bio.get()) == 1, "PEM");
  char* data = nullptr;
  const auto size = ::BIO_ctrl(bio.get(), BIO_CTRL_INFO, 0, &data);
  return {data, static_cast<std::size_t>(size)};
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context{};
  ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(::X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  must(extension && ::X509_add_ext(certificate, extension.get(), -1) == 1, value.c_str());
}

X509Ptr make_certificate(const std::string& name, EVP_PKEY* key, std::chrono::seconds begins,
                         std::chrono::seconds ends) {
  X509Ptr certificate(::X509_new());
  must(certificate && ::X509_set_version(certificate.get(), 2) == 1, "version");
  std::uint64_t serial = 0;
  must(::RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial");
  ::ASN1_INTEGER_set_uint64(::X509_get_serialNumber(certificate.get()), serial >> 1);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), begins.count());
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), ends.count());
  X509_NAME* const subject = ::X509_get_subject_name(certificate.get());
  must(::X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0) == 1,
       "name");
  must(::X509_set_pubkey(certificate.get(), key) == 1, "public key");
  return certificate;
}

bool is_address(const std::string& name) {
  in6_addr any{};
  return ::inet_pton(AF_INET, name.c_str(), &any) == 1 || ::inet_pton(AF_INET6, name.c_str(), &any) == 1;
}

}  // namespace

struct CertificateAuthority::Parts {
  KeyPtr key = make_key();
  X509Ptr certificate;
};

CertificateAuthority::CertificateAuthority(const std::string& name, const CertificateAuthority* issuer)
    : parts_(std::make_unique<Parts>()) {
  parts_->certificate =
      make_certificate(name, parts_->key.get(), -std::chrono::hours(24), std::chrono::hours(24));
  X509* const own = parts_->certificate.get();
  const Parts& above = issuer == nullptr ? *parts_ : *issuer->parts_;
  ::X509_set_issuer_name(own, ::X509_get_subject_name(above.certificate.get()));
  add_extension(own, above.certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(own, above.certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(own, above.certificate.get(), NID_subject_key_identifier, "hash");
  must(::X509_sign(own, above.key.get(), ::EVP_sha256()) > 0, "signature");
  pem_ = text_of([&](BIO* bio) { return ::PEM_write_bio_X509(bio, own); });
}

CertificateAuthority::~CertificateAuthority() = default;

Certificate CertificateAuthority::issue(const std::vector<std::string>& names, std::chrono::seconds begins,
                                        std::chrono::seconds ends, const std::string& common_name,
                                        const std::string& usage) const {
  const KeyPtr key = make_key();
  const X509Ptr certificate = make_certificate(common_name, key.get(), begins, ends);
  X509* const issuer = parts_->certificate.get();
  ::X509_set_issuer_name(certificate.get(), ::X509_get_subject_name(issuer));
  add_extension(certificate.get(), issuer, NID_ext_key_usage, usage);
  std::string alternatives;
  for (const std::string& name : names)
    alternatives += (alternatives.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  if (!alternatives.empty()) add_extension(certificate.get(), issuer, NID_subject_alt_name, alternatives);
  must(::X509_sign(certificate.get(), parts_->key.get(), ::EVP_sha256()) > 0, "signature");
  Certificate out;
  out.certificate = text_of([&](BIO* bio) { return ::PEM_write_bio_X509(bio, certificate.get()); });
  out.key = text_of([&](BIO* bio) {
    return ::PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return out;
}

}  // namespace okg::test
