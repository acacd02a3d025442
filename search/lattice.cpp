// SPDX-License-Identifier: Apache-2.0
#include "search/lattice.hpp"

#include <algorithm>

#include "search/seen.hpp"
#include "tuner/result.hpp"

namespace tune::detail {
namespace {

using Kind = Dimension::Kind;

void add(std::vector<Value>& values, Value v) {
  if (values.empty() || values.back() != v) values.push_back(std::move(v));
}

}  // namespace

std::vector<Value> all_values(const Dimension& d) {
  const std::uint64_t count = d.cardinality().value();
  std::vector<Value> values;
  switch (d.kind) {
    case Kind::boolean:
      return {false, true};
    case Kind::constant:
    case Kind::choice:
    case Kind::ordinal:
    case Kind::grid:
      for (std::size_t i = 0; i < d.values.size(); ++i)
        if (d.weights.empty() || d.weights[i] > 0) values.push_back(d.values[i]);
      return values;
    case Kind::integer:
    case Kind::logint:
      for (std::uint64_t k = 0; k < count; ++k)
        values.emplace_back(static_cast<std::int64_t>(d.min + static_cast<double>(k) * (d.step > 0 ? d.step : 1)));
      return values;
    default:
      // Levels of a step: said as at() says them, without the dust of binary fractions.
      if (d.step == 0) return {d.at(0.5)};
      for (std::uint64_t k = 0; k < count; ++k)
        if (const auto u = d.position(d.min + static_cast<double>(k) * d.step)) add(values, d.at(*u));
      return values;
  }
}

Lattice::Lattice(const Space& space, std::vector<std::vector<Value>> values)
    : space_(&space), values_(std::move(values)), digits_(space.size()), active_(space.size()) {
  TUNE_ASSERT(values_.size() == space.size());
  begin();
}

std::optional<Lattice> Lattice::of(const Space& space) {
  const auto total = space.cardinality();
  if (!total || *total > Seen::kMost) return std::nullopt;
  std::vector<std::vector<Value>> values;
  for (const auto& d : space.dimensions()) {
    const auto count = d.cardinality();
    if (!count || *count > Seen::kMost) return std::nullopt;
    values.push_back(all_values(d));
    if (values.back().empty()) return std::nullopt;
  }
  return Lattice{space, std::move(values)};
}

// Sets parameters `from` and later to what their digits say, where they are active; an inactive one has digit 0.
void Lattice::fill(std::size_t from) {
  const auto& dimensions = space_->dimensions();
  for (std::size_t i = from; i < dimensions.size(); ++i) params_.erase(dimensions[i].name);
  for (std::size_t i = from; i < dimensions.size(); ++i) {
    active_[i] = space_->is_active(dimensions[i], params_);
    if (active_[i])
      params_.set(dimensions[i].name, values_[i][digits_[i]]);
    else
      digits_[i] = 0;
  }
}

void Lattice::begin() {
  std::fill(digits_.begin(), digits_.end(), 0);
  fill(0);
}

void Lattice::seek(std::uint64_t number) {
  for (std::size_t i = digits_.size(); i-- > 0; number /= values_[i].size()) digits_[i] = number % values_[i].size();
  fill(0);
}

bool Lattice::first() const {
  return std::all_of(digits_.begin(), digits_.end(), [](std::size_t d) { return d == 0; });
}

void Lattice::advance() {
  std::size_t i = digits_.size();
  while (i-- > 0) {
    if (!active_[i] || digits_[i] + 1 == values_[i].size()) {
      digits_[i] = 0;
      continue;
    }
    ++digits_[i];
    return fill(i);
  }
  fill(0);  // Round.
}

}  // namespace tune::detail
