// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <variant>

namespace tune {

/// Expected trouble, told to the user: what, where, what was expected, and the next step if there is one.
struct Error {
  enum class Code { invalid, not_found, conflict, unreachable, io, corrupt };
  Code code = Code::io;
  std::string message;
  std::string hint;  ///< "= help:" line; may be empty.
};

struct Done {};

/// A value or an Error. Same member names as std::expected, so that it can become one (GCC 12 has none in C++20).
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line, const std::string& detail);

/// Our own bug: on in release builds, because a wrong journal is worse than a stopped process.
#define TUNE_ASSERT(condition, ...)                                                              \
  do {                                                                                           \
    if (!(condition)) ::tune::assertion_failed(#condition, __FILE__, __LINE__, std::string{__VA_ARGS__}); \
  } while (false)

/// Several lambdas as one visitor.
template <class... F>
struct overloaded : F... {
  using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;

}  // namespace tune
