// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tune {

/// One parameter value. An integer and a double never compare equal: the space says which one a parameter has.
using Value = std::variant<bool, std::int64_t, double, std::string>;

/// As an argument of a command line: shortest text that reads back as the same value; "true" and "false".
std::string to_text(const Value&);

/// As JSON. A double is seen to be one: 1.0 and not 1.
std::string to_json(const Value&);

/// The value as a number where it has one (bool counts 0 and 1).
std::optional<double> to_number(const Value&);

/// Parameters of one trial: a flat map ordered by name. Inactive conditional parameters are absent.
/// A sorted vector and not std::map: a hundred thousand trials are held in memory, at about 75 bytes an entry.
class Params {
 public:
  using Entry = std::pair<std::string, Value>;
  Params() = default;
  Params(std::initializer_list<Entry> entries);

  void set(std::string name, Value value);
  void erase(std::string_view name);
  const Value* find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name) != nullptr; }

  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  void reserve(std::size_t n) { entries_.reserve(n); }
  bool operator==(const Params&) const = default;

 private:
  std::vector<Entry> entries_;
};

/// Metrics of one report: a list of names and their values, NaN and infinities included. Reports of a trial nearly
/// always have the same names, so the names are shared (immutable, by any number of threads) and only values are copied.
struct Metrics {
  std::shared_ptr<const std::vector<std::string>> names;
  std::vector<double> values;  ///< Same length as names.

  Metrics() = default;
  Metrics(std::initializer_list<std::pair<std::string, double>> entries);
  std::size_t size() const { return values.size(); }
  std::optional<double> find(std::string_view name) const;
  bool operator==(const Metrics&) const;  ///< By content; NaN equals NaN.
};

/// Text for people and logs: control characters, ESC and invalid UTF-8 become visible escapes, so nothing a trial
/// writes can steer a terminal.
std::string printable(std::string_view text);

}  // namespace tune
