// SPDX-License-Identifier: Apache-2.0
#include "schedulers/pb2.hpp"

#include <algorithm>
#include <cmath>

#include "tuner/rng.hpp"

namespace tune {
namespace detail {
namespace {

constexpr std::size_t kMostOutcomes = 200, kLeastOutcomes = 4;
constexpr int kAnywhere = 256, kNearby = 64;
constexpr double kNear = 0.1;  // Standard deviation around the donor's parameters.

bool is_continuous(const Dimension& d) {
  using Kind = Dimension::Kind;
  const bool kind = d.kind == Kind::uniform || d.kind == Kind::loguniform || d.kind == Kind::normal || d.kind == Kind::lognormal;
  return kind && d.step == 0 && d.max > d.min;
}

// Rewards are brought to [0, 1] by the least and the greatest among them, as the parameters are by their ranges.
struct RewardScale {
  double least = std::numeric_limits<double>::infinity(), greatest = -least;
  explicit RewardScale(const std::deque<Tried>& all) {
    for (const auto& o : all) least = std::min(least, o.point.back()), greatest = std::max(greatest, o.point.back());
  }
  double operator()(double r) const { return greatest > least ? (r - least) / (greatest - least) : 0.5; }
};

}  // namespace

Pb2Explorer::Pb2Explorer(const Space& space, std::uint64_t seed, std::int64_t interval, ExploreRule rule)
    : space_(space), seed_(seed), interval_(static_cast<double>(interval)), rule_(std::move(rule)), others_(rule_) {
  others_.mutate = {""};  // An empty list would mean all.
  for (const auto& d : space.dimensions()) {
    if (!rule_.changes(d)) continue;
    if (is_continuous(d))
      chosen_.push_back(&d);
    else
      others_.mutate.push_back(d.name);
  }
}

std::vector<double> Pb2Explorer::point(const Params& params, double reward) const {
  std::vector<double> out;
  for (const auto* d : chosen_) {
    const Value* v = params.find(d->name);
    out.push_back(v ? d->position(*v).value_or(0.5) : 0.5);
  }
  out.push_back(reward);
  return out;
}

void Pb2Explorer::learn(const Scored& s) {
  if (!std::isfinite(s.before) || !std::isfinite(s.after)) return;
  outcomes_.push_back({static_cast<double>(s.step), point(s.params, -s.before), s.before - s.after});
  if (outcomes_.size() > kMostOutcomes) outcomes_.pop_front();
}

Explored Pb2Explorer::explore(const Question& q) const {
  Rng rng{seed_, Purpose::explore, q.trial.value, q.exploit};
  if (chosen_.empty() || outcomes_.size() < kLeastOutcomes || !std::isfinite(q.score))
    return detail::explore(space_, q.donor, rule_, rng);

  const RewardScale scale(outcomes_);
  const auto time = static_cast<double>(q.step);
  std::vector<Tried> known(outcomes_.begin(), outcomes_.end()), pending;
  for (auto& o : known) o.point.back() = scale(o.point.back());
  for (const auto* params : q.others) pending.push_back({time, point(*params, scale(-q.score)), 0});
  if (pending.size() > kMostOutcomes) pending.resize(kMostOutcomes);
  const FadingBandit bandit(known, pending, interval_);

  const Explored rest = detail::explore(space_, q.donor, others_, rng);
  const auto centre = point(q.donor, 0);
  std::optional<Params> best;
  double bound = 0;
  for (int i = 0; i < kAnywhere + kNearby; ++i) {
    Params params = rest.params;
    for (std::size_t k = 0; k < chosen_.size(); ++k) {
      const double u = i < kAnywhere ? rng.uniform() : std::clamp(centre[k] + kNear * rng.normal(), 0.0, 1 - 0x1p-53);
      if (params.contains(chosen_[k]->name)) params.set(chosen_[k]->name, chosen_[k]->at(u));
    }
    const double here = bandit.upper_bound(time, point(params, scale(-q.score)));
    if ((best && here <= bound) || !space_.complete(params)) continue;
    best = std::move(params), bound = here;
  }
  if (!best) return detail::explore(space_, q.donor, rule_, rng);
  Explored out{*best, rest.changes};
  for (auto& change : differences(space_, rest.params, *best, "model")) out.changes.push_back(std::move(change));
  return out;
}

}  // namespace detail

SchedulerEntry pb2() {
  return {{"pb2", "A population whose clones get the parameters that a model of past gains holds for best.", detail::pbt_option_table()},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            auto o = detail::pbt_options(c);
            if (!o) return o.error();
            auto explorer = std::make_unique<detail::Pb2Explorer>(c.spec.space, c.spec.seed, o->interval, o->explore);
            return std::unique_ptr<Scheduler>(std::make_unique<Pbt>(c.spec, *o, std::move(explorer)));
          }};
}

}  // namespace tune
