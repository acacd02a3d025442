// SPDX-License-Identifier: Apache-2.0
#include "search/parzen.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "search/lanes.hpp"

namespace tune::detail {
namespace {

constexpr std::size_t kBlock = 4 * kLanes;       // Kernels are computed in blocks of this many.
constexpr float kNever = -1e30f;                 // ln 0, without the NaN that infinities make.
constexpr float kSqrtTwoPi = 2.50662827f;
constexpr std::size_t kAxesInScale = 8;
constexpr float kSqrtHalf = 0.707106781f;

std::size_t padded(std::size_t n) { return (n + kBlock - 1) / kBlock * kBlock; }

std::size_t bin_of(const std::vector<float>& edges, float at) {
  const auto above = std::upper_bound(edges.begin() + 1, edges.end() - 1, at);
  return static_cast<std::size_t>(above - edges.begin()) - 1;
}

float bin_width(const std::vector<float>& edges, float at) {
  const std::size_t bin = bin_of(edges, at);
  return edges[bin + 1] - edges[bin];
}

float widest(const std::vector<float>& edges) {
  float w = 0;
  for (std::size_t i = 1; i < edges.size(); ++i) w = std::max(w, edges[i] - edges[i - 1]);
  return w;
}

/// Observations that have the coordinate, coordinates rising, ties by index.
std::vector<std::uint32_t> sorted(const std::vector<float>& column) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < column.size(); ++i)
    if (!std::isnan(column[i])) order.push_back(i);
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return column[a] != column[b] ? column[a] < column[b] : a < b; });
  return order;
}

/// Of the first n kernels, which stand at rising places: the larger distance to a neighbour, but not below `least`. The
/// ends of the axis are neighbours of a lone observation only. The prior's, after them, and those of the padding are 1.
std::vector<float> widths(const std::vector<float>& middle, std::size_t n, float least) {
  std::vector<float> width(middle.size(), 1);
  if (n == 1) width[0] = std::max(middle[0], 1 - middle[0]);
  if (n > 1) {
    for (std::size_t i = 1; i + 1 < n; ++i)
      width[i] = std::max(middle[i] - middle[i - 1], middle[i + 1] - middle[i]);
    width[0] = middle[1] - middle[0];
    width[n - 1] = middle[n - 1] - middle[n - 2];
  }
  for (std::size_t i = 0; i < n; ++i) width[i] = std::clamp(width[i], least, 1.0f);
  return width;
}

bool all_above(Lanes x, float least) { return x[0] > least && x[1] > least && x[2] > least && x[3] > least; }

/// The mass within [0, 1] of a normal distribution whose middle is there, so at least 0.3. Absolute error 1e-7.
Lanes mass_within(Lanes middle, Lanes inverse) {
  Lanes mass = all(1);
  for (const Lanes room : {middle, 1.0f - middle})
    if (const Lanes x = room * inverse * kSqrtHalf; !all_above(x, 3.8f)) mass -= 0.5f * erfc(x);  // erfc(3.8) is 8e-8.
  return mass;
}

/// ln sum of e^s over a whole number of blocks.
float log_sum(const float* s, std::size_t n) {
  Lanes top = load(s);
  for (std::size_t i = kLanes; i < n; i += kLanes) top = larger(top, load(s + i));
  const float most = largest(top);
  Lanes total{};
  for (std::size_t i = 0; i < n; i += kLanes) total += exp(load(s + i) - most);
  return most + std::log(sum(total));
}

}  // namespace

double NarrowestKernel::operator()(const ParzenAxis& axis, std::size_t kernels) const {
  const double bin = axis.edges.empty() ? 0 : bins / static_cast<double>(axis.edges.size() - 1);
  return std::min(1.0, std::max({least, bin, std::pow(1.0 + static_cast<double>(kernels), -power)}));
}

Parzen::Parzen(std::span<const ParzenAxis> axes, ParzenPoints points, NarrowestKernel narrowest)
    : axes_(axes), columns_(axes.size()), binned_(axes.size()) {
  const std::size_t n = points.weights.size();
  kernels_ = n + 1, padded_ = padded(kernels_);
  points.weights.push_back(n ? points.prior_weight : 1);
  cumulated_.resize(kernels_);
  std::partial_sum(points.weights.begin(), points.weights.end(), cumulated_.begin());
  base_.assign(padded_, kNever);
  for (std::size_t i = 0; i < kernels_; ++i)
    base_[i] = static_cast<float>(std::log(points.weights[i] / cumulated_.back()));
  points.order.resize(axes.size());
  scale_.assign(padded_, 1);
  for (std::size_t j = 0; j < axes.size(); ++j) {
    auto& at = points.columns[j];
    if (axes[j].categories) {
      shape_categorical(j, at);
      continue;
    }
    auto& order = points.order[j];
    if (order.empty()) order = sorted(at);
    shape_numeric(j, std::move(at), order, narrowest(axes[j], order.size() + 1));
    if (j % kAxesInScale == 0) take_scale_in();
  }
  take_scale_in();
}

// ln is taken of products over several axes, which do not leave the range of single precision: each factor is above 1e-3.
void Parzen::take_scale_in() {
  for (std::size_t k = 0; k < padded_; k += kLanes) store(&base_[k], load(&base_[k]) - log(load(&scale_[k])));
  scale_.assign(padded_, 1);
}

void Parzen::shape_numeric(std::size_t axis, std::vector<float> at, const std::vector<std::uint32_t>& order,
                           double narrowest) {
  const std::size_t n = order.size();
  std::vector<float> middle(padded(n + 1), 0.5f);
  for (std::size_t i = 0; i < n; ++i) middle[i] = at[order[i]];
  const std::vector<float> width = widths(middle, n, static_cast<float>(narrowest));
  binned_[axis] = !axes_[axis].edges.empty() && widest(axes_[axis].edges) > 0.1 * narrowest;
  Column& c = columns_[axis];
  c.middle = std::move(at);
  if (n < c.middle.size()) std::replace_if(c.middle.begin(), c.middle.end(), [](float x) { return std::isnan(x); }, 0.5f);
  c.middle.resize(padded_, 0.5f);
  c.inverse.assign(padded_, 0);
  if (axes_[axis].conditional) c.scale.assign(padded_, 1);
  auto& scale = axes_[axis].conditional ? c.scale : scale_;
  const float unit = binned_[axis] ? 0 : kSqrtTwoPi;  // Densities have the width in them, masses of bins do not.
  std::vector<float> inverses(width.size()), factors(width.size());
  for (std::size_t i = 0; i < n + 1; i += kLanes) {
    const Lanes inverse = 1.0f / load(&width[i]);
    const Lanes mass = mass_within(load(&middle[i]), inverse);
    store(&inverses[i], inverse);
    store(&factors[i], unit > 0 ? unit * load(&width[i]) * mass : mass);
  }
  float* const to_inverse = c.inverse.data();
  float* const to_scale = scale.data();
  for (std::size_t i = 0; i < n + 1; ++i) {
    const std::size_t kernel = i < n ? order[i] : kernels_ - 1;
    to_inverse[kernel] = inverses[i];
    to_scale[kernel] *= factors[i];
  }
  if (binned_[axis]) shape_classes(c, order);
  for (std::size_t k = 0; k < c.scale.size(); k += kLanes) store(&c.scale[k], -log(load(&c.scale[k])));
}

void Parzen::shape_classes(Column& c, const std::vector<std::uint32_t>& order) const {
  c.class_of.assign(padded_, 0);  // Class 0 is that of kernels which say nothing.
  c.class_middle = {0.5f}, c.class_inverse = {0};
  const auto place = [&](std::size_t kernel) {
    if (c.class_middle.back() != c.middle[kernel] || c.class_inverse.back() != c.inverse[kernel]) {
      c.class_middle.push_back(c.middle[kernel]);
      c.class_inverse.push_back(c.inverse[kernel]);
    }
    c.class_of[kernel] = static_cast<std::uint32_t>(c.class_middle.size() - 1);
  };
  for (const auto kernel : order) place(kernel);
  place(kernels_ - 1);
  c.class_middle.resize(padded(c.class_middle.size()), 0.5f);
  c.class_inverse.resize(c.class_middle.size(), 0);
}

void Parzen::shape_categorical(std::size_t axis, const std::vector<float>& at) {
  Column& c = columns_[axis];
  c.category.assign(padded_, -1);
  std::size_t kernels = 1;
  for (std::size_t i = 0; i < at.size(); ++i)
    if (!std::isnan(at[i])) c.category[i] = at[i], ++kernels;
  const double other = 1.0 / static_cast<double>(kernels), categories = static_cast<double>(axes_[axis].categories);
  const double total = 1 + categories * other;
  c.hit = static_cast<float>(std::log((1 + other) / total));
  c.miss = static_cast<float>(std::log(other / total));
  c.none = static_cast<float>(-std::log(categories));
}

std::size_t Parzen::pick(Rng& rng) const {
  const double u = rng.uniform() * cumulated_.back();
  const auto at = std::upper_bound(cumulated_.begin(), cumulated_.end() - 1, u);
  return static_cast<std::size_t>(at - cumulated_.begin());
}

float Parzen::draw_numeric(Rng& rng, float middle, float inverse) const {
  // Marsaglia's polar method, refused outside [0, 1]: the middle is within, so at least three of ten are kept.
  for (;;) {
    const double u = 2 * rng.uniform() - 1, v = 2 * rng.uniform() - 1, s = u * u + v * v;
    if (s >= 1 || s == 0) continue;
    const double scale = std::sqrt(-2 * std::log(s) / s) / inverse;
    for (const double z : {u, v})
      if (const double x = middle + z * scale; x >= 0 && x <= 1) return static_cast<float>(x);
  }
}

float Parzen::draw_category(Rng& rng, const Column& c, std::size_t kernel, std::size_t categories) const {
  const auto n = static_cast<double>(categories);
  const double each = c.category[kernel] < 0 ? 1 / n : std::exp(static_cast<double>(c.miss));
  const double u = rng.uniform();
  // The equal shares first; what is left is the kernel's own category.
  return u < each * n ? static_cast<float>(std::min(std::floor(u / each), n - 1)) : c.category[kernel];
}

void Parzen::draw(Rng& rng, std::span<float> point) const {
  const std::size_t chosen = pick(rng);
  for (std::size_t j = 0; j < axes_.size(); ++j) {
    const Column& c = columns_[j];
    const bool categorical = axes_[j].categories > 0;
    std::size_t kernel = chosen;
    const auto silent = [&](std::size_t k) { return categorical ? c.category[k] < 0 : c.inverse[k] == 0; };
    while (silent(kernel) && kernel + 1 != kernels_) kernel = pick(rng);
    point[j] = categorical ? draw_category(rng, c, kernel, axes_[j].categories)
                           : draw_numeric(rng, c.middle[kernel], c.inverse[kernel]);
  }
}

void Parzen::add_continuous(std::span<const float> point, float* scores) const {
  struct Term {
    float at;
    const float *middle, *inverse;
  };
  std::vector<Term> terms;
  for (std::size_t j = 0; j < axes_.size(); ++j)
    if (!axes_[j].categories && !binned_[j] && !std::isnan(point[j]))
      terms.push_back({point[j], columns_[j].middle.data(), columns_[j].inverse.data()});
  for (std::size_t k = 0; k < padded_; k += kBlock) {
    Lanes square[4] = {};
    for (const auto& t : terms)
      for (std::size_t b = 0; b < 4; ++b) {
        const Lanes z = (t.at - load(t.middle + k + b * kLanes)) * load(t.inverse + k + b * kLanes);
        square[b] += z * z;
      }
    for (std::size_t b = 0; b < 4; ++b)
      store(scores + k + b * kLanes, load(&base_[k + b * kLanes]) - 0.5f * square[b]);
  }
}

void Parzen::bin_scores(std::size_t axis, float at, float* scores) const {
  const auto& edges = axes_[axis].edges;
  const Column& c = columns_[axis];
  const std::size_t bin = bin_of(edges, at);
  const float low = edges[bin], high = edges[bin + 1];
  std::vector<float> by_class(c.class_middle.size());
  for (std::size_t i = 0; i < by_class.size(); i += kLanes) {
    const Lanes middle = load(&c.class_middle[i]), inverse = load(&c.class_inverse[i]);
    store(&by_class[i], log_normal_mass((low - middle) * inverse, (high - middle) * inverse));
  }
  by_class[0] = std::log(high - low);
  for (std::size_t k = 0; k < padded_; ++k) scores[k] = by_class[c.class_of[k]];
}

void Parzen::category_scores(std::size_t axis, float at, float* scores) const {
  const Column& c = columns_[axis];
  for (std::size_t k = 0; k < padded_; k += kLanes) {
    const Lanes category = load(&c.category[k]);
    const Lanes known = category == at ? all(c.hit) : all(c.miss);
    store(scores + k, category < 0.0f ? all(c.none) : known);
  }
}

std::vector<float> Parzen::score(std::span<const float> points, std::size_t count) const {
  const std::size_t d = axes_.size();
  std::vector<float> scores(count * padded_), term(padded_);
  const auto add = [&](std::size_t i, const std::vector<float>& what) {
    for (std::size_t k = 0; k < padded_; k += kLanes)
      store(&scores[i * padded_ + k], load(&scores[i * padded_ + k]) + load(&what[k]));
  };
  for (std::size_t i = 0; i < count; ++i) add_continuous(points.subspan(i * d, d), &scores[i * padded_]);
  std::vector<std::size_t> having;
  for (std::size_t j = 0; j < d; ++j) {
    having.clear();
    for (std::size_t i = 0; i < count; ++i)
      if (!std::isnan(points[i * d + j])) having.push_back(i);
    if (!columns_[j].scale.empty())
      for (const auto i : having) add(i, columns_[j].scale);
    if (!axes_[j].categories && !binned_[j]) continue;
    // Each value is worked out once, for all points that have it.
    std::stable_sort(having.begin(), having.end(),
                     [&](std::size_t a, std::size_t b) { return points[a * d + j] < points[b * d + j]; });
    for (std::size_t i = 0; i < having.size(); ++i) {
      const float at = points[having[i] * d + j];
      if (!i || at != points[having[i - 1] * d + j])
        axes_[j].categories ? category_scores(j, at, term.data()) : bin_scores(j, at, term.data());
      add(having[i], term);
    }
  }
  std::vector<float> result(count);
  for (std::size_t i = 0; i < count; ++i) {
    result[i] = log_sum(&scores[i * padded_], padded_);
    // Bins narrow beside the kernels: their mass is the density times their width.
    for (std::size_t j = 0; j < d; ++j)
      if (const float at = points[i * d + j]; !axes_[j].edges.empty() && !binned_[j] && !std::isnan(at))
        result[i] += std::log(bin_width(axes_[j].edges, at));
  }
  return result;
}

}  // namespace tune::detail
