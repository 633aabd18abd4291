// From bytes to requests: limits, strictness and pipelining, without a socket. What it refuses, it refuses
// for good: after that nothing of the connection can be trusted to be where it seems to be.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "control/message.hpp"

namespace okg::control {

class RequestReader {
 public:
  enum class State { empty, head, body, complete, refused };

  RequestReader();
  ~RequestReader();
  RequestReader(RequestReader&&) noexcept;

  // How many bytes may be appended now; 0 while enough is there that was not asked for yet.
  std::size_t room() const;
  void append(std::string_view bytes);
  // Goes as far as the bytes allow. complete: take() the request. refused: see refusal().
  State advance();
  Incoming take();
  // The client waits for "100 Continue" before it sends its body. True once a request.
  bool take_expects_continue();
  bool holds_bytes() const;

  struct Refusal {
    int status = 400;  // 400, 413, 431, 505
    std::string_view text;
  };
  const Refusal& refusal() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace okg::control
