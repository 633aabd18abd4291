# Every option of the build, in one place.

include(GNUInstallDirs)

option(OKG_BUILD_PROGRAM    "Build the okg program (static)"            ${PROJECT_IS_TOP_LEVEL})
option(OKG_BUILD_EXAMPLES   "Build examples/"                           ${PROJECT_IS_TOP_LEVEL})
option(OKG_BUILD_TESTS      "Build tests/"                              ${PROJECT_IS_TOP_LEVEL})
option(OKG_BUILD_BENCHMARKS "Build benchmarks/"                         OFF)
option(OKG_BUILD_FUZZERS    "Build tests/fuzz with libFuzzer (clang)"   OFF)
option(OKG_INSTALL          "Make install rules"                        ${PROJECT_IS_TOP_LEVEL})
option(OKG_WARNINGS_AS_ERRORS "Treat warnings as errors"                ${PROJECT_IS_TOP_LEVEL})
option(OKG_STATIC_RUNTIME   "Link libokg.so with libstdc++ inside, hidden"           ON)
set(OKG_TEST_LABELS "" CACHE STRING "Build only unit and integration tests with one of these labels (empty: all tests)")
set(OKG_SANITIZE "" CACHE STRING "Sanitizers for everything: address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
if(PROJECT_IS_TOP_LEVEL)
  set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
  # Programs where interface.md promises them: build/<preset>/okg, build/<preset>/libokg.so.<abi>, …
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
  find_program(OKG_CCACHE ccache)
  if(OKG_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # A clone at another place finds what the last one compiled.
    set(CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${OKG_CCACHE}")
    set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_CXX_COMPILER_LAUNCHER}")
  endif()
endif()

if(OKG_SANITIZE)
  add_compile_options(-fsanitize=${OKG_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${OKG_SANITIZE})
  set(OKG_STATIC_RUNTIME OFF)  # the sanitizers' run time wants the shared one
endif()
