// SPDX-License-Identifier: Apache-2.0
#include "search/gp/target.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "tuner/rng.hpp"

namespace tune::detail {
namespace {

using Eigen::Index;
using Eigen::VectorXd;

constexpr double kFarOff = 1000;

double median(std::vector<double> sorted) {
  const std::size_t n = sorted.size();
  return n % 2 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
}

std::vector<double> sorted(const VectorXd& v) {
  std::vector<double> s(v.data(), v.data() + v.size());
  std::sort(s.begin(), s.end());
  return s;
}

/// The value that a complete trial had where `rung` steps were done.
std::optional<double> value_at(const Observed& o, std::int64_t step) {
  for (const auto& [at, value] : o.rungs)
    if (at == step) return value;
  return std::nullopt;
}

/// The last rung that a partial trial was judged at; else what it reported last.
std::pair<std::int64_t, double> last_known(const Observed& o) {
  return o.rungs.empty() ? std::pair{o.step, o.values.front()} : o.rungs.back();
}

/// Something is known of it: it has ended, or it goes on from a rung where it was judged.
bool is_told(const Observed& o) {
  return o.state == Observed::State::complete || o.state == Observed::State::partial ||
         (o.state == Observed::State::pending && !o.rungs.empty());
}

/// As good as those became who were no worse at the same rung; nullopt: none was worse, or too few passed it.
std::optional<double> imputed(const Observed& partial, const std::vector<const Observed*>& complete) {
  const auto [step, value] = last_known(partial);
  std::vector<double> ends;
  std::size_t no_worse = 0;
  for (const Observed* c : complete)
    if (const auto there = value_at(*c, step)) {
      ends.push_back(c->values.front());
      no_worse += *there <= value;
    }
  if (ends.size() < 3 || no_worse == ends.size()) return std::nullopt;
  std::nth_element(ends.begin(), ends.begin() + static_cast<std::ptrdiff_t>(no_worse), ends.end());
  return ends[no_worse];
}

}  // namespace

VectorXd warped(const VectorXd& values, Warp warp) {
  const Index n = values.size();
  if (n == 0) return values;
  const std::vector<double> s = sorted(values);
  const double middle = median(s);
  double spread = 0;
  Index better = 0;
  for (; better < n && s[static_cast<std::size_t>(better)] <= middle; ++better)
    spread += (s[static_cast<std::size_t>(better)] - middle) * (s[static_cast<std::size_t>(better)] - middle);
  spread = std::sqrt(spread / static_cast<double>(std::max<Index>(better, 1)));
  if (!(spread > 0)) return values;
  if (warp == Warp::raw) return values.cwiseMin(middle + kFarOff * spread);

  VectorXd out = values;
  const auto worse = static_cast<double>(n - better);
  for (Index i = 0; i < n; ++i) {
    if (values[i] <= middle) continue;
    const auto rank = std::lower_bound(s.begin(), s.end(), values[i]) - s.begin() - better;  // From 0.
    out[i] = middle + spread * normal_quantile(0.5 + 0.5 * (static_cast<double>(rank) + 0.5) / worse);
  }
  return out;
}

Target standardised(const VectorXd& v) {
  if (v.size() == 0) return {};
  const double largest = std::max(v.cwiseAbs().maxCoeff(), 1e-300);  // Squares of large values must not overflow.
  const VectorXd x = v / largest;
  const double mean = x.mean();
  const double deviation = std::sqrt((x.array() - mean).square().mean());
  if (!(deviation > 1e-14)) return {VectorXd::Zero(v.size()), v[0], 0};
  return {(x.array() - mean) / deviation, mean * largest, deviation * largest};
}

double better_half_score(const Regression& regression, const Target& target, const VectorXd& values) {
  const auto [mean, variance] = regression.leave_one_out(target.y);
  const double middle = median(sorted(values));
  double score = 0;
  for (Index i = 0; i < values.size(); ++i) {
    if (values[i] > middle) continue;
    const double e = target.y[i] - mean[i];
    score -= 0.5 * (std::log(variance[i]) + e * e / variance[i]) + std::log(std::max(target.deviation, 1e-300));
  }
  return score;
}

namespace {

/// Who was judged at a step: all values, and those of the trials that came no further, both sorted.
struct Judged {
  std::vector<double> all, last;
};

/// How many of these are worse; equals count half.
double worse(const std::vector<double>& sorted, double value) {
  const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), value);
  return static_cast<double>(sorted.end() - high) + 0.5 * static_cast<double>(high - low);
}

/// The judgements of a trial; its end is one where nobody judged it.
std::vector<std::pair<std::int64_t, double>> judgements(const Observed& o) {
  if (o.rungs.empty() || (o.state == Observed::State::complete && o.rungs.back().first < o.step)) {
    auto all = o.rungs;
    all.emplace_back(o.step, o.values.front());
    return all;
  }
  return o.rungs;
}

// A pair is compared at the last step where both were judged: a trial that came further meets one that did not where that one
// was left behind.
void rank_by_rungs(const Trials& trials, std::vector<Outcome>& of) {
  std::map<std::int64_t, Judged> steps;
  for (const Outcome& o : of) {
    const auto all = judgements(trials.all()[o.trial]);
    for (const auto& [step, value] : all) steps[step].all.push_back(value);
    steps[all.back().first].last.push_back(all.back().second);
  }
  for (auto& [step, judged] : steps) {
    std::sort(judged.all.begin(), judged.all.end());
    std::sort(judged.last.begin(), judged.last.end());
  }
  const auto n = static_cast<double>(of.size());
  for (Outcome& o : of) {
    const auto all = judgements(trials.all()[o.trial]);
    double beaten = worse(steps[all.back().first].all, all.back().second) - 0.5;  // Not by itself.
    double met = static_cast<double>(steps[all.back().first].all.size()) - 1;
    for (std::size_t k = 0; k + 1 < all.size(); ++k) {
      const auto& left = steps[all[k].first].last;
      beaten += worse(left, all[k].second), met += static_cast<double>(left.size());
    }
    const double share = met > 0 ? beaten / met : 0.5;  // Others it never met.
    o.value = -normal_quantile((share * (n - 1) + 0.5) / n);
  }
}

}  // namespace

std::vector<Outcome> outcomes(const Trials& trials) {
  std::vector<Outcome> out;
  std::vector<const Observed*> complete;
  std::vector<double> ends;
  std::size_t partial = 0;
  for (std::size_t i = 0; i < trials.all().size(); ++i) {
    const Observed& o = trials.all()[i];
    const bool going = o.state == Observed::State::pending;  // What it has reported since counts at the next rung.
    if (!is_told(o) || (!going && !o.has_value()) || !(last_known(o).second < Observed::kWorst)) continue;
    out.push_back({i, going ? last_known(o).second : o.values.front()});
    if (o.state == Observed::State::complete)
      complete.push_back(&o), ends.push_back(o.values.front());
    else
      ++partial;
  }
  if (partial == 0) return out;
  if (partial > complete.size()) {
    rank_by_rungs(trials, out);
    return out;
  }

  std::sort(ends.begin(), ends.end());
  const double worst = ends.empty() ? 0 : ends.back();
  const double room = ends.empty() ? 1 : std::max(worst - ends[ends.size() / 2], 1e-12);
  std::vector<double> place(trials.all().size(), 0);  // Of partial trials, 0 best to 1.
  const auto order = trials.ranked();
  for (std::size_t k = 0; k < order.size(); ++k) place[order[k]] = static_cast<double>(k + 1) / static_cast<double>(order.size());
  for (Outcome& o : out)
    if (const Observed& t = trials.all()[o.trial]; t.state != Observed::State::complete)
      o.value = imputed(t, complete).value_or(worst + room * place[o.trial]);
  return out;
}

}  // namespace tune::detail
