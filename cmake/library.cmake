# The library, from the objects of the rooms it consists of (OKG_LIBRARY_ROOMS):
#   okg          libokg.so.<abi>   everything but okg_* hidden; libcrypto inside where its archive is there
#   okg_static   libokg.a          one object in which everything but okg_* is local: nothing to clash with
# okg::okg is the shared one, or the static one with BUILD_SHARED_LIBS=OFF.

set(_room_objects)
foreach(room IN LISTS OKG_LIBRARY_ROOMS)
  list(APPEND _room_objects $<TARGET_OBJECTS:okg_room_${room}>)
endforeach()
# With libcrypto's archive inside, nothing of it is needed where okg is used.
if(OKG_CRYPTO_ARCHIVE)
  set(_crypto "${OKG_CRYPTO_ARCHIVE}")
else()
  set(_crypto OpenSSL::Crypto)
endif()

# ---- shared
add_library(okg SHARED ${_room_objects})
# The file is libokg.so.<abi> itself (interface.md 1), without a longer name behind it.
set_target_properties(okg PROPERTIES EXPORT_NAME okg SOVERSION ${OKG_ABI} VERSION ${OKG_ABI}
  LINKER_LANGUAGE CXX LINK_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/okg.map")
target_link_libraries(okg PUBLIC okg_headers PRIVATE ${_crypto} Threads::Threads)
target_link_options(okg PRIVATE
  -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/okg.map -Wl,--exclude-libs,ALL -Wl,-Bsymbolic
  -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed -Wl,--gc-sections)
if(NOT OKG_SANITIZE)
  target_link_options(okg PRIVATE -Wl,-z,defs)  # the sanitizers' own symbols come with the program
endif()
if(OKG_STATIC_RUNTIME)
  # libgcc_s stays shared: an exception that a callback of the game's lets out is unwound by the game's unwinder, and a
  # second one in here would abort when it is asked about a frame that it did not find itself.
  target_link_options(okg PRIVATE -static-libstdc++)
endif()

# ---- static
if(OKG_SANITIZE)
  add_library(okg_static STATIC ${_room_objects})
else()
  set(_whole "${PROJECT_BINARY_DIR}/okg_whole${CMAKE_CXX_OUTPUT_EXTENSION}")
  set(_link ${CMAKE_CXX_COMPILER})
  if(CMAKE_CXX_COMPILER_TARGET)
    list(APPEND _link --target=${CMAKE_CXX_COMPILER_TARGET})
  endif()
  # --force-group-allocation: a section of a COMDAT group whose symbol became local would not survive a final link
  # that keeps another object's copy of the same group. -d: a common symbol cannot be made local before it has a place.
  add_custom_command(OUTPUT "${_whole}"
    COMMAND ${_link} -r -nostdlib -Wl,-d,--force-group-allocation -o "${_whole}" ${_room_objects} ${OKG_CRYPTO_ARCHIVE}
    COMMAND "${CMAKE_OBJCOPY}" --wildcard "--keep-global-symbol=okg_*" "${_whole}"
    DEPENDS ${_room_objects} COMMAND_EXPAND_LISTS VERBATIM COMMENT "Hiding all but okg_* in libokg.a")
  add_library(okg_static STATIC "${_whole}")
  set_source_files_properties("${_whole}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
endif()
# Named as a C library, so that a C project can link it without enabling C++; what it needs of C++ it names itself.
set_target_properties(okg_static PROPERTIES EXPORT_NAME okg_static OUTPUT_NAME okg LINKER_LANGUAGE C)
target_link_libraries(okg_static PUBLIC okg_headers INTERFACE stdc++ m pthread)
if(NOT OKG_CRYPTO_ARCHIVE OR OKG_SANITIZE)
  target_link_libraries(okg_static INTERFACE crypto)
endif()

add_library(okg::okg_static ALIAS okg_static)
if(DEFINED BUILD_SHARED_LIBS AND NOT BUILD_SHARED_LIBS)
  add_library(okg::okg ALIAS okg_static)
  set(_other okg)
else()
  add_library(okg::okg ALIAS okg)
  set(_other okg_static)
endif()
if(NOT OKG_INSTALL)
  set_target_properties(${_other} PROPERTIES EXCLUDE_FROM_ALL TRUE)
endif()
