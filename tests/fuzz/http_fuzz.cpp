// Hostile bytes through the request parser and the routes, without a socket. The first byte says how they
// arrive: over which listener, in pieces of what size, and what the backend answers; the rest is what the
// client sends.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "control/request_reader.hpp"
#include "control/routes.hpp"
#include "control/settings.hpp"

namespace {

using namespace okg::control;

class FixedBackend : public Backend {
 public:
  explicit FixedBackend(Verdict verdict) : verdict_(verdict) {}
  std::string status_json() override { return "{}"; }
  Metrics metrics() override { return {}; }
  bool live() override { return true; }
  bool ready() override { return false; }
  bool peer_allowed(uid_t) override { return true; }
  void look_now() override {}
  std::optional<okg::payload::Digest> desired() override { return okg::payload::Digest{}; }
  Outcome outcome(const okg::payload::Digest&) override { return {verdict_, "a\r\nb"}; }
  Outcome request_reload(const std::optional<okg::payload::Digest>&, bool,
                         std::optional<okg::payload::Digest>* target) override {
    *target = okg::payload::Digest{};
    return {Verdict::pending, ""};
  }
  Outcome request_rollback(const std::optional<okg::payload::Digest>& digest, bool,
                           std::optional<okg::payload::Digest>* target) override {
    *target = digest;
    return {verdict_, ""};
  }
  okg::base::Result<std::uint64_t> request_write(const GameServerWish& wish) override {
    const bool is_entry =
        wish.field == GameServerWish::Field::label || wish.field == GameServerWish::Field::annotation;
    if (!is_entry && !wish.value) __builtin_trap();
    if (verdict_ == Verdict::failed) return okg::base::Error(okg::base::Code::unsupported, "a\r\nb");
    return 1;
  }

 private:
  Verdict verdict_;
};

void require(bool holds) {
  if (!holds) __builtin_trap();
}

// Whatever was asked, the answer is one well-formed message whose length is what it says.
void check(const Reply& reply, const Incoming& request) {
  const bool head_only = request.method == "HEAD";
  const std::string bytes = serialise(reply, request.old, request.keep_alive, head_only);
  require(bytes.starts_with("HTTP/1.1 ") && reply.status >= 200 && reply.status <= 505);
  const std::size_t end = bytes.find("\r\n\r\n");
  require(end != bytes.npos);
  require(bytes.size() - end - 4 == (head_only ? 0 : reply.body.size()));
  const std::string length = "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n";
  require(bytes.find(length) < end);
  for (std::size_t i = 0; i < end; ++i)
    require((bytes[i] >= 0x20 && bytes[i] < 0x7f) || (bytes[i] == '\r' && bytes[i + 1] == '\n') ||
            (bytes[i] == '\n' && bytes[i - 1] == '\r'));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned how = data[0];
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Transport transport = (how & 1) != 0 ? Transport::tcp : Transport::unix_socket;
  const std::size_t piece = (how & 2) != 0 ? 1 + (how >> 2) % 7 : 16 * 1024;
  FixedBackend backend(static_cast<Verdict>((how >> 2) % 11));
  Router router(backend, {.legacy_reload = "/reload", .token_file = (how & 0x80) != 0 ? "/dev/null" : ""},
                okg::base::Os::real(), {});

  RequestReader reader;
  for (;;) {
    const auto state = reader.advance();
    if (state == RequestReader::State::refused) {
      const int status = reader.refusal().status;
      require(status == 400 || status == 413 || status == 431 || status == 505);
      return 0;
    }
    if (state == RequestReader::State::complete) {
      const Incoming request = reader.take();
      require(request.body.size() <= kBodyLimit && request.path.starts_with("/") &&
              request.path.size() <= kHeaderLimit);
      router.kind(request);
      router.wants_look(request);
      Answer answer = router.answer(request, transport);
      if (const auto* waiting = std::get_if<Waiting>(&answer)) {
        require(waiting->at_most <= std::chrono::seconds(300));
        router.look_again(*waiting, false);
        const auto last = router.look_again(*waiting, true);
        require(last.has_value());
        answer = *last;
      }
      check(std::get<Reply>(answer), request);
      router.count(std::get<Reply>(answer));
      if (!request.keep_alive) return 0;
      continue;
    }
    reader.take_expects_continue();
    // Whoever wants more has room for more, or a client could hang with all it sent unread.
    require(reader.room() > 0);
    if (bytes.empty()) return 0;
    const std::string_view next = bytes.substr(0, std::min(piece, reader.room()));
    reader.append(next);
    bytes.remove_prefix(next.size());
  }
}
