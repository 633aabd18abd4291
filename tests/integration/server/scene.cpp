#include "integration/server/scene.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

extern char** environ;

namespace okg::test {

Ran run_okg(const std::vector<std::string>& arguments) {
  int out[2], err[2];
  if (::pipe2(out, O_CLOEXEC) != 0 || ::pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  ::posix_spawn_file_actions_adddup2(&actions, err[1], 2);
  std::vector<char*> argv{const_cast<char*>(OKG_PROGRAM)};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = -1;
  const int failed = ::posix_spawn(&pid, OKG_PROGRAM, &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  ::close(err[1]);
  if (failed != 0) throw std::runtime_error("spawn " OKG_PROGRAM);
  Ran ran;
  pollfd fds[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  std::string* texts[2] = {&ran.out, &ran.err};
  for (int open = 2; open > 0;) {
    ::poll(fds, 2, -1);
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t size = ::read(fds[i].fd, buffer, sizeof buffer);
      if (size > 0) {
        texts[i]->append(buffer, static_cast<std::size_t>(size));
      } else {
        ::close(fds[i].fd);
        fds[i].fd = -1;
        --open;
      }
    }
  }
  int state = 0;
  ::waitpid(pid, &state, 0);
  ran.exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  return ran;
}

Scene::Scene() : log_(std::make_shared<std::pair<std::mutex, std::string>>()) {
  std::filesystem::create_directory(payload_dir());
  std::filesystem::create_directory(run_dir());
}

std::string Scene::publish(const std::string& version, const Files& files,
                           const std::vector<std::string>& pack_flags) {
  const std::string image = root_ / ("image-" + version);
  for (const auto& [path, content] : files) {
    const std::filesystem::path file = image + "/files/" + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << content;
  }
  std::vector<std::string> pack{"pack", image, "--version", version};
  pack.insert(pack.end(), pack_flags.begin(), pack_flags.end());
  const Ran packed = run_okg(pack);
  if (packed.exit_code != 0) throw std::runtime_error("okg pack: " + packed.err);
  return republish(version);
}

std::string Scene::republish(const std::string& version) {
  const Ran ran = run_okg({"publish", "--from", root_ / ("image-" + version), "--to", payload_dir(), "--run",
                           run_dir(), "--once", "--keep", "9", "--json"});
  if (ran.exit_code != 0) throw std::runtime_error("okg publish: " + ran.err);
  return nlohmann::json::parse(ran.out.substr(0, ran.out.find('\n'))).at("digest");
}

okg::Options Scene::options() const {
  okg::Options options;
  options.payload_dir = payload_dir();
  options.run_dir = run_dir();
  options.server_version = "2.4.0";
  options.log_level = okg::LogLevel::debug;
  options.log = [log = log_](okg::LogLevel, std::string_view category, std::string_view text) {
    const std::lock_guard lock(log->first);
    log->second += std::string(category) + ": " + std::string(text) + "\n";
  };
  return options;
}

std::string Scene::log() const {
  const std::lock_guard lock(log_->first);
  return log_->second;
}

bool poll_until(okg::GameServer& server, const std::function<bool()>& done, std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    server.poll();
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

nlohmann::json status(const okg::GameServer& server) {
  return nlohmann::json::parse(server.status_json());
}

bool settled(const okg::GameServer& server, const std::string& digest) {
  const auto last = status(server).at("last");
  return last.is_object() && last.at("digest") == digest && !last.at("retriable").get<bool>();
}

okg::Subscription Component::attach(okg::GameServer& server, const std::string& name) {
  return server.on_reload<Tracked>(
      name,
      {.prepare = [this](okg::Payload payload, okg::StopToken stop) -> okg::Result<std::unique_ptr<Tracked>> {
         ++prepares;
         auto text = payload.read(file);
         if (!text) return text.error();
         if (auto fine = check(*text, stop); !fine) return fine.error();
         return std::make_unique<Tracked>(*text);
       },
       .commit =
           [this](std::unique_ptr<Tracked> next) {
             if (on_commit) on_commit();
             if (throw_in_commit) throw std::runtime_error("no room in the world");
             commits.push_back(next ? next->text : "(nothing)");
             return std::exchange(in_use, std::move(next));
           },
       .can_commit = can_commit,
       .after = after});
}

}  // namespace okg::test
