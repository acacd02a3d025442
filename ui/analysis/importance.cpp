// SPDX-License-Identifier: Apache-2.0
#include "ui/analysis/importance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace tune {
namespace {

using Kind = Dimension::Kind;

constexpr double kInactive = std::numeric_limits<double>::quiet_NaN();

bool is_categorical(const Dimension& d) { return d.kind == Kind::choice || d.kind == Kind::boolean; }

std::optional<double> number_of(const Dimension& d, const Value& value) {
  const auto position = d.position(value);
  if (!position || !is_categorical(d)) return position;
  if (const auto* b = std::get_if<bool>(&value); b && d.kind == Kind::boolean) return *b ? 1.0 : 0.0;
  for (std::size_t i = 0; i < d.values.size(); ++i)
    if (d.position(d.values[i]) == position) return static_cast<double>(i);
  return std::nullopt;
}

Factor factor_of(const Dimension& d) {
  Factor factor;
  factor.name = d.name;
  factor.categorical = is_categorical(d);
  factor.logarithmic = d.kind == Kind::logint || d.kind == Kind::loguniform;
  if (factor.categorical)
    factor.levels = d.kind == Kind::boolean ? 2 : static_cast<std::int64_t>(d.values.size());
  else if (const auto levels = d.cardinality())
    factor.levels = static_cast<std::int64_t>(*levels);
  return factor;
}

}  // namespace

Evidence evidence(const Space& space, std::span<const Params* const> params, std::span<const double> outcomes) {
  Evidence out;
  std::vector<const Dimension*> dimensions;
  for (const auto& d : space.dimensions())
    if (d.cardinality() != 1) {
      dimensions.push_back(&d);
      out.factors.push_back(factor_of(d));
    }
  std::vector<double> row(dimensions.size());
  for (std::size_t t = 0; t < params.size(); ++t) {
    bool known = true;
    for (std::size_t f = 0; f < dimensions.size() && known; ++f) {
      const auto* value = params[t]->find(dimensions[f]->name);
      const auto at = value ? number_of(*dimensions[f], *value) : std::optional{kInactive};
      known = at.has_value();
      row[f] = at.value_or(kInactive);
    }
    if (!known) continue;
    for (std::size_t f = 0; f < dimensions.size(); ++f) out.factors[f].at.push_back(row[f]);
    out.outcomes.push_back(outcomes[t]);
  }
  return out;
}

}  // namespace tune
