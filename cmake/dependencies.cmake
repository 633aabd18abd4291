# What okg is built from. Only headers of Boost and nlohmann_json are used; libcrypto gives SHA-256, libssl the connection
# to the Kubernetes API, and both are linked from their archives where they are there, so that no other OpenSSL in the
# process can clash with them.

find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(OpenSSL 3 REQUIRED COMPONENTS Crypto SSL)

find_library(OKG_CRYPTO_ARCHIVE libcrypto.a HINTS "${OPENSSL_ROOT_DIR}/lib")
find_library(OKG_SSL_ARCHIVE libssl.a HINTS "${OPENSSL_ROOT_DIR}/lib")
mark_as_advanced(OKG_CRYPTO_ARCHIVE OKG_SSL_ARCHIVE)
# What the library has inside: both or none, in the order of linking.
set(OKG_OPENSSL_ARCHIVES)
if(OKG_CRYPTO_ARCHIVE AND OKG_SSL_ARCHIVE)
  set(OKG_OPENSSL_ARCHIVES "${OKG_SSL_ARCHIVE}" "${OKG_CRYPTO_ARCHIVE}")
endif()

# Third-party headers are not ours to warn about.
add_library(okg_third_party INTERFACE)
target_include_directories(okg_third_party SYSTEM INTERFACE ${Boost_INCLUDE_DIRS} ${OPENSSL_INCLUDE_DIR})
target_link_libraries(okg_third_party INTERFACE Threads::Threads nlohmann_json::nlohmann_json)
target_compile_definitions(okg_third_party INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_REGEX BOOST_ALLOW_DEPRECATED_HEADERS JSON_HAS_RANGES=0)
