#include "integration/nginx/pages.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "control/client.hpp"

namespace okg::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

pid_t parent_of(const fs::path& process) {
  std::ifstream in(process / "stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const std::size_t end = text.rfind(')');
  if (end == text.npos) return 0;
  std::istringstream rest(text.substr(end + 1));
  char state = 0;
  pid_t parent = 0;
  rest >> state >> parent;
  return parent;
}

}  // namespace

NginxPod::NginxPod() : port(free_port()) {
  // nginx's workers are nobody.
  fs::permissions(fs::path(pod.run()).parent_path(), fs::perms(0755));
}

std::string NginxPod::pack(const std::string& version, int example, const Files& files) const {
  Files all;
  const std::string examples = OKG_EXAMPLES;
  for (const std::string& from :
       {examples + "/2048/payload/v" + std::to_string(example) + "/files", examples + "/nginx/payload"})
    for (const auto& entry : fs::recursive_directory_iterator(from))
      if (entry.is_regular_file())
        all[fs::relative(entry.path(), from).string()] = pod.read(entry.path().string());
  for (const auto& [path, text] : files) all[path] = text;
  return pod.pack(version, all);
}

int NginxPod::publish_and_wait(const std::string& version, int example, const Files& files) const {
  pack(version, example, files);
  // Players take a while to load a page: more versions than usual, since they come faster than usual.
  return pod.okg({"publish", "--once", "--wait", "60s", "--keep", "5", "--from", pod / ("image-" + version)})
      .code;
}

Words NginxPod::command(const Words& more) const {
  Words out{"run", "--prepare", "sh \"$OKG_RELOAD_DIR/nginx.sh\" test", "--on-reload",
            "sh \"$OKG_RELOAD_DIR/nginx.sh\" reload"};
  if (more.empty()) out.insert(out.end(), {"--confirm", "http:" + url("/version") + "={digest}"});
  out.insert(out.end(), more.begin(), more.end());
  out.insert(out.end(), {"--", "sh", "-c",
                         "PORT=" + std::to_string(port) + " exec sh \"$OKG_RELOAD_DIR/nginx.sh\" start"});
  return out;
}

std::string NginxPod::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port) + path;
}

std::string NginxPod::get(const std::string& path) const {
  const auto answer = control::ask_url(url(path), {}, 10s);
  return answer && answer->status == 200 ? answer->body : "";
}

int NginxPod::workers(pid_t okg) const {
  int count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t parent = parent_of(entry.path());
    if (parent == okg) ++count;
    if (parent > 1 && parent_of("/proc/" + std::to_string(parent)) == okg) ++count;
  }
  return count;
}

Players::Players(const NginxPod& nginx) : nginx_(nginx) {
  for (int i = 0; i < 4; ++i) threads_.emplace_back([this] { play(); });
}

Players::~Players() {
  ending_ = true;
  for (std::thread& thread : threads_) thread.join();
}

std::vector<std::string> Players::complaints() {
  const std::lock_guard lock(mutex_);
  return complaints_;
}

void Players::play() {
  while (!ending_) {
    if (const std::string wrong = load(); !wrong.empty()) {
      const std::lock_guard lock(mutex_);
      complaints_.push_back(wrong);
    }
    ++loaded_;
  }
}

std::string Players::load() const {
  const auto failed = [](const std::string& path, const base::Result<control::Response>& answer) {
    return path + ": " + (answer ? "HTTP status " + std::to_string(answer->status) : answer.error().text);
  };
  const auto home = control::ask_url(nginx_.url("/"), {}, 10s);
  if (!home || home->status != 302) return failed("/", home);
  const std::string page = home->headers.at("location");
  const std::string base = page.substr(0, page.find("/client/"));
  std::string shown;
  for (const char* part :
       {"/client/index.html", "/client/game.js", "/client/style.css", "/texts/en.json", "/version"}) {
    const auto answer = control::ask_url(nginx_.url(base + part), {}, 10s);
    if (!answer || answer->status != 200) return failed(base + part, answer);
    if (std::string_view(part) == "/texts/en.json")
      shown = answer->body.find("\"*_* Game over!\"") != std::string::npos ? "2" : "1";
    // `version` is a file of the payload: its label, whose last digit is the example's.
    if (std::string_view(part) == "/version" && answer->body.substr(answer->body.size() - 1) != shown)
      return base + ": texts of " + shown + ", but it is " + answer->body;
  }
  return "";
}

}  // namespace okg::test
