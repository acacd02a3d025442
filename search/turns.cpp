// SPDX-License-Identifier: Apache-2.0
#include "search/turns.hpp"

#include <algorithm>

namespace tune::detail {
namespace {

constexpr std::size_t kManyCategories = 20, kManyAxes = 60;
constexpr std::size_t kManyTrials = 400, kManyForSeveral = 250;  // More than the models are good for.
constexpr std::size_t kManyPartial = 200;   // The same where most were ended early.
constexpr std::size_t kPerWorker = 8;  // Finished trials, so that what is under way is the smaller part.
constexpr int kPatience = 4;  // Failed steps of the local arm.

}  // namespace

std::string_view name_of(ArmKind k) {
  switch (k) {
    case ArmKind::local: return "local";
    case ArmKind::gp: return "gp";
    case ArmKind::tpe: return "tpe";
    case ArmKind::cma: return "cmaes";
  }
  return {};
}

std::string_view title_of(ArmKind k) {
  switch (k) {
    case ArmKind::local: return "local model";
    case ArmKind::gp: return "Gaussian process";
    case ArmKind::tpe: return "Parzen estimator";
    case ArmKind::cma: return "CMA-ES";
  }
  return {};
}

Situation situation(const Axes& axes, std::size_t objectives) {
  Situation s;
  s.axes = axes.size();
  for (const Axis& a : axes) {
    if (a.kind == Axis::Kind::categorical)
      s.categories += static_cast<std::size_t>(a.levels);
    else
      ++s.numeric;
  }
  s.discrete = axes.discrete();
  s.objectives = objectives;
  return s;
}

Turns turns(const Situation& s) {
  using enum ArmKind;
  const bool wide = s.categories > kManyCategories;
  if (s.objectives > 1) {
    if (wide || s.objectives > 3 || s.finished >= kManyForSeveral || s.dear) return {{tpe}, "several objectives"};
    return {{gp, gp, tpe}, "several objectives"};
  }
  if (wide) return {{tpe}, "many categories"};
  if (s.axes > kManyAxes && s.finished < 5 * s.axes) return {{tpe}, "many parameters for few trials"};
  if (s.discrete) return s.dear ? Turns{{tpe}, "quick trials"} : Turns{{gp}, "parameters of few values"};
  // A local model and CMA-ES want values that compare, and here most are of other steps. What early steps say may mislead, and
  // the more so the closer it is followed.
  if (2 * s.partial > s.finished) {
    if (s.dear) return {{tpe}, "quick trials"};
    if (s.finished < kPerWorker * s.pending || s.finished >= kManyPartial) return {{tpe}, "many trials that are ended early"};
    return {{gp, tpe}, "trials that are ended early"};
  }
  if (s.dear) return {{local, tpe}, "quick trials"};
  if (s.categories == 0 && s.finished >= kManyTrials) return {{local, cma}, "many trials of numeric parameters"};
  if (s.finished < kPerWorker * s.pending) return {{local, gp}, "many workers for few trials"};
  return {{local, gp, gp, tpe}, s.categories == 0 ? "numeric parameters" : "numeric parameters and categories"};
}

std::vector<ArmKind> order(const std::vector<ArmKind>& cycle, std::size_t turn, int local_fails) {
  const std::size_t round = turn / cycle.size();
  std::vector<ArmKind> others;
  for (const ArmKind k : cycle)
    if (k != ArmKind::local) others.push_back(k);
  if (others.empty()) return cycle;
  // A turn that the local arm does not take goes to each of the others as often.
  std::rotate(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(round % others.size()), others.end());
  const ArmKind first = cycle[turn % cycle.size()];
  if (first == ArmKind::local && local_fails >= kPatience && round % 3 != 0) return others;
  std::vector<ArmKind> all{first};
  for (const ArmKind k : others)
    if (std::find(all.begin(), all.end(), k) == all.end()) all.push_back(k);
  return all;
}

}  // namespace tune::detail
