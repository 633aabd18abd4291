// What a value or key of hot state may be, told by the compiler, and what it looks like, told to `okg hot`
// and to the next binary. See okg.h for what is promised. SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "okg/hot_fields.hpp"

namespace okg {

// A program may vouch for a type whose members cannot be looked at (private ones, bit-fields, more than 64, a
// base class): `template <> inline constexpr bool okg::hot_opaque<Vector3> = true;`. Then nobody sees a
// pointer in it, either.
template <class T>
inline constexpr bool hot_opaque = false;

// Specialized by OKG_HOT_SCHEMA: the version of a struct's layout, and its members' names.
template <class T>
struct HotSchema {
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::string_view kName{};
  static constexpr std::string_view kMembers{};
};

namespace detail {

// std::array is an array: its one member cannot be bound to.
template <class T>
struct ArrayOf {
  using Type = T;
};
template <class T, std::size_t Size>
struct ArrayOf<std::array<T, Size>> {
  using Type = T[Size];
};
template <class T>
struct ArrayOf<std::array<T, 0>> {
  using Type = void;
};

template <class T>
constexpr bool has_only_values();

template <class T>
constexpr bool has_only_values_in(TypeList<>) {
  return true;
}
template <class T, class First, class... Rest>
constexpr bool has_only_values_in(TypeList<First, Rest...>) {
  return has_only_values<First>() && has_only_values_in<T>(TypeList<Rest...>{});
}

template <class T>
inline constexpr bool is_looked_into =
    std::is_class_v<T> && std::is_aggregate_v<T> && !hot_opaque<T> && !std::is_empty_v<T>;

// No pointer, reference or the like, however deep inside.
template <class T>
constexpr bool has_only_values() {
  if constexpr (!std::is_same_v<T, typename ArrayOf<T>::Type>)
    return has_only_values<typename ArrayOf<T>::Type>();
  else if constexpr (std::is_array_v<T>)
    return has_only_values<std::remove_all_extents_t<T>>();
  else if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || hot_opaque<T> || std::is_empty_v<T>)
    return true;
  else if constexpr (is_looked_into<T>)
    return has_only_values_in<T>(Members<T>{});
  else
    return false;
}

template <class T>
concept Copyable =
    std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> && !std::is_polymorphic_v<T> &&
    !std::is_reference_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T>;

template <class T>
concept WithoutPointers = has_only_values<T>();

}  // namespace detail

// Bytes that mean the same in the next process, at another address: trivially copyable, of standard layout,
// and in it, how deep ever, only numbers, enums, arrays and structs of them. No pointer, no reference, no
// std::string, nothing virtual.
template <class T>
concept HotValue = detail::Copyable<T> && detail::WithoutPointers<T>;

// A key is compared by its bytes, so equal keys have to have equal ones: integers, enums, and structs of them
// without padding; no floating point (0.0 is -0.0).
template <class K>
concept HotKey = HotValue<K> && std::has_unique_object_representations_v<K> && sizeof(K) <= 64;

namespace detail {

// Text that is put together by the compiler.
struct Text {
  std::array<char, 1272> bytes{};
  std::size_t size = 0;

  constexpr void add(std::string_view more) {
    for (const char c : more)
      if (size + 1 < bytes.size()) bytes[size++] = c;
  }
  constexpr void add(std::size_t number) {
    std::array<char, 20> digits{};
    std::size_t count = 0;
    do digits[count++] = static_cast<char>('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0) add(std::string_view(&digits[--count], 1));
  }
  constexpr std::string_view view() const { return {bytes.data(), size}; }
};

template <class T>
constexpr void add_kind(Text* text);

// Members behind each other: name, kind and offset.
template <class T, class... Member>
constexpr void add_members(Text* text, TypeList<Member...>, std::string_view names) {
  std::size_t offset = 0, number = 0;
  const auto next_name = [&] {
    while (!names.empty() && (names.front() == ' ' || names.front() == ',')) names.remove_prefix(1);
    const std::size_t end = names.find_first_of(", ");
    const std::string_view name = names.substr(0, end);
    names.remove_prefix(name.size());
    return name;
  };
  const auto add = [&]<class M>(TypeList<M>) {
    offset = (offset + alignof(M) - 1) / alignof(M) * alignof(M);
    if (number != 0) text->add(" ");
    const std::string_view name = next_name();
    if (name.empty()) {
      text->add("m");
      text->add(number);
    } else {
      text->add(name);
    }
    text->add(":");
    add_kind<M>(text);
    text->add("@");
    text->add(offset);
    offset += sizeof(M);
    ++number;
  };
  (add(TypeList<Member>{}), ...);
}

template <class T>
constexpr void add_kind(Text* text) {
  if constexpr (!std::is_same_v<T, typename ArrayOf<T>::Type>) {
    add_kind<typename ArrayOf<T>::Type>(text);
  } else if constexpr (std::is_array_v<T>) {
    add_kind<std::remove_extent_t<T>>(text);
    text->add("[");
    text->add(std::extent_v<T>);
    text->add("]");
  } else if constexpr (std::is_enum_v<T>) {
    add_kind<std::underlying_type_t<T>>(text);
  } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, char>) {
    text->add(std::is_same_v<T, bool> ? "bool" : "char");
  } else if constexpr (std::is_arithmetic_v<T>) {
    text->add(std::is_floating_point_v<T> ? "f" : std::is_signed_v<T> ? "i" : "u");
    text->add(sizeof(T) * 8);
  } else if constexpr (is_looked_into<T>) {
    text->add("{");
    add_members<T>(text, Members<T>{}, HotSchema<T>::kMembers);
    text->add("}");
  } else {
    text->add("bytes[");
    text->add(sizeof(T));
    text->add("]");
  }
}

template <class T>
constexpr Text describe() {
  Text text;
  if constexpr (is_looked_into<T> && std::is_same_v<T, typename ArrayOf<T>::Type>) {
    add_members<T>(&text, Members<T>{}, HotSchema<T>::kMembers);
  } else {
    text.add("value:");
    add_kind<T>(&text);
    text.add("@0");
  }
  return text;
}

// FNV-1a of what it looks like.
template <class T>
constexpr std::uint64_t fingerprint() {
  std::uint64_t hash = 0xCBF29CE484222325;
  const auto add = [&](std::uint64_t byte) { hash = (hash ^ byte) * 0x100000001B3; };
  const Text text = describe<T>();
  for (const char c : text.view()) add(static_cast<unsigned char>(c));
  for (int shift = 0; shift < 64; shift += 8) add(std::uint64_t{sizeof(T)} >> shift & 0xFF);
  return hash;
}

// What `okg hot schema-diff` looks for in a program's bytes.
template <class T>
constexpr Text marker() {
  Text text;
  text.add("okg.hot.schema/v1 ");
  text.add(HotSchema<T>::kName);
  text.add(" ");
  text.add(HotSchema<T>::kVersion);
  text.add(" ");
  text.add(sizeof(T));
  text.add(" ");
  text.add(describe<T>().view());
  return text;
}

}  // namespace detail

// What a value looks like, as text: "hp:u32@0 name:char[16]@4".
template <class T>
inline constexpr detail::Text hot_description = detail::describe<T>();
template <class T>
inline constexpr std::uint64_t hot_fingerprint = detail::fingerprint<T>();

}  // namespace okg

#if defined(__GNUC__)
#define OKG_HOT_KEPT [[gnu::used]]
#else
#define OKG_HOT_KEPT
#endif

// Gives a struct's layout a version, which rises with every change of it, and its members names: `okg hot`
// prints them, and two members of one type that change places are not taken for each other. At namespace
// scope, outside of okg:
//   struct Player { std::uint32_t hp; char name[16]; };
//   OKG_HOT_SCHEMA(Player, 2, hp, name)
#define OKG_HOT_SCHEMA(Type, Version, ...)                                    \
  template <>                                                                 \
  struct okg::HotSchema<Type> {                                               \
    static_assert((Version) >= 1 && (Version) <= 65535);                      \
    static constexpr std::uint32_t kVersion = (Version);                      \
    static constexpr std::string_view kName = #Type;                          \
    static constexpr std::string_view kMembers = #__VA_ARGS__;                \
    OKG_HOT_KEPT static constexpr auto kMarker = okg::detail::marker<Type>(); \
  };
