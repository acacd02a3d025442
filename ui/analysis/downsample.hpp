// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <vector>

/// Curves with fewer points that look the same. Pure.
namespace tune {

/// One point of a curve, in order of x.
struct CurveXY {
  double x = 0, y = 0;
};

/// Which points to keep, as indices in ascending order: first and last, and from each of count - 2 buckets of equal size the
/// point that spans the largest triangle with the one kept before it and the mean of the bucket after it.
///
/// Largest-Triangle-Three-Buckets (Steinarsson: "Downsampling Time Series for Visual Representation", University of Iceland
/// 2013, algorithm 4.2). Points whose y is not finite are left out first: no triangle has them. All finite points if there
/// are no more than `count`; at least 2 are kept where there are 2. O(n).
std::vector<std::size_t> largest_triangles(std::span<const CurveXY> points, std::size_t count);

/// The least and the greatest value of each of at most `count` stretches of equally many points. Unlike the above it loses no
/// spike. A stretch without a finite value is left out. O(n).
struct Envelope {
  std::size_t last = 0;  ///< The stretch's last point.
  double low = 0, high = 0;
};
std::vector<Envelope> envelope(std::span<const CurveXY> points, std::size_t count);

}  // namespace tune
