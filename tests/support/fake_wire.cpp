#include "support/fake_wire.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace okg::test {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {
constexpr milliseconds kLong = std::chrono::hours(1);
}

Waker::Waker() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Waker::wake() const {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(fd_.get(), &one, sizeof one));
}

void Waker::clear() const {
  std::uint64_t count = 0;
  static_cast<void>(!::read(fd_.get(), &count, sizeof count));
}

struct FakeWire::Tls {
  Tls(const Certificate& with, int newest) {
    context = ::SSL_CTX_new(::TLS_server_method());
    if (newest != 0) {
      ::SSL_CTX_set_security_level(context, 0);  // or it would refuse the old versions itself
      ::SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
      ::SSL_CTX_set_max_proto_version(context, newest);
    }
    BIO* const certificate =
        ::BIO_new_mem_buf(with.certificate.data(), static_cast<int>(with.certificate.size()));
    BIO* const key = ::BIO_new_mem_buf(with.key.data(), static_cast<int>(with.key.size()));
    X509* const x509 = ::PEM_read_bio_X509(certificate, nullptr, nullptr, nullptr);
    EVP_PKEY* const pkey = ::PEM_read_bio_PrivateKey(key, nullptr, nullptr, nullptr);
    const bool fine =
        ::SSL_CTX_use_certificate(context, x509) == 1 && ::SSL_CTX_use_PrivateKey(context, pkey) == 1;
    ::X509_free(x509);
    ::EVP_PKEY_free(pkey);
    ::BIO_free_all(certificate);
    ::BIO_free_all(key);
    if (!fine) throw std::runtime_error("fake API server: certificate");
    ssl = ::SSL_new(context);
  }
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;
  ~Tls() {
    ::SSL_free(ssl);
    ::SSL_CTX_free(context);
  }
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
};

FakeWire::FakeWire(base::UniqueFd socket) : socket_(std::move(socket)) {}
FakeWire::~FakeWire() = default;

bool FakeWire::accept(const Certificate& certificate, int newest_tls) {
  tls_ = std::make_unique<Tls>(certificate, newest_tls);
  ::SSL_set_fd(tls_->ssl, socket_.get());
  ::ERR_clear_error();
  if (::SSL_accept(tls_->ssl) == 1) return true;
  gone_ = true;
  return false;
}

// False: not yet, or woken.
bool FakeWire::readable(milliseconds most) {
  if (tls_ && ::SSL_pending(tls_->ssl) > 0) return true;
  pollfd wanted[2] = {{socket_.get(), POLLIN, 0}, {waker_->fd(), POLLIN, 0}};
  ::poll(wanted, 2, static_cast<int>(most.count()));
  woken_ = wanted[1].revents != 0;
  if (woken_) waker_->clear();
  return !woken_ && wanted[0].revents != 0;
}

std::optional<std::string> FakeWire::read_some() {
  if (gone_ || !readable(kLong)) return std::nullopt;
  char piece[16 * 1024];
  ssize_t got = 0;
  if (tls_) {
    ::ERR_clear_error();
    got = ::SSL_read(tls_->ssl, piece, sizeof piece);
  } else {
    got = ::recv(socket_.get(), piece, sizeof piece, 0);
  }
  if (got > 0) return std::string(piece, static_cast<std::size_t>(got));
  gone_ = true;
  return std::nullopt;
}

void FakeWire::wait(milliseconds most) {
  const auto end = Clock::now() + most;
  for (woken_ = false; !gone_ && !woken_;) {
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
    if (left.count() <= 0) return;
    if (readable(left)) static_cast<void>(read_some());
  }
}

void FakeWire::wait_woken() {
  pollfd wanted{waker_->fd(), POLLIN, 0};
  ::poll(&wanted, 1, -1);
  waker_->clear();
}

bool FakeWire::write(std::string_view bytes) {
  while (!gone_ && !bytes.empty()) {
    ssize_t put = 0;
    if (tls_) {
      ::ERR_clear_error();
      put = ::SSL_write(tls_->ssl, bytes.data(), static_cast<int>(bytes.size()));
    } else {
      put = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    if (put > 0)
      bytes.remove_prefix(static_cast<std::size_t>(put));
    else
      gone_ = true;
  }
  return !gone_;
}

void FakeWire::close() {
  if (tls_ && !gone_) {
    ::ERR_clear_error();
    ::SSL_shutdown(tls_->ssl);
  }
  cut();
}

void FakeWire::cut() {
  ::shutdown(socket_.get(), SHUT_RDWR);
  gone_ = true;
}

void FakeWire::reset() {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  ::connect(socket_.get(), &nobody, sizeof nobody);  // disconnects, and the descriptor stays
  gone_ = true;
}

// The descriptor stays until its thread is through, so that the number cannot be another's by now.
void FakeWire::interrupt() {
  gone_ = true;
  ::shutdown(socket_.get(), SHUT_RDWR);
  waker_->wake();
}

}  // namespace okg::test
