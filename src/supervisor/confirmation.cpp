#include "supervisor/confirmation.hpp"

#include <algorithm>

#include "base/pause.hpp"
#include "base/text.hpp"
#include "control/client.hpp"

namespace okg::supervisor {
namespace {

using base::Code;
using base::Error;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr milliseconds kFirstPause = 2ms, kLongestPause = 500ms;
constexpr milliseconds kPatience = 1s;  // for one answer: `hopeless` is asked as often
constexpr std::size_t kMostShown = 80;

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += with.size())
    text.replace(at, what.size(), with);
}

// An answer cut to what can stand in a line.
std::string shown(std::string body) {
  body.erase(body.find_last_not_of(" \r\n") + 1);
  body = base::one_line(body);
  if (body.size() > kMostShown) body = body.substr(0, kMostShown) + "…";
  return base::quote(body);
}

}  // namespace

base::Result<Confirmation> parse_confirmation(std::string_view text) {
  if (text == "exit") return Confirmation{};
  if (!text.starts_with("http:"))
    return Error(Code::invalid_argument, base::quote(text) + ": it is exit, http:URL or http:URL=TEXT");
  text.remove_prefix(5);
  Confirmation out;
  const std::size_t mark = text.find('=');
  out.url = text.substr(0, mark);
  if (mark != text.npos) out.text = text.substr(mark + 1);
  if (!out.url.starts_with("http://"))
    return Error(Code::invalid_argument,
                 base::quote(out.url) + ": no URL: http:http://127.0.0.1:8080/version={version}");
  return out;
}

base::Status confirm(const Confirmation& what, const std::string& version, const std::string& digest,
                     milliseconds timeout, const std::stop_token& stop,
                     const std::function<std::string()>& hopeless) {
  if (what.url.empty()) return {};
  std::string text = what.text;
  replace_all(text, "{version}", version);
  replace_all(text, "{digest}", digest);
  const auto deadline = Clock::now() + timeout;
  std::string last = "no answer";
  milliseconds rest = kFirstPause;
  for (;;) {
    if (stop.stop_requested()) return Error(Code::superseded, what.url + ": not asked any more");
    if (const std::string why = hopeless(); !why.empty()) return Error(Code::confirm, why);
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left <= 0ms)
      return Error(Code::confirm,
                   what.url + ": not as it has to be within " + base::format_duration(timeout) + ": " + last);
    const auto answer = control::ask_url(what.url, {}, std::min(kPatience, left), stop);
    if (!answer && answer.error().code == Code::invalid_argument)
      return Error(Code::confirm, answer.error().text);
    if (!answer)
      last = answer.error().text;
    else if (answer->status != 200)
      last = "HTTP status " + std::to_string(answer->status);
    else if (answer->body.find(text) == std::string::npos)
      last = "the answer does not hold " + shown(text) + ": " + shown(answer->body);
    else
      return {};
    base::pause(std::min(rest, left), stop);
    rest = std::min(rest * 2, kLongestPause);
  }
}

}  // namespace okg::supervisor
