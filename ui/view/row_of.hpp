// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "store/sqlite/reader.hpp"

namespace tune {

/// A row of a view by the names of its columns. What is NULL, of another type or not there at all is 0 or empty. Both outlive it.
class RowOf {
 public:
  RowOf(const Table& table, const std::vector<Cell>& row) : table_(table), row_(row) {}

  std::int64_t whole(std::string_view column) const {
    const auto* value = std::get_if<std::int64_t>(&cell(column));
    return value ? *value : 0;
  }
  double number(std::string_view column) const {
    const auto* value = std::get_if<double>(&cell(column));
    return value ? *value : static_cast<double>(whole(column));
  }
  std::string text(std::string_view column) const {
    const auto* value = std::get_if<std::string>(&cell(column));
    return value ? *value : std::string{};
  }

 private:
  const Cell& cell(std::string_view column) const {
    static const Cell none;
    const auto it = std::find(table_.columns.begin(), table_.columns.end(), column);
    return it == table_.columns.end() ? none : row_[static_cast<std::size_t>(it - table_.columns.begin())];
  }

  const Table& table_;
  const std::vector<Cell>& row_;
};

}  // namespace tune
