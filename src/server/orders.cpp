#include "server/orders.hpp"

#include "base/files.hpp"
#include "base/json.hpp"

namespace okg::server {

Orders::Orders(base::Os& os, int run_directory) : os_(os), run_(run_directory) {
  if (run_ < 0) return;
  const auto text = base::read_small_file(os_, run_, kOrdersFile, 64 * 1024, kOrdersFile);
  if (!text) return;
  const auto json = base::parse_json_object(*text, kOrdersFile, base::Code::io);
  if (!json) return;
  reload_ = base::get_string(*json, "reload").value_or("");
  rollback_ = base::get_string(*json, "rollback").value_or("");
}

base::Result<bool> Orders::begin(const controller::say::Ask& ask) {
  std::string& last = ask.rollback ? rollback_ : reload_;
  const std::string whole = ask.to + "#" + ask.nonce;
  if (last == whole) return false;
  const std::string before = std::exchange(last, whole);
  const base::OrderedJson json = {{"schema", "okg.orders/v1"}, {"reload", reload_}, {"rollback", rollback_}};
  const auto written = run_ < 0
                           ? base::Status(base::Error(base::Code::unsupported, "there is no run directory"))
                           : base::replace_file(os_, run_, kOrdersFile, base::dump(json, 1) + "\n", 0644);
  if (written) return true;
  last = before;
  return written.error();
}

}  // namespace okg::server
