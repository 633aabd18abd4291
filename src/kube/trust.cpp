#include "kube/trust.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/ssl/context.hpp>

namespace okg::kube {
namespace {

using base::Code;
using base::Error;
using base::Result;
using Context = boost::asio::ssl::context;

constexpr std::size_t kCaLimit = std::size_t{1} << 20;

template <auto free>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Free<::BIO_free_all>>;
using X509Ptr = std::unique_ptr<X509, Free<::X509_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Free<::SSL_CTX_free>>;

// OpenSSL's own would ask the terminal for the password of an encrypted block.
int no_password(char*, int, int, void*) {
  return -1;
}

// How many there were. What is malformed ends the reading.
int add_certificates(const std::string& pem, X509_STORE* store) {
  const BioPtr bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return 0;
  int count = 0;
  while (const X509Ptr certificate{::PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)})
    if (::X509_STORE_add_cert(store, certificate.get()) == 1) ++count;
  return count;
}

Result<std::shared_ptr<Context>> make_context(const std::string& pem, const std::string& path) {
  ::ERR_clear_error();
  const auto failed = [] { return Error(Code::no_memory, "TLS: " + take_openssl_error()); };
  ContextPtr made(::SSL_CTX_new(::TLS_client_method()));
  if (!made) return failed();
  SSL_CTX* const raw = made.get();
  if (::SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) != 1) return failed();
  ::SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  ::SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  if (::X509_VERIFY_PARAM_set_flags(::SSL_CTX_get0_param(raw), X509_V_FLAG_PARTIAL_CHAIN) != 1)
    return failed();
  const int count = add_certificates(pem, ::SSL_CTX_get_cert_store(raw));
  ::ERR_clear_error();  // that nothing more was found is one too
  if (count == 0) return Error(Code::denied, path + ": holds no certificate to trust");
  auto context = std::make_shared<Context>(raw);  // is the owner from here on
  static_cast<void>(made.release());
  return context;
}

}  // namespace

Trust::Trust(base::Os& os, std::string path, base::Log log)
    : log_(log), file_(os, std::move(path), kCaLimit) {}

void Trust::keep(Error error) {
  if (context_ && error.text != trouble_.text)
    log_.warn("kube", error.text + ": the CA read before stays in use");
  trouble_ = std::move(error);
}

Result<std::shared_ptr<Context>> Trust::context() {
  auto content = file_.read_if_changed(false);
  if (!content) {
    keep(content.error());
  } else if (*content) {
    auto made = make_context(**content, file_.path());
    if (!made) {
      keep(made.error());
    } else {
      if (context_) log_.info("kube", file_.path() + ": changed: trusted from the next connection on");
      context_ = *std::move(made);
      trouble_ = {};
    }
  }
  if (!context_) return trouble_;
  return context_;
}

}  // namespace okg::kube
