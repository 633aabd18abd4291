# okg_warnings(TARGET): the warnings that all of our own code is built with.
function(okg_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnull-dereference
    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wextra-semi>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # gcc's flow analysis reports paths inside libstdc++ and Boost that cannot happen ("a" + std::string in gcc 12).
    target_compile_options(${target} PRIVATE -Wno-null-dereference -Wno-maybe-uninitialized -Wno-restrict)
  else()
    # Designated initializers name what differs; the rest is meant to be the default.
    target_compile_options(${target} PRIVATE -Wno-missing-field-initializers -Wno-missing-designated-field-initializers)
  endif()
  target_compile_options(${target} PRIVATE -Wno-missing-field-initializers)
  if(OKG_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-tsan)  # Asio's fences: seen by the sanitizer as what they guard
  endif()
  if(OKG_WARNINGS_AS_ERRORS)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
