// SPDX-License-Identifier: Apache-2.0
// How one parameter's values lie on the unit interval.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tuner/result.hpp"
#include "tuner/rng.hpp"
#include "tuner/space.hpp"

namespace tune {
namespace {

using Kind = Dimension::Kind;
constexpr double kAlmostOne = 1 - 0x1.0p-53;

bool is_integer(const Dimension& d) { return d.kind == Kind::integer || d.kind == Kind::logint; }
bool is_log(const Dimension& d) { return d.kind == Kind::loguniform || d.kind == Kind::logint; }
bool is_normal(const Dimension& d) { return d.kind == Kind::normal || d.kind == Kind::lognormal; }
bool is_list(const Dimension& d) { return d.kind == Kind::choice || d.kind == Kind::ordinal || d.kind == Kind::grid; }

double into_unit(double u) { return u > 0 ? std::min(u, kAlmostOne) : 0.0; }  // NaN becomes 0.

// --- quantised values: level k of origin + k * step
// -------------------------------------------------------------------

// origin + k * step without the dust of binary fractions: with step 0.05 level 3 is 0.15 and not 0.15000000000000002.
// Both are brought to whole numbers by a power of ten where that is exact.
double level(double origin, double step, double k) {
  double scale = 1;
  for (int digits = 0; digits <= 12; ++digits, scale *= 10) {
    const double o = std::round(origin * scale), s = std::round(step * scale);
    if (o / scale == origin && s / scale == step) return (o + k * s) / scale;
  }
  return origin + k * step;
}

struct Levels {
  double origin, step, first, last;  // first and last k; infinite where there is no bound.
  double value(double k) const { return level(origin, step, k); }
  double nearest(double x) const { return std::clamp(std::round((x - origin) / step), first, last); }
};

// How often `step` fits into `range`; a range that is a multiple but for rounding counts whole.
double fits(double range, double step) { return std::floor(range / step * (1 + 1e-12) + 1e-9); }

std::optional<Levels> levels(const Dimension& d) {
  const double step = d.step > 0 ? d.step : is_integer(d) ? 1.0 : 0.0;
  if (step == 0 || is_list(d)) return std::nullopt;
  const double infinity = std::numeric_limits<double>::infinity();
  if (std::isfinite(d.min)) return Levels{d.min, step, 0, std::isfinite(d.max) ? fits(d.max - d.min, step) : infinity};
  // A normal without a lower bound: multiples of the step. A lognormal has no value at or below 0.
  return Levels{0, step, d.kind == Kind::lognormal ? 1 : -infinity,
                std::isfinite(d.max) ? std::floor(d.max / step + 1e-9) : infinity};
}

// --- distributions on the line: share below x, and back
// ---------------------------------------------------------------

// A normal distribution cut to [low, high], in the numbers it is normal in. Both tails are reached without loss: what
// lies above the mean is measured from above.
struct CutNormal {
  double low, high;  // In standard deviations from the mean.
  bool mirrored;
  double below, mass;

  static double phi(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
  CutNormal(double from, double to) : low(from), high(to), mirrored(from > 0) {
    if (mirrored) low = -to, high = -from;
    below = phi(low);
    mass = phi(high) - below;
  }
  double quantile(double u) const {
    const double p = std::clamp(below + (mirrored ? 1 - u : u) * mass, 0x1.0p-1000, kAlmostOne);
    // u = 0 of an uncut normal: the value at half a step of the random generator and not infinity.
    const double x = std::clamp(normal_quantile(std::isinf(low) ? std::max(p, 0x1.0p-54) : p), low, high);
    return mirrored ? -x : x;
  }
  double share(double x) const {
    if (!(mass > 0)) return 0.5;
    const double s = (phi(std::clamp(mirrored ? -x : x, low, high)) - below) / mass;
    return mirrored ? 1 - s : s;
  }
};

CutNormal cut_normal(const Dimension& d) {
  const auto standard = [&](double x) {
    if (d.kind == Kind::lognormal) x = x > 0 ? std::log(x) : -std::numeric_limits<double>::infinity();
    return (x - d.mu) / d.sigma;
  };
  return {standard(d.min), standard(d.max)};
}

// Ends of the log scale. With levels, each level owns half a step to both sides, so that the first and the last are not
// half as likely; below a first level that leaves no positive number the scale begins at the level itself.
struct LogScale {
  double low, high;
  explicit LogScale(const Dimension& d, const std::optional<Levels>& l) : low(std::log(d.min)), high(std::log(d.max)) {
    if (!l) return;
    if (d.min - l->step / 2 > 0) low = std::log(d.min - l->step / 2);
    high = std::log(l->value(l->last) + l->step / 2);
  }
  double quantile(double u) const { return std::exp(low + u * (high - low)); }
  double share(double x) const { return x > 0 ? std::clamp((std::log(x) - low) / (high - low), 0.0, 1.0) : 0.0; }
};

// Share of the prior below x, for the kinds that are measured on a line before they are rounded to levels.
double share_below(const Dimension& d, const std::optional<Levels>& l, double x) {
  if (is_log(d)) return LogScale{d, l}.share(x);
  const double standard =
      d.kind == Kind::lognormal ? (x > 0 ? std::log(x) : -std::numeric_limits<double>::infinity()) : x;
  return cut_normal(d).share((standard - d.mu) / d.sigma);
}

double continuous_at(const Dimension& d, const std::optional<Levels>& l, double u) {
  if (d.kind == Kind::uniform) return d.min * (1 - u) + d.max * u;  // No overflow where max - min would.
  if (is_log(d)) return LogScale{d, l}.quantile(u);
  const double x = d.mu + d.sigma * cut_normal(d).quantile(u);
  return d.kind == Kind::lognormal ? std::exp(x) : x;
}

double number_at(const Dimension& d, double u) {
  const auto l = levels(d);
  if (l && !is_log(d) && !is_normal(d))
    return l->value(std::min(std::floor(u * (l->last + 1)), l->last));  // Equal shares.
  const double x = continuous_at(d, l, u);
  return l ? l->value(l->nearest(x)) : std::clamp(x, d.min, d.max);
}

std::optional<double> number_position(const Dimension& d, double x) {
  if (!(x >= d.min && x <= d.max) || std::isinf(x)) return std::nullopt;
  const auto l = levels(d);
  if (!l) {
    if (d.kind == Kind::uniform) return into_unit(d.max > d.min ? (x / 2 - d.min / 2) / (d.max / 2 - d.min / 2) : 0.5);
    if (d.kind == Kind::lognormal && !(x > 0)) return std::nullopt;
    return into_unit(share_below(d, l, x));
  }
  const double k = l->nearest(x), value = l->value(k);
  if (std::fabs(value - x) > 1e-9 * l->step) return std::nullopt;
  if (!is_log(d) && !is_normal(d)) return into_unit((k + 0.5) / (l->last + 1));
  // The middle of the level's share.
  const double low = k == l->first ? 0.0 : share_below(d, l, value - l->step / 2);
  const double high = k == l->last ? 1.0 : share_below(d, l, value + l->step / 2);
  return into_unit((low + high) / 2);
}

// --- lists
// --------------------------------------------------------------------------------------------------------------

std::size_t index_at(const Dimension& d, double u) {
  const std::size_t n = d.values.size();
  if (d.weights.empty()) return std::min(static_cast<std::size_t>(u * static_cast<double>(n)), n - 1);
  double total = 0, below = 0;
  for (const double w : d.weights) total += w;
  std::size_t last = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (d.weights[i] > 0) last = i;
    below += d.weights[i];
    if (u * total < below && d.weights[i] > 0) return i;
  }
  return last;  // Rounding of the sum.
}

std::optional<double> index_position(const Dimension& d, std::size_t index) {
  if (d.weights.empty()) return (static_cast<double>(index) + 0.5) / static_cast<double>(d.values.size());
  if (!(d.weights[index] > 0)) return std::nullopt;
  double total = 0, below = 0;
  for (std::size_t i = 0; i < d.weights.size(); ++i) total += d.weights[i], below += i < index ? d.weights[i] : 0;
  return into_unit((below + d.weights[index] / 2) / total);
}

// Equal, or the integer that a double of the list was written as.
bool same(const Value& of_list, const Value& given) {
  if (of_list == given) return true;
  const auto* d = std::get_if<double>(&of_list);
  const auto* i = std::get_if<std::int64_t>(&given);
  return d && i && *d == static_cast<double>(*i);
}

}  // namespace

std::optional<std::uint64_t> Dimension::cardinality() const {
  if (kind == Kind::constant) return 1;
  if (kind == Kind::boolean) return 2;
  if (is_list(*this)) {
    const auto zero = std::count_if(weights.begin(), weights.end(), [](double w) { return !(w > 0); });
    return values.size() - static_cast<std::size_t>(zero);
  }
  const auto l = levels(*this);
  if (!l) return min == max ? std::optional<std::uint64_t>{1} : std::nullopt;
  const double n = l->last - l->first + 1;
  if (!(n < 0x1.0p62)) return std::nullopt;
  return static_cast<std::uint64_t>(n);
}

Value Dimension::at(double quantile) const {
  const double u = into_unit(quantile);
  switch (kind) {
    case Kind::constant:
      return values.front();
    case Kind::boolean:
      return u >= 0.5;
    case Kind::choice:
    case Kind::ordinal:
    case Kind::grid:
      return values[index_at(*this, u)];
    case Kind::integer:
    case Kind::logint:
      return static_cast<std::int64_t>(number_at(*this, u));
    default:
      return number_at(*this, u);
  }
}

double Dimension::nearest_position(double x) const {
  x = std::isnan(x) ? min : std::clamp(x, min, max);
  if (const auto l = levels(*this)) x = l->value(l->nearest(x));
  // Infinite, or not positive for a lognormal: only where there is no bound.
  return number_position(*this, x).value_or(x > 0 ? kAlmostOne : 0.0);
}

std::optional<double> Dimension::position(const Value& value) const {
  if (kind == Kind::boolean) {
    const auto* b = std::get_if<bool>(&value);
    return b ? std::optional{*b ? 0.75 : 0.25} : std::nullopt;
  }
  if (kind == Kind::constant) return same(values.front(), value) ? std::optional{0.5} : std::nullopt;
  if (is_list(*this)) {
    const auto found = std::find_if(values.begin(), values.end(), [&](const Value& v) { return same(v, value); });
    return found == values.end() ? std::nullopt
                                 : index_position(*this, static_cast<std::size_t>(found - values.begin()));
  }
  if (const auto* i = std::get_if<std::int64_t>(&value)) return number_position(*this, static_cast<double>(*i));
  const auto* d = std::get_if<double>(&value);
  return d && !is_integer(*this) ? number_position(*this, *d) : std::nullopt;
}

}  // namespace tune
