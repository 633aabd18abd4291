// Options that contradict each other, and the small grammars.
#include "control/address.hpp"
#include "control/message.hpp"
#include "control/query.hpp"
#include "unit/control/support.hpp"

namespace okg::control::test {
namespace {

EndpointOptions options() {
  return {.run_directory = "/run"};
}

TEST(Options, Defaults) {
  EXPECT_TRUE(check_endpoint_options(options()));
  EXPECT_FALSE(check_endpoint_options({}));
}

TEST(Options, LegacyRoute) {
  const auto with = [](const std::string& route) {
    EndpointOptions out = options();
    out.legacy_reload = route;
    return check_endpoint_options(out);
  };
  for (const char* route : {"/reload", "/reload-config", "/", "/v1reload", "/a/b%20c~"})
    EXPECT_TRUE(with(route)) << route;
  for (const std::string& route :
       {std::string("reload"), std::string("/a b"), std::string("/a?b"), std::string("/a#b"),
        std::string("/a\nb"), std::string("/\xc3\xbc"), std::string("/a\0b", 4), "/" + std::string(256, 'a'),
        std::string("/livez"), std::string("/readyz"), std::string("/metrics"), std::string("/v1"),
        std::string("/v1/status"), std::string("/v1/mine")}) {
    const auto checked = with(route);
    ASSERT_FALSE(checked) << route;
    EXPECT_EQ(checked.error().code, base::Code::invalid_argument);
    EXPECT_TRUE(checked.error().text.starts_with("OKG_LEGACY_RELOAD: ")) << checked.error().text;
  }
}

TEST(Options, Address) {
  const auto with = [](const std::string& address) {
    EndpointOptions out = options();
    out.http = address;
    return check_endpoint_options(out);
  };
  for (const char* address :
       {"127.0.0.1:3000", "0.0.0.0:0", "[::]:80", "[::1]:65535", "[::ffff:127.0.0.1]:1"})
    EXPECT_TRUE(with(address)) << address;
  for (const char* address :
       {"3000", ":3000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "localhost:80",
        "::1:80", "[127.0.0.1]:80", "[::1]", "[::1:80", "1.2.3:80", "127.0.0.1:80 ", "127.0.0.1:0x50"}) {
    const auto checked = with(address);
    ASSERT_FALSE(checked) << address;
    EXPECT_TRUE(checked.error().text.starts_with("OKG_HTTP: ")) << checked.error().text;
  }
}

TEST(Options, TokenIsMandatoryWhereOthersReachTheLegacyRoute) {
  struct Row {
    const char* http;
    const char* legacy;
    bool host_network;
    bool needed;
  };
  for (const Row& row :
       {Row{"127.0.0.1:80", "/reload", false, false}, Row{"127.0.0.1:80", "/reload", true, true},
        Row{"127.9.9.9:80", "/reload", false, false}, Row{"[::1]:80", "/reload", false, false},
        Row{"[::ffff:127.0.0.1]:80", "/reload", false, false}, Row{"[::1]:80", "/reload", true, true},
        Row{"0.0.0.0:80", "/reload", false, true}, Row{"[::]:80", "/reload", false, true},
        Row{"10.1.2.3:80", "/reload", false, true}, Row{"0.0.0.0:80", "", true, false},
        Row{"", "/reload", true, false}}) {
    EndpointOptions out{.run_directory = "/run",
                        .http = row.http,
                        .legacy_reload = row.legacy,
                        .host_network = row.host_network};
    const auto checked = check_endpoint_options(out);
    EXPECT_EQ(checked.has_value(), !row.needed) << row.http << row.legacy << row.host_network;
    if (!checked) {
      EXPECT_NE(checked.error().text.find("OKG_TOKEN_FILE"), std::string::npos) << checked.error().text;
    }
    out.token_file = "/token";
    EXPECT_TRUE(check_endpoint_options(out));
  }
}

TEST(Options, AreCheckedByOpenToo) {
  Rig rig(EndpointOptions{.http = "0.0.0.0:0", .legacy_reload = "/reload"});
  EXPECT_FALSE(rig.opened);
  EXPECT_FALSE(rig.unix_socket().connected());
}

TEST(Query, IsDecoded) {
  const auto query = parse_query("a=1&b=%41%3a+c&&d&e=f=g");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query, (std::map<std::string, std::string>{{"a", "1"}, {"b", "A: c"}, {"d", ""}, {"e", "f=g"}}));
  for (const char* bad : {"a=1&a=2", "a=%", "a=%4", "a=%4g", "%zz=1", "a&%61"})
    EXPECT_FALSE(parse_query(bad)) << bad;
}

TEST(Prefer, Wait) {
  using std::chrono::seconds;
  EXPECT_EQ(preferred_wait("wait=30"), seconds(30));
  EXPECT_EQ(preferred_wait("respond-async, WAIT = \"10\" ; x=y"), seconds(10));
  EXPECT_EQ(preferred_wait("wait=1, wait=2"), seconds(1));
  EXPECT_EQ(preferred_wait("wait=100000"), seconds(300));
  for (const char* none :
       {"", "wait", "wait=", "wait=-1", "wait=1s", "await=1", ",", "wait=99999999999999999999"})
    EXPECT_EQ(preferred_wait(none), std::nullopt) << none;
}

TEST(Message, HeaderTextIsPrintableAndShort) {
  EXPECT_EQ(header_text("a\r\nb\x7f\xc3\xbc"), "a??b???");
  EXPECT_EQ(header_text(std::string(500, 'x')).size(), 400u);
}

TEST(Address, NamesAPeer) {
  const auto text = [](const char* ip) { return address_text(make_address(ip, 1)->storage); };
  EXPECT_EQ(text("10.1.2.3"), "10.1.2.3");
  EXPECT_EQ(text("::ffff:10.1.2.3"), "10.1.2.3");  // the same peer whichever way it came
  EXPECT_EQ(text("fd00::1"), "fd00::1");
}

}  // namespace
}  // namespace okg::control::test
