#!/usr/bin/env bash
# One way of using okg, tried: check.sh NAME. CMakeLists.txt beside it says where everything is.
set -eu -o pipefail

name=$1
here=$(cd "$(dirname "$0")" && pwd)
prefix=$OKG_WORK/prefix
work=$OKG_WORK/$name
build=$work/build
rm -rf "$work"
mkdir -p "$work/home"
export CC=$OKG_CC CXX=$OKG_CXX

fail() {
  echo "failed: $*"
  exit 1
}

# As on another machine: nothing of this build or of the surroundings is found by accident.
configure() { # configure PROJECT [OPTION…]
  local project=$1
  shift
  cmake -S "$project" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE="$OKG_BUILD_TYPE" \
    -DCMAKE_FIND_PACKAGE_NO_PACKAGE_REGISTRY=ON "$@"
}
build_and_run() {
  cmake --build "$build"
  run "$build/game"
}
run() {
  mkdir -p "$work/run" "$work/payload"
  (cd "$work/home" && env -i PATH="$PATH" "$@" "$work/run" "$work/payload")
}
needs_no_okg() { # the program brings okg along
  if ldd "$1" 2>/dev/null | grep libokg; then fail "$1 needs libokg.so"; fi
}

case $name in
  install)
    rm -rf "$prefix"
    cmake --install "$OKG_BUILD" --prefix "$work/somewhere"
    mv "$work/somewhere" "$prefix"
    for file in include/okg/okg.h include/okg/okg.hpp "lib/libokg.so.$OKG_ABI" lib/libokg.so lib/libokg.a lib/libokg_hot.a \
      lib/cmake/okg/okgConfig.cmake lib/pkgconfig/okg.pc; do
      [ -e "$prefix/$file" ] || fail "$file was not installed"
    done
    if [ -x "$OKG_BUILD/okg" ]; then
      "$prefix/bin/okg" --version
    fi
    # The build's own place must not have got into what is used elsewhere.
    if grep -rlF "$OKG_BUILD" "$prefix/lib/cmake" "$prefix/lib/pkgconfig" "$prefix/include"; then
      fail "the files above name the build directory"
    fi
    ;;
  find_package)
    configure "$here/find_package" -DCMAKE_PREFIX_PATH="$prefix"
    build_and_run
    ;;
  find_package_static)
    configure "$here/find_package" -DCMAKE_PREFIX_PATH="$prefix" -DGAME_OKG=okg::okg_static
    build_and_run
    needs_no_okg "$build/game"
    ;;
  version_too_new)
    if configure "$here/find_package" -DCMAKE_PREFIX_PATH="$prefix" -DGAME_OKG_VERSION=99.0 >"$work/log" 2>&1; then
      fail "okg $OKG_VERSION was accepted as 99.0"
    fi
    grep -q "version: $OKG_VERSION" "$work/log" || { cat "$work/log"; fail "not refused because of the version"; }
    ;;
  c_project)
    configure "$here/c_project" -DCMAKE_PREFIX_PATH="$prefix"
    cmake --build "$build"
    run "$build/game"
    run "$build/game_static"
    needs_no_okg "$build/game_static"
    ;;
  hot)
    configure "$here/hot" -DCMAKE_PREFIX_PATH="$prefix"
    cmake --build "$build"
    for program in cache cache_c; do
      needs_no_okg "$build/$program"
      if ldd "$build/$program" | grep -E 'ssl|crypto'; then fail "$program brings TLS along"; fi
      if nm -D --undefined-only "$build/$program" | grep -wE 'socket|connect|epoll_create1|getaddrinfo'; then
        fail "$program brings the network along"
      fi
      for expected in 1 2; do
        found=0
        run "$build/$program" || found=$?
        [ "$found" = "$expected" ] || fail "$program: start $expected ended with $found"
      done
    done
    ;;
  readme)
    # The C++ of README.md, compiled and linked as it stands there.
    sed -n '/^```cpp$/,/^```$/p' "$OKG_SOURCE/README.md" | sed '/^```/d' >"$work/readme.cpp"
    grep -q 'okg::GameServer' "$work/readme.cpp" || fail "README.md has no C++ example"
    configure "$here/find_package" -DCMAKE_PREFIX_PATH="$prefix" -DGAME_SOURCE="$work/readme.cpp"
    cmake --build "$build"
    ;;
  pkg_config | pkg_config_static)
    command -v pkg-config >/dev/null || { echo "skip: no pkg-config"; exit 77; }
    export PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig
    [ "$(pkg-config --modversion okg)" = "$OKG_VERSION" ] || fail "okg.pc has another version than $OKG_VERSION"
    if [ "$name" = pkg_config ]; then
      # shellcheck disable=SC2046  # flags are words
      "$CC" -std=c11 -o "$work/game" "$here/c_project/game.c" $(pkg-config --cflags --libs okg) \
        "-Wl,-rpath,$prefix/lib"
      ldd "$work/game" | grep "libokg.so.$OKG_ABI => $prefix" || fail "the shared library was not used"
    else
      # shellcheck disable=SC2046
      "$CC" -static -std=c11 -o "$work/game" "$here/c_project/game.c" $(pkg-config --static --cflags --libs okg)
      needs_no_okg "$work/game"
    fi
    run "$work/game"
    ;;
  add_subdirectory)
    # okg's own flags do not change with who builds it, so the compiler cache helps: paths below its base directory
    # count as relative ones, and look the same from a build directory of the same depth.
    launcher=
    if command -v ccache >/dev/null; then launcher="env;CCACHE_BASEDIR=$OKG_SOURCE;CCACHE_NOHASHDIR=1;ccache"; fi
    if [ "$(dirname "$OKG_BUILD")" = "$OKG_SOURCE/build" ]; then
      build=$OKG_SOURCE/build/add_subdirectory
      rm -rf "$build"
    fi
    configure "$here/add_subdirectory" -DOKG_SOURCE="$OKG_SOURCE" -DOKG_WARNINGS_AS_ERRORS=ON \
      -DCMAKE_C_COMPILER_LAUNCHER="$launcher" -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher"
    build_and_run
    # Guests bring neither tests nor examples, and install nothing on their own.
    if grep -qE '^build .*(test_|game-2048)' "$build/build.ninja"; then fail "tests or examples came along"; fi
    cmake --install "$build" --prefix "$work/prefix" >/dev/null
    if [ -e "$work/prefix/include/okg" ]; then fail "okg was installed with the project it is part of"; fi
    ;;
  *) fail "$name: no such consumer" ;;
esac
echo "$name: ok"
