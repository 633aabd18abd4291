// An answer out of bytes that come in any pieces. The one place in this room that sees Beast.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace okg::kube {

class ResponseReader {
 public:
  enum class State { head, body, complete, failed };

  ResponseReader();
  ~ResponseReader();
  ResponseReader(const ResponseReader&) = delete;
  ResponseReader& operator=(const ResponseReader&) = delete;

  State feed(std::string_view bytes);
  // Nothing more will come. `orderly`: the peer said so, thus an answer without a length is whole.
  State end(bool orderly);

  State state() const;
  bool begun() const;  // a byte of it came
  // From State::body on.
  unsigned status() const;
  std::optional<std::chrono::milliseconds> retry_after() const;
  // What came of the body since the last call. How much may come is for the caller to say.
  std::string take_body();
  // Complete: the connection can serve the next request.
  bool keep_alive() const;
  // Failed: what is wrong with the answer, in words that follow "the answer".
  std::string_view trouble() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace okg::kube
