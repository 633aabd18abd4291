// okg's hot state, through its C functions.
#include <okg/okg.h>

#include "subject.hpp"

namespace okg::benchmarks {
namespace {

constexpr std::int64_t kPatienceNs = 60'000'000'000;

class Okg final : public Subject {
 public:
  explicit Okg(const Place& place) {
    okg_hot_options options = OKG_HOT_OPTIONS_INIT;
    options.directory = place.directory.c_str();
    options.name = "bench";
    options.max_bytes = place.bytes;
    options.first_bytes = place.grows ? 1 << 20 : 0;
    options.lock_wait_ns = kPatienceNs;
    okg_error error;
    if (okg_hot_open(&options, &hot_, &error) != OKG_OK) stop(error.text);
    okg_hot_report report = OKG_HOT_REPORT_INIT;
    if (okg_hot_get_report(hot_, &report) != OKG_OK) stop("no report");
    if ((report.opened == OKG_HOT_RESUMED) != place.is_there) stop("it was not opened as it should be");
    if (okg_hot_open_table(hot_, "table", nullptr, &table_, &error) != OKG_OK) stop(error.text);
  }
  ~Okg() override { okg_hot_close(hot_); }
  void put(std::uint64_t key, const char* value, std::size_t size) override {
    okg_error error;
    if (okg_hot_put_u64(table_, key, value, size, &error) != OKG_OK) stop(error.text);
  }
  void erase(std::uint64_t key) override {
    if (okg_hot_erase_u64(table_, key, nullptr) != OKG_OK) stop("a record is missing");
  }
  bool get(std::uint64_t key, char* value, std::size_t size) override {
    const okg_code code = okg_hot_get_u64(table_, key, value, size, nullptr, nullptr);
    if (code != OKG_OK && code != OKG_NOT_FOUND) stop("a record is damaged");
    return code == OKG_OK;
  }
  bool work() override { return okg_hot_poll(hot_, 1'000'000) != 0; }
  [[nodiscard]] bool is_for_threads() const override { return true; }

 private:
  okg_hot* hot_ = nullptr;
  okg_hot_table* table_ = nullptr;
};

const NamedSubject kOkg("okg", [](const Place& place) { return std::make_unique<Okg>(place); });

}  // namespace
}  // namespace okg::benchmarks
