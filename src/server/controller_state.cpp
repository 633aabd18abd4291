// The controller in the status: the object "controller" of okg.status/v1.
#include "base/text.hpp"
#include "server/controller_driver.hpp"

namespace okg::server {

using base::OrderedJson;

namespace {

const char* name_of(controller::Link link) {
  switch (link) {
    case controller::Link::off:
      return "off";
    case controller::Link::connecting:
      return "connecting";
    case controller::Link::connected:
      return "connected";
    case controller::Link::limited:
      break;
  }
  return "limited";
}

const char* name_of(controller::Notice::Phase phase) {
  switch (phase) {
    case controller::Notice::Phase::coming:
      return "coming";
    case controller::Notice::Phase::started:
      return "started";
    case controller::Notice::Phase::finished:
      return "finished";
    case controller::Notice::Phase::withdrawn:
      break;
  }
  return "withdrawn";
}

OrderedJson or_null(const controller::Value& value) {
  return value ? OrderedJson(*value) : OrderedJson(nullptr);
}
OrderedJson or_null(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

OrderedJson addresses(const std::vector<controller::Address>& list) {
  OrderedJson out = OrderedJson::array();
  for (const auto& address : list) {
    OrderedJson one = {{"ip", address.ip}};
    if (!address.end_point.empty()) one["end_point"] = address.end_point;
    one["ports"] = OrderedJson::array();
    for (const auto& port : address.ports)
      one["ports"].push_back({{"name", port.name}, {"protocol", port.protocol}, {"port", port.number}});
    if (address.range) one["range"] = address.range->range;
    out.push_back(std::move(one));
  }
  return out;
}

OrderedJson json_of(const controller::Notice& notice, std::int64_t now) {
  OrderedJson out;
  out["id"] = notice.id;
  out["kind"] = notice.kind == controller::Notice::Kind::update ? "update" : "deletion";
  out["phase"] = name_of(notice.phase);
  out["waits"] = notice.waits;
  out["deadline_ms"] =
      notice.deadline ? OrderedJson((*notice.deadline - now) / 1'000'000) : OrderedJson(nullptr);
  out["revision"] = or_null(notice.revision);
  if (!notice.containers) {
    out["containers"] = nullptr;
    return out;
  }
  out["containers"] = OrderedJson::array();
  for (const auto& [name, image] : *notice.containers)
    out["containers"].push_back({{"name", name}, {"image", or_null(image)}});
  return out;
}

}  // namespace

OrderedJson ControllerDriver::json() {
  const std::lock_guard lock(mutex_);
  OrderedJson out;
  out["kind"] = adapter_name_;
  out["link"] = name_of(conversation_.link());
  out["trouble"] = or_null(why_);
  out["requests"] = counts_.requests;
  out["errors"] = counts_.errors;
  const controller::Object nothing;
  const controller::ObjectPtr view = conversation_.view();
  const controller::Object& object = view ? *view : nothing;
  out["name"] = or_null(object.name);
  out["ops_state"] = or_null(object.ops_state);
  out["state"] = or_null(object.state);
  out["update_priority"] = or_null(object.update_priority);
  out["deletion_priority"] = or_null(object.deletion_priority);
  out["network"] = {{"type", or_null(object.network.type)},
                    {"state", or_null(object.network.current)},
                    {"internal", addresses(object.network.internal)},
                    {"external", addresses(object.network.external)}};
  out["update"] = nullptr;
  if (conversation_.notice()) {
    out["update"] = json_of(*conversation_.notice(), os_.monotonic_ns());
    out["update"]["allowed"] = conversation_.allowed();
  }
  out["writes"] = OrderedJson::array();
  for (const Order& order : orders_) {
    const char* result = order.ended ? "written" : "pending";
    out["writes"].push_back({{"write", order.ticket},
                             {"field", order.field},
                             {"value", or_null(order.value)},
                             {"result", order.error ? base::code_name(order.error->code) : result},
                             {"text", order.error ? OrderedJson(order.error->text) : OrderedJson(nullptr)}});
  }
  return out;
}

void ControllerDriver::describe(control::Metrics& metrics) {
  const std::lock_guard lock(mutex_);
  if (conversation_.link() == controller::Link::off) return;
  control::ControllerMetrics& out = metrics.controller.emplace();
  out.kind = adapter_name_;
  out.connected = conversation_.link() != controller::Link::connecting;
  out.waits_for_update = conversation_.notice().has_value();
  out.requests = counts_.requests;
  out.errors = counts_.errors;
  if (const controller::ObjectPtr view = conversation_.view()) {
    out.ops_state = view->ops_state.value_or("");
    out.state = view->state;
  }
}

}  // namespace okg::server
