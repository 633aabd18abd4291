// Reload handlers made of C callbacks.
#include "abi/handles.hpp"

namespace okg::abi {
namespace {

using base::Code;
using base::Error;
using server::LivePayloadPtr;

// Calls into the user's code; a refusal or an exception becomes an Error.
template <class Call>
base::Status call_user(Call&& call) noexcept {
  okg_error error{};
  okg_code code = OKG_OK;
  try {
    code = call(&error);
    if (code == OKG_OK) return {};
    error.text[sizeof error.text - 1] = '\0';
    Error failed(static_cast<Code>(code), error.text[0] != '\0' ? error.text : okg_strerror(code));
    // okg_fail() sets both; a handler may have said on its own that the same can work later.
    if (error.code == code && error.retriable != 0) failed.retriable = true;
    return failed;
  } catch (const std::exception& thrown) {
    return Error(Code::crashed, std::string("the handler threw: ") + thrown.what());
  } catch (...) {
    return Error(Code::crashed, "the handler threw something that is no std::exception");
  }
}

// A payload handle for the time of a callback; the user may retain it beyond.
class Borrowed {
 public:
  explicit Borrowed(const LivePayloadPtr& payload) : handle_(new okg_payload) { handle_->payload = payload; }
  ~Borrowed() { okg_payload_release(handle_); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  const okg_payload* get() const { return handle_; }

 private:
  okg_payload* handle_;
};

class FullHandler final : public server::Handler {
 public:
  FullHandler(std::string name, std::vector<std::string> after, const okg_reload_handler& handler)
      : Handler(std::move(name), std::move(after)), calls_(handler) {}

  base::Status prepare(const LivePayloadPtr& payload, const std::stop_token& stop, void** staged) override {
    if (calls_.prepare == nullptr) return {};
    const okg_stop token{stop};
    return call_user([&](okg_error* error) {
      const Borrowed borrowed(payload);
      return calls_.prepare(calls_.user, borrowed.get(), &token, staged, error);
    });
  }
  base::Status commit(void* staged, const LivePayloadPtr&, void** previous) override {
    return call_user([&](okg_error* error) { return calls_.commit(calls_.user, staged, previous, error); });
  }
  void discard(void* object) override {
    if (calls_.discard == nullptr) return;
    static_cast<void>(call_user([&](okg_error*) {
      calls_.discard(calls_.user, object);
      return OKG_OK;
    }));
  }
  bool can_commit() override {
    if (calls_.can_commit == nullptr) return true;
    bool may = false;  // a predicate that throws does not know, so it is not safe
    static_cast<void>(call_user([&](okg_error*) {
      may = calls_.can_commit(calls_.user) != 0;
      return OKG_OK;
    }));
    return may;
  }

 private:
  okg_reload_handler calls_;
};

class SimpleHandler final : public server::Handler {
 public:
  SimpleHandler(std::string name, okg_reload_fn reload, void* user)
      : Handler(std::move(name), {}), reload_(reload), user_(user) {}

  base::Status prepare(const LivePayloadPtr&, const std::stop_token&, void**) override { return {}; }
  base::Status commit(void*, const LivePayloadPtr& payload, void**) override {
    if (!payload) return {};  // back to before the first payload: there is nothing to read
    return call_user([&](okg_error* error) {
      const Borrowed borrowed(payload);
      return reload_(user_, borrowed.get(), error);
    });
  }
  void discard(void*) override {}
  bool can_commit() override { return true; }

 private:
  okg_reload_fn reload_;
  void* user_;
};

}  // namespace

server::HandlerPtr make_handler(const char* name, const okg_reload_handler& handler) {
  std::vector<std::string> after;
  after.reserve(handler.after_count);
  for (std::size_t i = 0; i < handler.after_count; ++i) after.emplace_back(handler.after[i]);
  return std::make_shared<FullHandler>(name, std::move(after), handler);
}

server::HandlerPtr make_simple_handler(const char* name, okg_reload_fn reload, void* user) {
  return std::make_shared<SimpleHandler>(name, reload, user);
}

}  // namespace okg::abi
