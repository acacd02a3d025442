// SPDX-License-Identifier: Apache-2.0
#include "ui/analysis/downsample.hpp"

#include <algorithm>
#include <cmath>

namespace tune {

std::vector<std::size_t> largest_triangles(std::span<const CurveXY> points, std::size_t count) {
  std::vector<std::size_t> finite;
  finite.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); ++i)
    if (std::isfinite(points[i].y)) finite.push_back(i);
  count = std::max<std::size_t>(count, 2);
  const std::size_t n = finite.size();
  if (n <= count) return finite;

  std::vector<std::size_t> kept{finite.front()};
  const std::size_t buckets = count - 2, inner = n - 2;  // The first and the last point have buckets of their own.
  const auto begin_of = [&](std::size_t bucket) { return 1 + bucket * inner / std::max<std::size_t>(buckets, 1); };
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    const std::size_t begin = begin_of(bucket), end = begin_of(bucket + 1);
    const std::size_t next_end = bucket + 1 < buckets ? begin_of(bucket + 2) : n;
    CurveXY mean;
    for (std::size_t i = end; i < next_end; ++i) mean.x += points[finite[i]].x, mean.y += points[finite[i]].y;
    mean.x /= static_cast<double>(next_end - end), mean.y /= static_cast<double>(next_end - end);
    const CurveXY before = points[kept.back()];
    std::size_t best = begin;
    double largest = -1;
    for (std::size_t i = begin; i < end; ++i) {
      const CurveXY& p = points[finite[i]];
      const double area = std::abs((before.x - mean.x) * (p.y - before.y) - (before.x - p.x) * (mean.y - before.y));
      if (area > largest) largest = area, best = i;
    }
    kept.push_back(finite[best]);
  }
  kept.push_back(finite.back());
  return kept;
}

std::vector<Envelope> envelope(std::span<const CurveXY> points, std::size_t count) {
  std::vector<Envelope> out;
  const std::size_t n = points.size(), stretches = std::min(std::max<std::size_t>(count, 1), n);
  for (std::size_t s = 0; s < stretches; ++s) {
    Envelope one{0, INFINITY, -INFINITY};
    for (std::size_t i = s * n / stretches; i < (s + 1) * n / stretches; ++i) {
      one.last = i;
      if (std::isfinite(points[i].y)) one.low = std::min(one.low, points[i].y), one.high = std::max(one.high, points[i].y);
    }
    if (one.low <= one.high) out.push_back(one);
  }
  return out;
}

}  // namespace tune
