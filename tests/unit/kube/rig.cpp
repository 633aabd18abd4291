#include "unit/kube/rig.hpp"

namespace okg::kube::test {

namespace {

void log_into(void* user, base::LogLevel level, std::string_view category, std::string_view text) {
  static_cast<std::vector<std::string>*>(user)->push_back(std::string(base::log_level_name(level)) + " " +
                                                          std::string(category) + ": " + std::string(text));
}

}  // namespace

Rig::Rig(TransportLimits limits) : own_(std::make_unique<FakeApiServer>()), server(*own_) {
  transport =
      make_tls_transport(io, os, config(), base::Log(log_into, &logged, base::LogLevel::debug), limits);
}

Rig::Rig(FakeApiServer& shared, Config config, TransportLimits limits) : server(shared) {
  transport = make_tls_transport(io, os, std::move(config),
                                 base::Log(log_into, &logged, base::LogLevel::debug), limits);
}

Config Rig::config() const {
  auto config = in_cluster_config(base::Os::real(), server.environment());
  if (!config) throw std::runtime_error(config.error().text);
  return *config;
}

bool Rig::run_until(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    io.restart();
    io.run_one_for(50ms);
  }
  return true;
}

void Rig::run_ready() {
  io.restart();
  io.poll();
}

base::Result<Response> Rig::ask(Request request, std::chrono::milliseconds deadline) {
  std::vector<base::Result<Response>> results;
  calling = true;
  transport->send(std::move(request), deadline, [&](base::Result<Response> result) {
    EXPECT_FALSE(calling) << "called back from inside the call";
    results.push_back(std::move(result));
  });
  calling = false;
  if (!run_until([&] { return !results.empty(); })) return base::Error(Code::internal, "never answered");
  run_ready();
  EXPECT_EQ(results.size(), 1U);
  return results.front();
}

base::Result<Response> Rig::get(const std::string& path, std::chrono::milliseconds deadline) {
  return ask({.method = "GET", .target = path}, deadline);
}

base::Result<Response> Rig::patch(const std::string& path, const std::string& body,
                                  std::chrono::milliseconds deadline) {
  return ask(
      {.method = "PATCH", .target = path, .content_type = "application/merge-patch+json", .body = body},
      deadline);
}

StreamHandlers Seen::handlers(Rig& rig) {
  return {.opened =
              [this, &rig](unsigned status) {
                EXPECT_FALSE(rig.calling);
                EXPECT_TRUE(ended.empty());
                opened.push_back(status);
              },
          .line =
              [this, &rig](std::string_view line) {
                EXPECT_FALSE(rig.calling);
                EXPECT_EQ(opened.size(), 1U);
                EXPECT_TRUE(ended.empty());
                lines.emplace_back(line);
              },
          .refused =
              [this, &rig](const Response& response) {
                EXPECT_FALSE(rig.calling);
                EXPECT_TRUE(ended.empty());
                refused.push_back(response);
              },
          .ended =
              [this, &rig](base::Error error) {
                EXPECT_FALSE(rig.calling);
                ended.push_back(std::move(error));
              }};
}

std::string text_of(const base::Result<Response>& result) {
  if (result) return "ok " + std::to_string(result->status) + " " + result->body;
  return std::string(base::code_name(result.error().code)) + " " + result.error().text;
}

}  // namespace okg::kube::test
