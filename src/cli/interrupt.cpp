#include "cli/interrupt.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "cli/exit_codes.hpp"

namespace okg::cli {
namespace {

constexpr int kGraceMilliseconds = 80;

// What somebody may send to a process on purpose. Not SIGTSTP and its like, which are the terminal's.
constexpr int kEverything[] = {SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGCONT, SIGCHLD};

}  // namespace

Interrupt::Interrupt(Takes takes) : takes_(takes), exit_code_(kTryAgain) {
  sigset_t wanted;
  ::sigemptyset(&wanted);
  ::sigaddset(&wanted, SIGTERM);
  ::sigaddset(&wanted, SIGINT);
  if (takes == Takes::everything) {
    for (const int number : kEverything) ::sigaddset(&wanted, number);
    for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) ::sigaddset(&wanted, number);
  }
  ::pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  // Ignored by whoever started us, it would have the kernel wait for our children, and nobody hear of their
  // end.
  std::signal(SIGCHLD, SIG_DFL);
  // A reader of our output that went away must not take a staying publisher with it.
  std::signal(SIGPIPE, SIG_IGN);
  signals_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  finished_.reset(::eventfd(0, EFD_CLOEXEC));
  if (takes == Takes::end) thread_ = std::thread([this] { listen(); });
}

Interrupt::~Interrupt() {
  const std::uint64_t one = 1;
  while (::write(finished_.get(), &one, sizeof one) < 0 && errno == EINTR) {
  }
  if (thread_.joinable()) thread_.join();
}

void Interrupt::listen() {
  pollfd watched[] = {{finished_.get(), POLLIN, 0}, {signals_.get(), POLLIN, 0}};
  for (;;) {
    while (::poll(watched, 2, -1) < 0 && errno == EINTR) {
    }
    if (watched[0].revents != 0) return;
    signalfd_siginfo info{};
    const bool known = ::read(signals_.get(), &info, sizeof info) == sizeof info;
    source_.request_stop();
    const std::lock_guard lock(mutex_);
    if (!call_) break;
    // A terminal that was hung up tells only the first process of its session.
    const bool from_terminal = info.ssi_code == SI_KERNEL && info.ssi_signo != SIGHUP;
    if (known) call_(static_cast<int>(info.ssi_signo), from_terminal);
  }
  while (::poll(watched, 1, kGraceMilliseconds) < 0 && errno == EINTR) {
  }
  if (watched[0].revents == 0) ::_exit(exit_code_);
}

void Interrupt::hand_over(std::function<void(int, bool)> call) {
  const std::lock_guard lock(mutex_);
  call_ = std::move(call);
  if (takes_ == Takes::everything && !thread_.joinable()) thread_ = std::thread([this] { listen(); });
}

}  // namespace okg::cli
