// SPDX-License-Identifier: Apache-2.0
#include "search/tpe.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "search/hypervolume.hpp"

namespace tune {
namespace {

using detail::NarrowestKernel;
using detail::Parzen;
using detail::ParzenPoints;
using detail::Ranking;

constexpr std::size_t kNewest = 128, kOlder = 256;  // Trials that the density of the rest is made of.
constexpr std::size_t kMostGood = 25;
constexpr std::int64_t kMostLevels = 4096;          // Axes with more are as good as continuous.
// Kernels' least widths take turns: wide ones find basins, narrow ones go to the bottom. Chosen on functions to tune on, for
// which {0.1 ... 0.005} evenly is better still at 200 trials, and on real tasks, which want wide ones.
constexpr double kNarrowest[] = {0.1, 0.05, 0.02, 0.01, 0.1, 0.05, 0.02, 0.005};
constexpr double kLeastBins = 0.7;

// The trial's turn of eight, by multiples of the golden ratio: even over all trials, and also over every k-th, which may be
// all that this arm is asked for.
std::size_t turn(TrialId t) { return static_cast<std::uint64_t>(t.value) * 0x9e3779b97f4a7c15ull >> 61; }
static_assert(std::size(kNarrowest) == 8);

constexpr std::size_t kCrowd = 8;                   // More pending trials than this want more variety.
constexpr int kRounds = 4;                          // Of candidates, while all that were drawn are known already.

// Edges of an ordered axis' bins: a value is in the middle of its bin.
std::vector<float> edges_of(const Axes& axes, std::size_t axis) {
  const std::int64_t levels = axes[axis].levels;
  std::vector<float> edges{0};
  if (levels > kMostLevels) return {};
  double edge = 0, middle = axes.coordinate(axis, 0);
  for (std::int64_t k = 0; k + 1 < levels; ++k) {
    edge = 2 * middle - edge;
    if (!(edge > edges.back()) || !(static_cast<float>(edge) > edges.back()) || edge >= 1) return {};  // Too fine to tell apart.
    edges.push_back(static_cast<float>(edge));
    middle = axes.neighbour(axis, middle, 1);
  }
  edges.push_back(1);
  return edges;
}

// Optuna's default_weights: the newest 25 count whole, older ones less, linearly down to 1 / n.
std::vector<double> ramp(std::size_t n) {
  std::vector<double> w(n, 1);
  const std::size_t old = n > 25 ? n - 25 : 0;
  const double least = 1 / static_cast<double>(n);
  for (std::size_t i = 0; i < old; ++i)
    w[i] = old == 1 ? least : least + (1 - least) * static_cast<double>(i) / static_cast<double>(old - 1);
  return w;
}

double mean(const std::vector<double>& w) {
  return w.empty() ? 1 : std::accumulate(w.begin(), w.end(), 0.0) / static_cast<double>(w.size());
}

}  // namespace

TpeArm::TpeArm(const Axes& axes, std::size_t objectives, TpeSettings settings)
    : settings_(settings),
      columns_(axes.size(), settings.optuna5 ? SIZE_MAX : kNewest, settings.optuna5 ? 0 : kOlder),
      ranking_(settings.optuna5 ? Ranking::Ties::oldest_first : Ranking::Ties::newest_first, !settings.optuna5) {
  // Optuna knows nothing of the space's tree: what not every trial has, it samples by itself, and with several objectives
  // every parameter. Parents stand before their children.
  std::vector<std::size_t> joint, alone;
  for (std::size_t j = 0; j < axes.size(); ++j)
    (settings_.optuna5 && (axes[j].conditional || objectives > 1) ? alone : joint).push_back(j);
  if (!joint.empty()) add_group(axes, std::move(joint));
  for (const auto j : alone) add_group(axes, {j});
}

void TpeArm::add_group(const Axes& axes, std::vector<std::size_t> members) {
  Group g;
  for (const auto j : members) {
    detail::ParzenAxis shape;
    if (axes[j].kind == Axis::Kind::categorical) shape.categories = static_cast<std::size_t>(axes[j].levels);
    if (axes[j].kind == Axis::Kind::ordered) shape.edges = edges_of(axes, j);
    shape.conditional = axes[j].conditional && members.size() > 1;
    g.shapes.push_back(std::move(shape));
  }
  g.axes = std::move(members);
  groups_.push_back(std::move(g));
}

void TpeArm::learn(const Record& r, const Trials& trials) {
  for (auto i = columns_.size(); i < trials.all().size(); ++i) columns_.add(trials.all()[i].point);
  ranking_.learn(r, trials);
}

bool TpeArm::above(const Observed& o) const {
  if (o.state == Observed::State::dropped) return false;
  const bool broken = o.state == Observed::State::failed || o.state == Observed::State::infeasible;
  return !broken || !settings_.optuna5;
}

std::vector<std::uint32_t> TpeArm::best(const Trials& trials, std::size_t count) const {
  const auto& order = ranking_.order();
  const std::size_t complete = ranking_.before(Ranking::Group::partial);
  std::vector<std::uint32_t> all{order.begin(), order.begin() + static_cast<std::ptrdiff_t>(std::max(count, complete))};
  if (trials.objectives() > 1 && count < complete) return best_fronts(trials, all, count);
  all.resize(count);
  return all;
}

// Whole fronts as long as they fit; of the next one those that cover the most volume together.
std::vector<std::uint32_t> TpeArm::best_fronts(const Trials& trials, const std::vector<std::uint32_t>& of,
                                               std::size_t count) const {
  const auto outcomes = [&](const std::vector<std::uint32_t>& some) {
    Outcomes o(trials.objectives());
    for (const auto t : some) o.add(trials.all()[t].values);
    return o;
  };
  std::vector<std::uint32_t> chosen;
  for (const auto& front : fronts(ranks(outcomes(of)))) {
    std::vector<std::uint32_t> members;
    for (const auto i : front) members.push_back(of[i]);
    if (chosen.size() + members.size() > count) {
      const Outcomes last = outcomes(members);
      for (const auto i : greedy_hypervolume_subset(last, count - chosen.size(), reference_point(last)))
        chosen.push_back(members[i]);
      break;
    }
    chosen.insert(chosen.end(), members.begin(), members.end());
  }
  return chosen;
}

// By how much each is better than the best of the others: expected improvement as a weighted density (Watanabe 2023,
// section 3.2.4). Where the values do not compare, by rank.
std::vector<double> TpeArm::improvements(const Trials& trials, const std::vector<std::uint32_t>& below) const {
  const auto& order = ranking_.order();
  const std::size_t n = below.size();
  if (trials.objectives() > 1) return std::vector<double>(n, 1);
  std::vector<double> w(n);
  for (std::size_t i = 0; i < n; ++i) w[i] = static_cast<double>(n - i);
  if (n == order.size() || ranking_.group(order[n]) != Ranking::Group::complete) return w;
  const double threshold = trials.all()[order[n]].values.front();
  const double most = threshold - trials.all()[below.front()].values.front();
  if (!(most > 0)) return std::vector<double>(n, 1);
  if (!std::isfinite(most)) return w;
  for (std::size_t i = 0; i < n; ++i)
    w[i] = std::max((threshold - trials.all()[below[i]].values.front()) / most, 1e-6);
  return w;
}

std::optional<TpeArm::Split> TpeArm::split(const Trials& trials, Rng& rng) const {
  const std::size_t useful = ranking_.before(Ranking::Group::failed);
  Split s;
  s.of = settings_.optuna5 ? useful : ranking_.order().size();
  if (useful == 0 || (settings_.optuna5 && useful < static_cast<std::size_t>(settings_.starts))) return std::nullopt;
  double share = 0.1;
  if (!settings_.optuna5 && trials.pending() > kCrowd) share = 0.05 + 0.15 * rng.uniform();
  auto good = static_cast<std::size_t>(std::ceil(share * static_cast<double>(s.of)));
  if (trials.objectives() == 1) good = std::min(good, kMostGood);
  s.below = best(trials, std::min(good, useful));
  s.weights = improvements(trials, s.below);
  std::vector<std::uint8_t> is_below(trials.all().size());
  for (const auto t : s.below) is_below[t] = 1;
  for (const auto t : columns_.kept())
    if (!is_below[t] && above(trials.all()[t])) s.above.push_back(t);
  return s;
}

ParzenPoints TpeArm::points(const Group& g, std::vector<std::uint32_t> trials, std::vector<double> weights) const {
  if (settings_.optuna5) {
    std::sort(trials.begin(), trials.end());
    if (g.axes.size() == 1)
      std::erase_if(trials, [&](std::uint32_t t) { return std::isnan(columns_.column(g.axes[0])[t]); });
    weights = ramp(trials.size());
  }
  ParzenPoints p;
  p.prior_weight = settings_.optuna5 ? 1 : mean(weights);
  p.weights = std::move(weights);
  for (const auto j : g.axes) {
    const auto column = columns_.column(j);
    auto& at = p.columns.emplace_back(trials.size());
    for (std::size_t i = 0; i < trials.size(); ++i) at[i] = column[trials[i]];
  }
  return p;
}

Parzen TpeArm::good(const Group& g, const Split& s, NarrowestKernel narrowest) const {
  return Parzen{g.shapes, points(g, s.below, s.weights), narrowest};
}

Parzen TpeArm::rest(const Group& g, const Split& s, NarrowestKernel narrowest) const {
  std::vector<double> weights;
  for (const auto t : s.above) weights.push_back(columns_.weight(t));
  ParzenPoints p = points(g, s.above, std::move(weights));
  if (p.weights.size() < s.above.size()) return Parzen{g.shapes, std::move(p), narrowest};  // Some lack the coordinate.
  p.order.resize(g.axes.size());
  std::vector<std::int32_t> kernel(columns_.size(), -1);
  for (std::size_t i = 0; i < s.above.size(); ++i) kernel[s.above[i]] = static_cast<std::int32_t>(i);
  for (std::size_t j = 0; j < g.axes.size(); ++j)
    for (const auto t : columns_.sorted(g.axes[j]))
      if (kernel[t] >= 0) p.order[j].push_back(static_cast<std::uint32_t>(kernel[t]));
  return Parzen{g.shapes, std::move(p), narrowest};
}

double TpeArm::choose(const Group& g, const Split& s, NarrowestKernel narrowest, const Trials& trials, Point& point,
                      Rng& rng) const {
  const Axes& axes = trials.axes();
  const Parzen l = good(g, s, narrowest), r = rest(g, s, narrowest);
  const std::size_t d = g.axes.size();
  const auto wanted = static_cast<std::size_t>(settings_.candidates);
  std::vector<float> drawn(d), rows;
  std::vector<Point> candidates;
  for (std::size_t tries = 0; candidates.size() < wanted && tries < kRounds * wanted; ++tries) {
    l.draw(rng, drawn);
    Point p = point;
    for (std::size_t j = 0; j < d; ++j) p[g.axes[j]] = static_cast<double>(drawn[j]);
    axes.snap(p);
    // A known configuration is only a candidate where nothing else was drawn.
    const bool fresh = settings_.optuna5 || (!trials.contains(p) && axes.allows(p));
    const bool last_chance = candidates.empty() && tries + 1 == kRounds * wanted;
    if (!fresh && !last_chance) continue;
    for (std::size_t j = 0; j < d; ++j)
      rows.push_back(!g.shapes[j].conditional || p.active[g.axes[j]] ? static_cast<float>(p[g.axes[j]])
                                                                     : detail::kNoCoordinate);
    candidates.push_back(std::move(p));
  }
  const auto high = l.score(rows, candidates.size()), low = r.score(rows, candidates.size());
  const double belief = settings_.optuna5 || !axes.prior().given() ? 0 : prior_exponent(static_cast<std::int64_t>(s.of), settings_.budget);
  const auto merit = [&](std::size_t i) {
    return static_cast<double>(high[i] - low[i]) + (belief > 0 ? belief * axes.log_prior(candidates[i]) : 0);
  };
  std::size_t top = 0;
  double most = merit(0);
  for (std::size_t i = 1; i < candidates.size(); ++i)
    if (const double m = merit(i); m > most) most = m, top = i;
  for (const auto j : g.axes) point[j] = candidates[top][j];
  return static_cast<double>(high[top] - low[top]);
}

std::optional<Suggestion> TpeArm::suggest(const Trials& trials, TrialId trial, Rng rng) const {
  const auto s = split(trials, rng);
  if (!s || groups_.empty()) return std::nullopt;
  NarrowestKernel narrowest;  // Optuna's magic clip.
  if (!settings_.optuna5) narrowest = {kNarrowest[turn(trial)], 2, kLeastBins};
  Suggestion out;
  out.point.at.assign(trials.axes().size(), 0.5);
  double ratio = 0;
  for (const auto& g : groups_) ratio += choose(g, *s, narrowest, trials, out.point, rng);
  char text[120];
  std::snprintf(text, sizeof text, "%.3g times as likely among the best %zu of %zu trials as among the others",
                std::exp(ratio), s->below.size(), s->of);
  out.why = text;
  detail::NoteWriter note;
  note.set("ratio", ratio).set("best", static_cast<double>(s->below.size())).set("narrowest", narrowest.least);
  out.note = note.take();
  return out;
}

SamplerEntry tpe_sampler() {
  return {{"tpe",
           "Tree-structured Parzen estimator: proposes what resembles the best trials and not the others.",
           {{"profile", Option::Kind::text, "\"tune\"",
             "\"optuna5\" does what Optuna 5 does by default, for comparison.", 0, 0, {"tune", "optuna5"}},
            {"startup", Option::Kind::integer, "10", "Trials before it learns: the middle of the space, then an even design.", 1,
             100'000},
            {"candidates", Option::Kind::integer, "24", "Points drawn for each proposal, of which the best is taken.", 1,
             10'000}}},
          [](const SamplerContext& c) -> Result<std::unique_ptr<Sampler>> {
            const bool optuna5 = std::get<std::string>(*c.options.find("profile")) == "optuna5";
            ArmSettings settings;
            settings.name = "tpe";
            settings.starts = static_cast<int>(std::get<std::int64_t>(*c.options.find("startup")));
            settings.independent = settings.repeats = optuna5;
            settings.guard = !optuna5;
            return std::unique_ptr<Sampler>(std::make_unique<ArmSampler>(
                c, std::move(settings), [](const Axes& axes, const SamplerContext& context) -> std::unique_ptr<Arm> {
                  TpeSettings s;
                  s.optuna5 = std::get<std::string>(*context.options.find("profile")) == "optuna5";
                  s.starts = static_cast<int>(std::get<std::int64_t>(*context.options.find("startup")));
                  s.candidates = static_cast<int>(std::get<std::int64_t>(*context.options.find("candidates")));
                  s.budget = context.trials;
                  return std::make_unique<TpeArm>(axes, context.objectives.size(), s);
                }));
          }};
}

}  // namespace tune
