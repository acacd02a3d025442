// SPDX-License-Identifier: Apache-2.0
#include "search/axes.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "search/lattice.hpp"

namespace tune {
namespace {

using Kind = Dimension::Kind;

bool is_number(const Value& v) { return !std::holds_alternative<std::string>(v) && !std::holds_alternative<bool>(v); }

Axis::Kind kind_of(const Dimension& d) {
  if (d.kind == Kind::choice || d.kind == Kind::boolean) return Axis::Kind::categorical;
  if (d.kind == Kind::grid && !std::all_of(d.values.begin(), d.values.end(), is_number)) return Axis::Kind::categorical;
  return d.cardinality() ? Axis::Kind::ordered : Axis::Kind::real;
}

// Every level has the same share, so that the number of the level is a product away.
bool even(const Dimension& d) {
  return d.weights.empty() && (d.kind == Kind::integer || d.kind == Kind::ordinal || d.kind == Kind::grid || d.kind == Kind::uniform);
}

double inside(double u) { return u > 0 ? std::min(u, 1 - 0x1.0p-53) : 0.0; }  // NaN becomes 0.

std::size_t nearest_category(double x, std::size_t count) {
  return x > 0 ? std::min(static_cast<std::size_t>(x + 0.5), count - 1) : 0;
}

}  // namespace

Axes::Axes(const Space& space) : space_(&space), prior_(space) {
  for (std::size_t i = 0; i < space.size(); ++i) {
    const Dimension& d = space.dimensions()[i];
    if (d.kind == Kind::constant || d.cardinality() == 1u) continue;
    Axis axis{kind_of(d), static_cast<std::int64_t>(d.cardinality().value_or(0)), i, !d.when.empty()};
    std::vector<double> shares;
    if (axis.kind == Axis::Kind::categorical) {
      for (const Value& v : detail::all_values(d)) shares.push_back(*d.position(v));
      axis.levels = static_cast<std::int64_t>(shares.size());
      numeric_ = false;
    }
    discrete_ = discrete_ && axis.kind != Axis::Kind::real;
    conditional_ = conditional_ || axis.conditional;
    axes_.push_back(axis);
    shares_.push_back(std::move(shares));
  }
}

std::optional<Point> Axes::encode(const Params& params) const {
  Point p{std::vector<double>(size(), 0.5), std::vector<std::uint8_t>(size(), 0)};
  for (std::size_t i = 0; i < size(); ++i) {
    const bool categorical = axes_[i].kind == Axis::Kind::categorical;
    const Value* v = params.find(dimension(i).name);
    if (!v) {
      if (!axes_[i].conditional) return std::nullopt;
      if (categorical) p.at[i] = 0;
      continue;
    }
    const auto u = dimension(i).position(*v);
    if (!u) return std::nullopt;
    p.active[i] = 1;
    p.at[i] = categorical ? coordinate(i, *u) : *u;
  }
  return p;
}

Params Axes::decode(const Point& p) const {
  std::vector<double> unit(space_->size(), 0.5);
  for (std::size_t i = 0; i < size(); ++i)
    unit[axes_[i].dimension] = axes_[i].kind == Axis::Kind::categorical ? shares_[i][nearest_category(p.at[i], shares_[i].size())]
                                                                        : inside(p.at[i]);
  return space_->decode(unit);
}

void Axes::snap(Point& p) const {
  for (std::size_t i = 0; i < size(); ++i) {
    if (axes_[i].kind == Axis::Kind::categorical)
      p.at[i] = static_cast<double>(nearest_category(p.at[i], shares_[i].size()));
    else
      p.at[i] = axes_[i].kind == Axis::Kind::real ? inside(p.at[i]) : coordinate(i, p.at[i]);
  }
  p.active.assign(size(), 1);
  if (!conditional_) return;
  const Params params = decode(p);
  for (std::size_t i = 0; i < size(); ++i) {
    if (params.contains(dimension(i).name)) continue;
    p.active[i] = 0;
    p.at[i] = axes_[i].kind == Axis::Kind::categorical ? 0 : 0.5;
  }
}

bool Axes::allows(const Point& p) const { return space_->constraints().empty() || space_->satisfies(decode(p)); }

double Axes::log_prior(const Point& p) const {
  if (!prior_.given()) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < size(); ++i)
    if (p.active[i]) sum += log_prior(i, p.at[i]);
  return sum;
}

double Axes::log_prior(std::size_t i, double at) const {
  const bool categorical = axes_[i].kind == Axis::Kind::categorical;
  return prior_.of(axes_[i].dimension).log_density(categorical ? shares_[i][nearest_category(at, shares_[i].size())] : at);
}

double Axes::coordinate(std::size_t axis, double u) const {
  u = inside(u);
  const Dimension& d = dimension(axis);
  switch (axes_[axis].kind) {
    case Axis::Kind::real:
      return u;
    case Axis::Kind::ordered: {
      if (!even(d)) return *d.position(d.at(u));
      const auto levels = static_cast<double>(axes_[axis].levels);
      return (std::floor(u * levels) + 0.5) / levels;
    }
    case Axis::Kind::categorical:
      break;
  }
  // The value whose share holds u: shares lie in the order of the values.
  const Value v = d.at(u);
  const double middle = *d.position(v);
  const auto& shares = shares_[axis];
  return static_cast<double>(std::min<std::ptrdiff_t>(std::lower_bound(shares.begin(), shares.end(), middle) - shares.begin(),
                                                      static_cast<std::ptrdiff_t>(shares.size()) - 1));
}

double Axes::neighbour(std::size_t axis, double from, int by) const {
  const Dimension& d = dimension(axis);
  if (even(d)) {
    const auto levels = static_cast<double>(axes_[axis].levels);
    return (std::clamp(std::floor(inside(from) * levels) + by, 0.0, levels - 1) + 0.5) / levels;
  }
  if (!d.weights.empty()) {  // An ordinal: by its listed values, those of weight 0 passed over.
    const auto all = detail::all_values(d);
    const auto here = std::find(all.begin(), all.end(), d.at(inside(from))) - all.begin();
    const auto last = static_cast<std::ptrdiff_t>(all.size()) - 1;
    return *d.position(all[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(here + by, 0, last))]);
  }
  const bool whole = d.kind == Kind::integer || d.kind == Kind::logint;
  const double value = *to_number(d.at(inside(from))), step = (d.step > 0 ? d.step : 1) * (by > 0 ? 1 : -1);
  for (int k = std::abs(by); k > 0; --k) {
    const double wanted = value + k * step;
    if (const auto u = d.position(whole ? Value{static_cast<std::int64_t>(wanted)} : Value{wanted})) return *u;
  }
  return coordinate(axis, from);
}

}  // namespace tune
