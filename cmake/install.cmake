# What `cmake --install` lays down (docs/interface.md, section 1). Components: Runtime (bin/okg, libokg.so.<abi>) and
# Development (the rest).
include(CMakePackageConfigHelpers)

install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/okg" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  COMPONENT Development FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

set(_libraries okg_headers okg_static okg_hot)
if(NOT DEFINED BUILD_SHARED_LIBS OR BUILD_SHARED_LIBS)
  list(APPEND _libraries okg)
endif()
install(TARGETS ${_libraries} EXPORT okgTargets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT Runtime NAMELINK_COMPONENT Development
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT Development
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
if(TARGET okg_program)
  install(TARGETS okg_program RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT Runtime)
endif()

set(_config "${CMAKE_INSTALL_LIBDIR}/cmake/okg")
install(EXPORT okgTargets NAMESPACE okg:: DESTINATION "${_config}" COMPONENT Development)
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/okgConfig.cmake.in" "${PROJECT_BINARY_DIR}/okgConfig.cmake"
  INSTALL_DESTINATION "${_config}" NO_SET_AND_CHECK_MACRO)
# Before 1.0 a minor version may break the source; the ABI has its own number.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(_compatible SameMinorVersion)
else()
  set(_compatible SameMajorVersion)
endif()
write_basic_package_version_file("${PROJECT_BINARY_DIR}/okgConfigVersion.cmake" COMPATIBILITY ${_compatible})
install(FILES "${PROJECT_BINARY_DIR}/okgConfig.cmake" "${PROJECT_BINARY_DIR}/okgConfigVersion.cmake"
  DESTINATION "${_config}" COMPONENT Development)

# Relative to where the file lies, so that the whole prefix can be moved.
file(RELATIVE_PATH OKG_PC_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" OKG_PC_PREFIX "${OKG_PC_PREFIX}")
set(OKG_PC_PRIVATE "-lstdc++ -lm -lpthread")
if(NOT OKG_OPENSSL_ARCHIVES OR OKG_SANITIZE)
  string(APPEND OKG_PC_PRIVATE " -lssl -lcrypto")
endif()
configure_file("${CMAKE_CURRENT_LIST_DIR}/okg.pc.in" "${PROJECT_BINARY_DIR}/okg.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/okg.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT Development)
