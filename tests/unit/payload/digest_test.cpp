// Digests, their spellings, and the names that are made of them.
#include "payload/digest.hpp"

#include <gtest/gtest.h>

#include <string>

#include "payload/layout.hpp"
#include "payload/sha256.hpp"

namespace okg::payload {
namespace {

const std::string kEmptyHex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Sha256, GivesThePublishedValues) {
  EXPECT_EQ(sha256("").hex(), kEmptyHex);
  EXPECT_EQ(sha256("abc").hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')).hex(),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotCareHowTheDataIsCut) {
  const std::string data(100'003, 'x');
  Sha256 hash;
  for (std::size_t at = 0; at < data.size(); at += 97)
    hash.update(data.data() + at, std::min<std::size_t>(97, data.size() - at));
  EXPECT_EQ(hash.finish(), sha256(data));
}

TEST(Digest, IsReadInTheFormItIsWritten) {
  const Digest digest = sha256("abc");
  EXPECT_EQ(digest.text(), "sha256:" + digest.hex());
  EXPECT_EQ(Digest::from_hex(digest.hex()), digest);
  EXPECT_EQ(Digest::from_text(digest.text()), digest);
  EXPECT_EQ(Digest::from_either(digest.hex()), digest);
  EXPECT_EQ(Digest::from_either(digest.text()), digest);
  EXPECT_FALSE(Digest::from_hex(digest.text()));
  EXPECT_FALSE(Digest::from_text(digest.hex()));
}

TEST(Digest, RefusesEverythingElse) {
  for (const std::string& text :
       {std::string(), kEmptyHex.substr(1), kEmptyHex + "0", "E" + kEmptyHex.substr(1),
        "g" + kEmptyHex.substr(1), " " + kEmptyHex, kEmptyHex + "\n", "sha256:" + kEmptyHex.substr(1),
        "SHA256:" + kEmptyHex, "sha512:" + kEmptyHex, std::string(64, '\0')})
    EXPECT_FALSE(Digest::from_either(text)) << text;
}

TEST(VersionName, IsReadInTheFormItIsWritten) {
  for (const unsigned copy : {0U, 1U, 2U, 10U, 999'999U}) {
    const VersionName name{sha256("x"), copy};
    EXPECT_EQ(VersionName::parse(name.text()), name);
    EXPECT_EQ(VersionName::parse_target(name.target()), name);
    EXPECT_EQ(name.target(), "v/" + name.text());
  }
}

TEST(VersionName, RefusesEverythingElse) {
  for (const std::string suffix :
       {".", ".0", ".01", ".-1", ".+1", ".1.", ".1x", ". 1", "1", "/", ".1000000", ".99999999999"})
    EXPECT_FALSE(VersionName::parse(kEmptyHex + suffix)) << suffix;
  for (const std::string& target :
       {kEmptyHex, "/v/" + kEmptyHex, "./v/" + kEmptyHex, "v//" + kEmptyHex, "v/" + kEmptyHex + "/",
        "w/" + kEmptyHex, "v/../v/" + kEmptyHex, std::string("v/"), std::string("v"), std::string(),
        "v/" + kEmptyHex + "\n", std::string("../..")})
    EXPECT_FALSE(VersionName::parse_target(target)) << target;
}

}  // namespace
}  // namespace okg::payload
