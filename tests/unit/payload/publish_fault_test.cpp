// Publishing while the system fails, or the publisher is killed, at every single call: readers find the old
// payload or the new one, whole, and the next publish makes everything as if nothing had happened.
#include <csignal>

#include "payload_fixture.hpp"

namespace okg::payload {
namespace {

class PublishFaultTest : public PayloadTest {
 protected:
  // A volume on which the second image is about to follow the first.
  void start(bool first_too) {
    os.reset();
    TemporaryDirectory::remove(volume);
    TemporaryDirectory::remove(run);
    fs::create_directory(volume);
    fs::create_directory(run);
    if (first_too) {
      ASSERT_TRUE(publish_from(first));
    }
    os.reset();
  }

  PublishOptions second_options() {
    PublishOptions chosen = options(second);
    chosen.program = top / "okg";
    chosen.sync = true;  // all the calls there are
    chosen.budget = 1 << 30;
    return chosen;
  }

  // After a publish of the second image that ended in whatever way.
  void check_and_converge(bool first_too, std::optional<bool> succeeded, const std::string& what) {
    os.reset();
    const auto files = read_volume(os, volume);
    const bool has_new = files && *files == kSecond;
    const bool has_old =
        files ? first_too && *files == kFirst : !first_too && files.error().code == Code::not_found;
    EXPECT_TRUE(succeeded.has_value() ? has_new == *succeeded && has_old != *succeeded : has_new || has_old)
        << what << (files ? "" : ": " + files.error().text);

    warnings.clear();
    const auto again = publish(os, second_options());
    ASSERT_TRUE(again) << what << ": " << again.error().text;
    EXPECT_EQ(in_use(), kSecond) << what;
    EXPECT_EQ(read_file(volume + "/bin/okg"), "program") << what;
    EXPECT_EQ(names_in(volume), (std::vector<std::string>{".lock", ".staging", "bin", "current", "v"}))
        << what;
    EXPECT_EQ(names_in(volume + "/bin"), std::vector<std::string>{"okg"}) << what;
    EXPECT_EQ(staged(), 0U) << what;
    EXPECT_LE(names_in(run).size(), 2U) << what;
    EXPECT_LE(names_in(volume + "/v").size(), 2U) << what;
    EXPECT_EQ(mode_of(volume + "/" + current()), 0555U) << what;
  }

  void fail_everywhere(bool first_too, int error, bool and_after) {
    bool reached = true;
    std::uint64_t n = 0;
    for (; reached && !HasFatalFailure(); ++n) {
      start(first_too);
      if (and_after)
        os.fail_from_nth(n + 1, error);
      else
        os.fail_nth(n + 1, error);
      const auto published = publish(os, second_options());
      reached = os.failed() > 0;
      check_and_converge(first_too, published.has_value(),
                         "call " + std::to_string(n + 1) + " with errno " + std::to_string(error) + ": " +
                             (published ? "published" : published.error().text));
      if (HasFailure()) break;
    }
    EXPECT_GT(n, 100U);
  }

  const Files kFirst = {{"a/same", "unchanged"}, {"a/changed", "1"}, {"gone", "x"}};
  const Files kSecond = {
      {"a/same", "unchanged"}, {"a/changed", "2"}, {"*a/b/new", std::string(300'000, 'n')}};
  std::string first = image("1", kFirst);
  std::string second = image("2", kSecond);
  bool written = (write_file(top / "okg", "program", 0755), true);
};

TEST_F(PublishFaultTest, NoSpaceAtEveryCall) {
  fail_everywhere(true, ENOSPC, false);
}
TEST_F(PublishFaultTest, NoSpaceFromEveryCallOn) {
  fail_everywhere(true, ENOSPC, true);
}
TEST_F(PublishFaultTest, NoSpaceAtEveryCallOfTheFirstPublish) {
  fail_everywhere(false, ENOSPC, false);
}
TEST_F(PublishFaultTest, InputOutputErrorAtEveryCall) {
  fail_everywhere(true, EIO, false);
}
TEST_F(PublishFaultTest, InputOutputErrorFromEveryCallOn) {
  fail_everywhere(true, EIO, true);
}
TEST_F(PublishFaultTest, InterruptionAtEveryCall) {
  fail_everywhere(true, EINTR, false);
}
TEST_F(PublishFaultTest, DeniedAtEveryCall) {
  fail_everywhere(true, EACCES, false);
}
TEST_F(PublishFaultTest, NotThereAtEveryCall) {
  fail_everywhere(true, ENOENT, false);
}
TEST_F(PublishFaultTest, ReadOnlyFromEveryCallOn) {
  fail_everywhere(false, EROFS, true);
}

// A real SIGKILL before every call, and so after every call.
TEST_F(PublishFaultTest, IsKilledAtEveryCall) {
  for (const bool first_too : {true, false}) {
    std::uint64_t n = 0;
    for (bool killed = true; killed && !HasFailure();) {
      start(first_too);
      ++n;
      const int ended = in_child([&] {
        os.before_each([n](std::uint64_t call, test::Call) {
          if (call == n) ::raise(SIGKILL);
        });
        return publish(os, second_options()) ? 0 : 1;
      });
      killed = ended == -SIGKILL;
      EXPECT_TRUE(killed || ended == 0) << ended;
      check_and_converge(first_too, killed ? std::optional<bool>() : true,
                         "killed before call " + std::to_string(n));
    }
    EXPECT_GT(n, 100U);
  }
}

// Killed again and again on one volume, at another place each time.
TEST_F(PublishFaultTest, IsKilledAgainAndAgain) {
  start(true);
  for (std::uint64_t n = 1; n < 400; n += 7) {
    in_child([&] {
      os.before_each([n](std::uint64_t call, test::Call) {
        if (call == n) ::raise(SIGKILL);
      });
      return publish(os, options(n % 2 == 0 ? first : second)) ? 0 : 1;
    });
    const auto files = read_volume(os, volume);
    ASSERT_TRUE(files) << n << ": " << files.error().text;
    EXPECT_TRUE(*files == kFirst || *files == kSecond) << n;
    EXPECT_LE(staged(), 2U) << "leftovers of one run, not of all";
  }
  EXPECT_LE(names_in(run).size(), 2U);
  check_and_converge(true, std::nullopt, "after many kills");
}

TEST_F(PublishFaultTest, ShortAndInterruptedCallsChangeNothing) {
  for (const std::size_t most : {1U, 7U, 4096U}) {
    start(true);
    os.shorten(most);
    for (const auto kind : {test::Call::read, test::Call::write, test::Call::lock, test::Call::fallocate})
      os.interrupt(kind);
    const auto published = publish(os, second_options());
    ASSERT_TRUE(published) << published.error().text;
    EXPECT_EQ(published->reused_bytes, 9U);
    check_and_converge(true, true, "short calls");
  }
}

TEST_F(PublishFaultTest, WorksOnPoorerFileSystems) {
  const auto works = [&](const char* what, test::Call kind, int error) {
    start(true);
    os.fail_every(kind, error);
    os.hide_types = true;
    auto chosen = second_options();
    chosen.sync = false;
    const auto published = publish(os, chosen);
    ASSERT_TRUE(published) << what << ": " << published.error().text;
    check_and_converge(true, true, what);
  };
  works("no openat2", test::Call::open_beneath, ENOSYS);
  works("openat2 forbidden", test::Call::open_beneath, EPERM);
  works("no fallocate", test::Call::fallocate, EOPNOTSUPP);
  works("no rename flags", test::Call::rename_noreplace, EINVAL);
  works("old kernel", test::Call::rename_noreplace, ENOSYS);
  works("no hard links", test::Call::link, EPERM);
  works("no random numbers", test::Call::random, ENOSYS);
}

TEST_F(PublishFaultTest, SaysNoSpaceWhenThereIsNone) {
  for (const auto kind :
       {test::Call::write, test::Call::fallocate, test::Call::mkdir, test::Call::symlink, test::Call::link})
    for (const int error : {ENOSPC, EDQUOT}) {
      start(true);
      os.fail_every(kind, error);
      auto chosen = second_options();
      chosen.run.clear();
      const auto published = publish(os, chosen);
      if (kind == test::Call::link) {  // a copy does as well
        EXPECT_TRUE(published);
        continue;
      }
      if (published) {
        ADD_FAILURE() << "call kind " << static_cast<unsigned>(kind);
        continue;
      }
      EXPECT_EQ(published.error().code, Code::no_space) << published.error().text;
      os.reset();
      EXPECT_EQ(in_use(), kFirst);
    }
}

}  // namespace
}  // namespace okg::payload
