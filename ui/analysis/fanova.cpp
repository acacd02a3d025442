// SPDX-License-Identifier: Apache-2.0
// No tree is kept: a node is the trials in it and the box that it covers, and a leaf adds its value to the marginals of
// its tree at once. A box is one mask of bins a factor, so that intervals and sets of choices are the same thing.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <optional>

#include "ui/analysis/importance.hpp"

namespace tune {
namespace {

constexpr std::size_t kBins = 64;
constexpr std::uint8_t kInactive = 255;

using Bins = std::uint64_t;

Bins below(std::size_t bin) { return bin >= kBins ? ~Bins{0} : (Bins{1} << bin) - 1; }

template <class F>
void each_bin(Bins bins, F&& f) {
  for (; bins; bins &= bins - 1) f(static_cast<std::size_t>(std::countr_zero(bins)));
}

/// A factor cut into bins.
struct Binned {
  std::size_t count = 0;
  bool categorical = false;
  std::vector<double> width;           // The prior's share of each bin.
  std::vector<double> cuts;            // Between bins; of choices none:
  std::vector<std::uint8_t> of_level;  // the bin of each.
  Bins all() const { return below(count); }
  std::uint8_t bin(double at) const {
    if (categorical) return of_level[static_cast<std::size_t>(at)];
    return static_cast<std::uint8_t>(std::upper_bound(cuts.begin(), cuts.end(), at) - cuts.begin());
  }
  double share(Bins bins) const {
    double sum = 0;
    each_bin(bins, [&](std::size_t b) { sum += width[b]; });
    return sum;
  }
};

/// The factors of all trials that count, a trial's bins side by side.
struct Learned {
  std::vector<Binned> factors;
  std::vector<std::uint8_t> bins;
  std::vector<double> outcomes;  // Around their mean, so that sums of squares lose nothing.
  double mean = 0;
  const std::uint8_t* row(std::size_t trial) const { return bins.data() + trial * factors.size(); }
};

/// Where to cut the scale: halfway between neighbouring values, or where an equal share of the different values ends if
/// they are too many.
std::vector<double> cuts(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  const std::size_t bins = std::min(values.size(), kBins);
  std::vector<double> out;
  for (std::size_t b = 1; b < bins; ++b) {
    const std::size_t at = b * values.size() / bins;
    out.push_back(values[at - 1] / 2 + values[at] / 2);
  }
  return out;
}

/// More choices than bins: those with similar outcomes share one.
std::vector<std::uint8_t> bins_of_choices(const Factor& factor, const std::vector<double>& outcomes) {
  const auto n = static_cast<std::size_t>(factor.levels);
  std::vector<std::uint8_t> bin(n);
  std::iota(bin.begin(), bin.end(), std::uint8_t{0});
  if (n <= kBins) return bin;
  std::vector<double> sum(n, 0.0), count(n, 0.0);
  for (std::size_t t = 0; t < outcomes.size(); ++t) {
    if (std::isnan(factor.at[t]) || !std::isfinite(outcomes[t])) continue;
    sum[static_cast<std::size_t>(factor.at[t])] += outcomes[t];
    count[static_cast<std::size_t>(factor.at[t])] += 1;
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto mean = [&](std::size_t c) { return count[c] > 0 ? sum[c] / count[c] : 0.0; };
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return mean(a) < mean(b); });
  for (std::size_t i = 0; i < n; ++i) bin[order[i]] = static_cast<std::uint8_t>(i * kBins / n);
  return bin;
}

Learned learned(const Evidence& evidence) {
  Learned out;
  std::vector<std::size_t> trials;
  for (std::size_t t = 0; t < evidence.outcomes.size(); ++t)
    if (std::isfinite(evidence.outcomes[t])) trials.push_back(t), out.outcomes.push_back(evidence.outcomes[t]);
  const std::size_t d = evidence.factors.size();
  out.bins.assign(trials.size() * d, kInactive);
  for (std::size_t f = 0; f < d; ++f) {
    const auto& factor = evidence.factors[f];
    Binned binned{0, factor.categorical, {}, {}, {}};
    if (factor.categorical) {
      binned.of_level = bins_of_choices(factor, evidence.outcomes);
      binned.count = std::min<std::size_t>(binned.of_level.size(), kBins);
      binned.width.assign(binned.count, 0.0);
      for (const auto b : binned.of_level) binned.width[b] += 1 / static_cast<double>(binned.of_level.size());
    } else {
      std::vector<double> values;
      for (const auto t : trials)
        if (!std::isnan(factor.at[t])) values.push_back(factor.at[t]);
      binned.cuts = cuts(std::move(values));
      binned.count = binned.cuts.size() + 1;
      double before = 0;
      for (const double c : binned.cuts) binned.width.push_back(c - before), before = c;
      binned.width.push_back(1 - before);
    }
    for (std::size_t i = 0; i < trials.size(); ++i)
      if (const double at = factor.at[trials[i]]; !std::isnan(at)) out.bins[i * d + f] = binned.bin(at);
    out.factors.push_back(std::move(binned));
  }
  for (const double y : out.outcomes) out.mean += y / static_cast<double>(out.outcomes.size());
  for (double& y : out.outcomes) y -= out.mean;
  return out;
}

struct Sum {
  double value = 0, count = 0;
  double gain() const { return count > 0 ? value * value / count : 0; }
};

using Pair = std::pair<std::size_t, std::size_t>;

/// What the leaves add to the marginal of two factors, by which of them they ask about.
struct PairSums {
  std::vector<double> both = std::vector<double>(kBins * kBins, 0.0), first = std::vector<double>(kBins, 0.0), second = first;
  double neither = 0;
  double at(std::size_t a, std::size_t b) const { return both[a * kBins + b] + first[a] + second[b] + neither; }
};

/// One regression tree, grown and forgotten.
class Tree {
 public:
  Tree(const Learned& learned, const Fanova& how, Rng rng, std::span<const Pair> pairs)
      : in_(learned), how_(how), rng_(rng), pairs_(pairs), pair_sums_(pairs.size()) {
    const std::size_t n = in_.outcomes.size(), d = in_.factors.size();
    trials_.resize(n);
    for (auto& t : trials_) t = static_cast<std::uint32_t>(rng_.below(n));
    for (const auto& f : in_.factors) box_.push_back(f.all());
    restricted_.assign(d, 0);
    marginals_.assign(d * kBins, 0.0);
    unasked_.assign(d, 0.0);
    sums_.assign(d * kBins, {});
    seen_.assign(d, 0);
    order_.resize(d);
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    grow(0, n, 1.0);
  }

  double variance() const { return squares_ - mean_ * mean_; }
  /// Of the factor's marginal.
  double variance(std::size_t f) const {
    double out = 0;
    for (std::size_t b = 0; b < in_.factors[f].count; ++b) {
      const double expected = mean_ - unasked_[f] + marginals_[f * kBins + b];
      out += in_.factors[f].width[b] * (expected - mean_) * (expected - mean_);
    }
    return out;
  }
  /// Of the marginal of a pair.
  double pair_variance(std::size_t k) const {
    const auto& [f, g] = pairs_[k];
    double out = 0;
    for (std::size_t a = 0; a < in_.factors[f].count; ++a)
      for (std::size_t b = 0; b < in_.factors[g].count; ++b) {
        const double off = pair_sums_[k].at(a, b) - mean_;
        out += in_.factors[f].width[a] * in_.factors[g].width[b] * off * off;
      }
    return out;
  }
  const PairSums& pair(std::size_t k) const { return pair_sums_[k]; }

 private:
  struct Split {
    std::size_t factor = 0;
    Bins left = 0;
    double gain = 0;
  };

  // `volume`: the prior's share of the box.
  void grow(std::size_t begin, std::size_t end, double volume) {
    const auto found = end - begin < static_cast<std::size_t>(how_.least_to_split) ? std::nullopt : best(begin, end);
    if (!found) return leaf(begin, end, volume);
    const std::size_t f = found->factor, d = in_.factors.size();
    const auto middle = std::partition(
        trials_.begin() + static_cast<std::ptrdiff_t>(begin), trials_.begin() + static_cast<std::ptrdiff_t>(end),
        [&](std::uint32_t t) { return found->left >> in_.bins[t * d + f] & 1; });
    const auto at = static_cast<std::size_t>(middle - trials_.begin());
    const Bins whole = box_[f];
    const double share = in_.factors[f].share(whole), left = in_.factors[f].share(found->left);
    ++restricted_[f];
    box_[f] = found->left;
    grow(begin, at, volume * left / share);
    box_[f] = whole & ~found->left;
    grow(at, end, volume * (share - left) / share);
    box_[f] = whole;
    --restricted_[f];
  }

  void leaf(std::size_t begin, std::size_t end, double volume) {
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += in_.outcomes[trials_[i]];
    const double value = sum / static_cast<double>(end - begin);
    mean_ += value * volume;
    squares_ += value * value * volume;
    for (std::size_t f = 0; f < box_.size(); ++f) {
      if (restricted_[f] == 0) continue;
      unasked_[f] += value * volume;
      const double expected = value * volume / in_.factors[f].share(box_[f]);
      each_bin(box_[f], [&](std::size_t b) { marginals_[f * kBins + b] += expected; });
    }
    for (std::size_t k = 0; k < pairs_.size(); ++k) add(value * volume, pairs_[k], pair_sums_[k]);
  }

  void add(double mass, const Pair& pair, PairSums& sums) const {
    const Bins a = box_[pair.first], b = box_[pair.second];
    const bool asks_a = restricted_[pair.first] > 0, asks_b = restricted_[pair.second] > 0;
    if (asks_a) mass /= in_.factors[pair.first].share(a);
    if (asks_b) mass /= in_.factors[pair.second].share(b);
    if (!asks_a && !asks_b)
      sums.neither += mass;
    else if (!asks_b)
      each_bin(a, [&](std::size_t i) { sums.first[i] += mass; });
    else if (!asks_a)
      each_bin(b, [&](std::size_t j) { sums.second[j] += mass; });
    else
      each_bin(a, [&](std::size_t i) { each_bin(b, [&](std::size_t j) { sums.both[i * kBins + j] += mass; }); });
  }

  std::optional<Split> best(std::size_t begin, std::size_t end) {
    const std::size_t d = in_.factors.size(), tried = (5 * d + 5) / 6;
    for (std::size_t i = 0; i < tried; ++i) std::swap(order_[i], order_[i + rng_.below(d - i)]);
    Sum total;
    double least = in_.outcomes[trials_[begin]], most = least;
    skip_.assign(d, 0);
    for (std::size_t i = begin; i < end; ++i) {
      const std::uint8_t* row = in_.row(trials_[i]);
      const double y = in_.outcomes[trials_[i]];
      total.value += y, total.count += 1;
      least = std::min(least, y), most = std::max(most, y);
      for (std::size_t k = 0; k < tried; ++k) {
        const std::size_t f = order_[k];
        if (row[f] == kInactive) {
          skip_[f] = 1;
          continue;
        }
        auto& sum = sums_[f * kBins + row[f]];
        sum.value += y, sum.count += 1;
        seen_[f] |= Bins{1} << row[f];
      }
    }
    Split found;
    for (std::size_t k = 0; k < tried; ++k) {
      const std::size_t f = order_[k];
      if (!skip_[f] && least < most) consider(f, total, found);
      each_bin(seen_[f], [&](std::size_t b) { sums_[f * kBins + b] = {}; });
      seen_[f] = 0;
    }
    if (found.left == 0) return std::nullopt;
    return found;
  }

  // The best cut of one factor. Choices are taken in the order of their means: one of the cuts of that order is the best
  // of all ways to part them (Breiman, Friedman, Olshen, Stone: "Classification and Regression Trees", 1984, theorem 4.5).
  void consider(std::size_t f, const Sum& total, Split& found) {
    std::size_t n = 0;
    each_bin(seen_[f], [&](std::size_t b) { bins_[n++] = static_cast<std::uint8_t>(b); });
    const Sum* sums = &sums_[f * kBins];
    if (in_.factors[f].categorical)
      std::sort(bins_, bins_ + n, [&](auto a, auto b) {
        const double x = sums[a].value * sums[b].count, y = sums[b].value * sums[a].count;
        return x < y || (x == y && a < b);
      });
    Sum left;
    std::size_t cut = 0;
    const double gain_now = total.gain();
    for (std::size_t i = 0; i + 1 < n; ++i) {
      left.value += sums[bins_[i]].value, left.count += sums[bins_[i]].count;
      const Sum right{total.value - left.value, total.count - left.count};
      if (left.count < how_.least_in_leaf || right.count < how_.least_in_leaf) continue;
      const double gain = left.gain() + right.gain() - gain_now;
      if (gain > found.gain) found.gain = gain, found.factor = f, cut = i + 1;
    }
    if (cut) found.left = bins_left(f, cut);
  }

  // Bins that no trial of the node is in go to the nearer side; choices that it has not seen to the right.
  Bins bins_left(std::size_t f, std::size_t cut) const {
    if (in_.factors[f].categorical) {
      Bins left = 0;
      for (std::size_t i = 0; i < cut; ++i) left |= Bins{1} << bins_[i];
      return left;
    }
    return box_[f] & below((static_cast<std::size_t>(bins_[cut - 1]) + bins_[cut] + 1) / 2);
  }

  const Learned& in_;
  const Fanova& how_;
  Rng rng_;
  std::span<const Pair> pairs_;
  std::vector<PairSums> pair_sums_;
  std::vector<std::uint32_t> trials_;
  std::vector<Bins> box_, seen_;
  std::vector<int> restricted_;     // How many splits above cut the factor.
  std::vector<double> marginals_;   // Factor by bin: sums over the leaves that ask about the factor,
  std::vector<double> unasked_;     // and what those leaves add to the mean.
  std::vector<Sum> sums_;
  std::vector<std::size_t> order_;
  std::vector<std::uint8_t> skip_;  // Factors that some trial of the node does not have.
  std::uint8_t bins_[kBins] = {};
  double mean_ = 0, squares_ = 0;
};

/// Trees that saw different outcomes, one after the other.
template <class Visit>
void each_tree(const Learned& in, const Fanova& how, Rng rng, std::span<const Pair> pairs, Visit&& visit) {
  if (in.outcomes.size() < 2 || in.factors.empty()) return;
  for (int t = 0; t < how.trees; ++t) {
    const Tree tree(in, how, Rng(rng.next(), static_cast<std::uint64_t>(t)), pairs);
    if (tree.variance() > 0) visit(tree);
  }
}

/// Mean and standard deviation of something over the trees.
struct Over {
  double sum = 0, squares = 0, count = 0;
  void add(double x) { sum += x, squares += x * x, count += 1; }
  double mean() const { return count > 0 ? sum / count : 0; }
  double spread() const { return count > 0 ? std::sqrt(std::max(0.0, squares / count - mean() * mean())) : 0; }
};

}  // namespace

std::vector<Importance> fanova(const Evidence& evidence, const Fanova& how, Rng rng) {
  std::vector<Over> shares(evidence.factors.size());
  each_tree(learned(evidence), how, rng, {}, [&](const Tree& tree) {
    for (std::size_t f = 0; f < shares.size(); ++f) shares[f].add(tree.variance(f) / tree.variance());
  });
  std::vector<Importance> out;
  for (std::size_t f = 0; f < shares.size(); ++f)
    out.push_back({evidence.factors[f].name, shares[f].mean(), shares[f].spread()});
  return out;
}

std::vector<Interaction> interactions(const Evidence& evidence, std::span<const std::size_t> among, const Fanova& how, Rng rng) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < among.size(); ++i)
    for (std::size_t j = i + 1; j < among.size(); ++j) pairs.emplace_back(among[i], among[j]);
  std::vector<Over> shares(pairs.size());
  each_tree(learned(evidence), how, rng, pairs, [&](const Tree& tree) {
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      const double alone = tree.variance(pairs[k].first) + tree.variance(pairs[k].second);
      shares[k].add(std::max(0.0, tree.pair_variance(k) - alone) / tree.variance());
    }
  });
  std::vector<Interaction> out;
  for (std::size_t k = 0; k < pairs.size(); ++k)
    out.push_back({evidence.factors[pairs[k].first].name, evidence.factors[pairs[k].second].name, shares[k].mean(), shares[k].spread()});
  return out;
}

Surface surface(const Evidence& evidence, std::size_t x, std::span<const double> xs, std::size_t y, std::span<const double> ys,
                const Fanova& how, Rng rng) {
  const auto in = learned(evidence);
  if (in.outcomes.size() < 2) return {};
  const Pair pair{x, y};
  std::vector<Over> cells(xs.size() * ys.size());
  each_tree(in, how, rng, {&pair, 1}, [&](const Tree& tree) {
    for (std::size_t i = 0; i < xs.size(); ++i)
      for (std::size_t j = 0; j < ys.size(); ++j)
        cells[i * ys.size() + j].add(tree.pair(0).at(in.factors[x].bin(xs[i]), in.factors[y].bin(ys[j])));
  });
  Surface out;
  for (const auto& cell : cells) out.mean.push_back(in.mean + cell.mean()), out.spread.push_back(cell.spread());
  return out;
}

}  // namespace tune
