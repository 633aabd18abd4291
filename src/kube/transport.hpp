// The conversation with the API server as HTTP: one request after the other, and beside them one stream of
// lines. Knows nothing of what is said.
//
// Everything happens on the io thread: the calls, and the callbacks, none of which is made from inside the
// call that took it. A callback may call anything here, close() and the destructor too. What it throws is
// logged and goes no further.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace okg::kube {

struct Request {
  std::string method = "GET";
  std::string target;        // path and query, encoded
  std::string content_type;  // "" with an empty body
  std::string body;
};

struct Response {
  unsigned status = 0;
  std::optional<std::chrono::milliseconds> retry_after;
  std::string body;
};

// Any of them may be empty.
struct StreamHandlers {
  std::function<void(unsigned status)> opened;  // 2xx: lines follow
  // Without its end; lives for the call. Empty lines are left out.
  std::function<void(std::string_view line)> line;
  // Any other answer, whole, immediately before ended(): for its Retry-After.
  std::function<void(const Response& response)> refused;
  // Exactly once, and the last call, unless stop_stream(), close() or another stream() came first.
  //   closed        the server ended it in order, as it does with every watch after some minutes
  //   timeout       no answer within the deadline, or no byte for as long as `silence`
  //   io            cut off, or not what HTTP and TLS allow
  //   no_space      a line of more than 2 MiB
  //   denied        the certificate is not one of this cluster's API server
  //   as error_of() (answer.hpp) for an answer that is not 2xx
  std::function<void(base::Error error)> ended;
};

class Transport {
 public:
  virtual ~Transport() = default;  // as close()

  using Done = std::function<void(base::Result<Response>)>;

  // An answer of any status is a Response. Errors: timeout, io, no_space (the answer has more than 2 MiB),
  // denied (the certificate), busy (too many requests wait), invalid_argument (the request is malformed),
  // and those of reading token and CA. `deadline` is for all of it, waiting for its turn included: one
  // request is under way at a time, the others wait in order.
  //
  // After a timeout or io the request may have been carried out. A request is sent a second time only within
  // its deadline, and only
  //   - when it was sent on a connection that had served others before, that one ended before the first byte
  //     of an answer, and the request is a GET; or it is another one and its last bytes were never handed to
  //     the kernel, so that nobody can have received it whole;
  //   - when it was answered with 401, which means that nothing was done, and the token's file holds another
  //     token than the one sent.
  // Each happens once at most.
  virtual void send(Request request, std::chrono::milliseconds deadline, Done done) = 0;

  // The lines of a watch. `open_deadline` is for the answer's header, `silence` from then on. One at a time:
  // another call stops the stream there was.
  virtual void stream(Request request, std::chrono::milliseconds open_deadline,
                      std::chrono::milliseconds silence, StreamHandlers handlers) = 0;
  // No callback of the stream afterwards. Nothing happens where there is none.
  virtual void stop_stream() = 0;

  // Cancels all; no callback afterwards, and later calls do nothing.
  virtual void close() = 0;
};

}  // namespace okg::kube
