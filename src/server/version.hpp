// The library's version, for what is not allowed to look into the public header.
#pragma once

namespace okg::server {

inline constexpr char kVersion[] = OKG_VERSION;

}  // namespace okg::server
