// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "store/sqlite/database.hpp"
#include "store/sqlite/reader.hpp"

namespace tune::sqlite {

/// A piece of SQL about one row `t` of `trials`. What the user wrote is never in the text: it is in `values`, bound to
/// ?1, ?2 …
struct Sql {
  std::string text;
  std::vector<Cell> values;
  std::string bind(Cell value) {
    values.push_back(std::move(value));
    return "?" + std::to_string(values.size());
  }
};
void bind_all(Statement&, const std::vector<Cell>&);

/// What the names in a query mean for one experiment.
class Names {
 public:
  Names(const Database&, std::int64_t experiment, std::string objective);

  /// The SQL of a name; invalid, with the nearest name, if it is none. `numeric`: NULL where the value is text, as NaN
  /// is.
  Result<std::string> sql(std::string_view name, Sql& into, bool numeric = false) const;
  const std::vector<std::string>& params() const { return params_; }

 private:
  std::vector<std::string> params_, metrics_;
  std::string objective_;
};

/// Compiles TrialQuery::where. Total on any text; nesting is bounded.
Result<Sql> compile_where(std::string_view text, const Names&);

std::vector<std::string> param_names(const Database&, std::int64_t experiment);

}  // namespace tune::sqlite
