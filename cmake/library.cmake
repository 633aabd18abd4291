# The library, from the objects of the rooms it consists of (OKG_LIBRARY_ROOMS):
#   okg          libokg.so.<abi>   everything but okg_* hidden; OpenSSL inside where its archives are there
#   okg_static   libokg.a          one object in which everything but okg_* is local: nothing to clash with
#   okg_hot      libokg_hot.a      the same of okg_hot_* alone
# okg::okg is the shared one, or the static one with BUILD_SHARED_LIBS=OFF.

set(_room_objects)
foreach(room IN LISTS OKG_LIBRARY_ROOMS)
  list(APPEND _room_objects $<TARGET_OBJECTS:okg_room_${room}>)
endforeach()
# With OpenSSL's archives inside, nothing of it is needed where okg is used.
if(OKG_OPENSSL_ARCHIVES)
  set(_openssl ${OKG_OPENSSL_ARCHIVES})
else()
  set(_openssl OpenSSL::SSL OpenSSL::Crypto)
endif()

# ---- shared
add_library(okg SHARED ${_room_objects})
# The file is libokg.so.<abi> itself (interface.md 1), without a longer name behind it.
set_target_properties(okg PROPERTIES EXPORT_NAME okg SOVERSION ${OKG_ABI} VERSION ${OKG_ABI}
  LINKER_LANGUAGE CXX LINK_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/okg.map")
target_link_libraries(okg PUBLIC okg_headers PRIVATE ${_openssl} Threads::Threads)
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
# okg_archive(TARGET FILE OBJECT…): one object in which all but okg_* is local; OpenSSL's archives may be among them.
function(okg_archive target file)
  if(OKG_SANITIZE)
    set(objects ${ARGN})
    list(FILTER objects EXCLUDE REGEX "\\.a$")
    add_library(${target} STATIC ${objects})
  else()
    set(whole "${PROJECT_BINARY_DIR}/${target}_whole${CMAKE_CXX_OUTPUT_EXTENSION}")
    set(link ${CMAKE_CXX_COMPILER})
    if(CMAKE_CXX_COMPILER_TARGET)
      list(APPEND link --target=${CMAKE_CXX_COMPILER_TARGET})
    endif()
    # --force-group-allocation: a section of a COMDAT group whose symbol became local would not survive a final link
    # that keeps another object's copy of the same group. -d: a common symbol cannot be made local before it has a place.
    add_custom_command(OUTPUT "${whole}"
      COMMAND ${link} -r -nostdlib -Wl,-d,--force-group-allocation -o "${whole}" ${ARGN}
      COMMAND "${CMAKE_OBJCOPY}" --wildcard "--keep-global-symbol=okg_*" "${whole}"
      DEPENDS ${ARGN} COMMAND_EXPAND_LISTS VERBATIM COMMENT "Hiding all but okg_* in lib${file}.a")
    add_library(${target} STATIC "${whole}")
    set_source_files_properties("${whole}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  endif()
  # Named as a C library, so that a C project can link it without enabling C++; what it needs of C++ it names itself.
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${file} LINKER_LANGUAGE C)
  target_link_libraries(${target} PUBLIC okg_headers INTERFACE stdc++ m pthread)
endfunction()

okg_archive(okg_static okg ${_room_objects} ${OKG_OPENSSL_ARCHIVES})
set_target_properties(okg_static PROPERTIES EXPORT_NAME okg_static)
if(NOT OKG_OPENSSL_ARCHIVES OR OKG_SANITIZE)
  target_link_libraries(okg_static INTERFACE ssl crypto)
endif()

# okg::hot: okg_hot_* alone, without network and TLS. A program has it or okg::okg.
set(_hot_objects $<TARGET_OBJECTS:okg_no_server>)
foreach(room base hot hotabi)
  list(APPEND _hot_objects $<TARGET_OBJECTS:okg_room_${room}>)
endforeach()
okg_archive(okg_hot okg_hot ${_hot_objects})
set_target_properties(okg_hot PROPERTIES EXPORT_NAME hot)
add_library(okg::hot ALIAS okg_hot)
if(NOT OKG_INSTALL)
  set_target_properties(okg_hot PROPERTIES EXCLUDE_FROM_ALL TRUE)
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
