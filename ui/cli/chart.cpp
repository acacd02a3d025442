// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/chart.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ui/view/text.hpp"

namespace tune::plot {
namespace {

constexpr double kRoom = 0.04;  // Of the range, at both ends.

/// 1, 2 or 5 times a power of ten: the least that is not below `x`.
double round_step(double x) {
  const double power = std::pow(10, std::floor(std::log10(x)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= x * (1 - 1e-9)) return factor * power;
  return 10 * power;
}

std::vector<Tick> category_ticks(const Axis& axis) {
  std::vector<Tick> out;
  for (std::size_t i = 0; i < axis.names.size(); ++i) out.push_back({static_cast<double>(i), axis.names[i]});
  return out;
}

std::vector<Tick> linear_ticks(const Axis& axis, std::size_t most) {
  const double wanted = round_step((axis.max - axis.min) / static_cast<double>(most)), step = axis.whole ? std::max(wanted, 1.0) : wanted;
  std::vector<Tick> out;
  for (double i = std::ceil(axis.min / step - 1e-9); i * step <= axis.max + 1e-9 * step && out.size() < most + 1; ++i)
    out.push_back({i * step, number_text(i == 0 ? 0 : i * step)});
  return out;
}

std::vector<Tick> decade_ticks(const Axis& axis, std::size_t most) {
  const double first = std::floor(std::log10(axis.min)), last = std::ceil(std::log10(axis.max));
  const auto within = [&](double v) { return v >= axis.min * (1 - 1e-9) && v <= axis.max * (1 + 1e-9); };
  const auto collect = [&](std::initializer_list<double> factors, double stride) {
    std::vector<Tick> out;
    for (double power = std::floor(first / stride) * stride; power <= last; power += stride)
      for (const double factor : factors)
        if (const double v = factor * std::pow(10, power); within(v)) out.push_back({v, number_text(v)});
    return out;
  };
  if (auto dense = collect({1, 2, 5}, 1); dense.size() <= most) return dense;
  double stride = 1;
  auto out = collect({1}, stride);
  while (out.size() > most) out = collect({1}, ++stride);
  return out.size() < 2 ? collect({1, 3}, stride) : out;
}

}  // namespace

double Axis::place(double value) const {
  if (!std::isfinite(value) || (logarithmic && value <= 0)) return std::nan("");
  const double low = logarithmic ? std::log(min) : min, high = logarithmic ? std::log(max) : max;
  const double at = ((logarithmic ? std::log(value) : value) / 2 - low / 2) / (high / 2 - low / 2);  // Halves: the range may not be a double.
  return at < -1e-9 || at > 1 + 1e-9 ? std::nan("") : std::clamp(at, 0.0, 1.0);
}

Axis axis_over(std::string label, const std::vector<double>& values, bool logarithmic) {
  double low = INFINITY, high = -INFINITY;
  for (const double v : values)
    if (std::isfinite(v) && (!logarithmic || v > 0)) low = std::min(low, v), high = std::max(high, v);
  Axis axis{std::move(label), low, high, logarithmic, false, {}};
  if (low > high) return axis.min = logarithmic ? 0.1 : 0, axis.max = 1, axis;
  using Limits = std::numeric_limits<double>;
  if (logarithmic) {
    const double room = high > low ? std::pow(high / low, kRoom) : 2;
    axis.min = std::max(low / room, Limits::denorm_min()), axis.max = std::min(high * room, Limits::max());
  } else {
    const double room = high > low ? (high / 2 - low / 2) * 2 * kRoom : std::max(std::abs(high) / 10, 0.5);
    axis.min = std::max(low - room, Limits::lowest()), axis.max = std::min(high + room, Limits::max());
  }
  return axis;
}

std::vector<Tick> ticks(const Axis& axis, std::size_t most) {
  if (!axis.names.empty()) return category_ticks(axis);
  most = std::max<std::size_t>(most, 2);
  return axis.logarithmic ? decade_ticks(axis, most) : linear_ticks(axis, most);
}

}  // namespace tune::plot
