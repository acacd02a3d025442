// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <set>
#include <vector>

#include "schedulers/ladder.hpp"
#include "tuner/scheduler.hpp"

namespace tune {

struct HyperbandOptions {
  std::int64_t min_step = 1;   ///< No rung lies below.
  std::int64_t max_step = 81;  ///< Where a trial is complete.
  double eta = 3;
};

namespace detail {

/// The brackets of HyperBand. With s_max = floor(log_eta(max_step / min_step)), bracket s = s_max, …, 0 begins with
/// n = ceil((s_max + 1) / (s + 1) * eta^s) trials; its rung i stands at step max_step * eta^(i - s), rounded, and
/// floor(n * eta^-i) trials get there.
class HyperbandBrackets {
 public:
  explicit HyperbandBrackets(const HyperbandOptions&);
  /// Steps of all rungs, lowest first; two may be equal if eta is near 1.
  const std::vector<std::int64_t>& steps() const { return steps_; }
  /// How many kinds of brackets there are, s_max + 1. The b-th bracket of an experiment is of kind b modulo that.
  int kinds() const { return static_cast<int>(steps_.size()); }
  int lowest_rung(int bracket) const { return bracket % kinds(); }
  std::int64_t size(int bracket) const;
  /// How many of `members` that began get beyond rung `rung` of their bracket; at least one.
  std::int64_t quota(std::int64_t members, int rung) const;

 private:
  double eta_;
  std::vector<std::int64_t> steps_;
};

}  // namespace detail

/// HyperBand (Li et al., "Hyperband: a novel bandit-based approach to hyperparameter optimization", JMLR 18, 2018), in the
/// order of the paper: the most daring bracket first, and round again until the budget ends.
///
/// A trial goes on as soon as it is certain to be among the best of its rung: its rank plus those who may still come is at
/// most the rung's quota. It is stopped as soon as it is certain not to be: its rank is above the quota. Until then it is
/// paused. So everybody gets what the paper gives them, and nobody waits longer than they must. Those that fail, end by
/// themselves or are cancelled do not come, and their place is left empty. Slots are never idle while a rung waits for
/// stragglers: they begin the next bracket. When no new trial may begin, the last bracket is as large as it has become.
///
/// learn, plan: O(rungs) questions to detail::RungRanking for a crossing, O(1) else. verdict: O(rungs) and one such question.
class Hyperband final : public Scheduler {
 public:
  Hyperband(const Spec& spec, const HyperbandOptions& options);
  void learn(const History&, const Record&) override;
  std::optional<Verdict> verdict(const History&) const override;
  std::optional<Plan> plan(const History&) const override;

 private:
  using Entry = detail::Level::Entry;
  struct Place {
    int bracket = 0, rung = 0;
    Entry entry;
  };
  int newest() const { return ladder_.brackets() - 1; }
  void open_bracket();
  std::int64_t members(int bracket, bool filling) const;
  std::int64_t quota(int bracket, int rung, bool filling) const;
  std::int64_t to_come(int bracket, int rung, bool filling) const;
  std::optional<Place> surely_in(int bracket, bool filling) const;
  std::optional<Place> surely_out(int bracket, bool filling) const;
  std::optional<Place> first(const std::set<int>& brackets, bool in, bool filling) const;
  Rung crossing(const Place&, const History&) const;
  std::string told(const Rung&, bool filling) const;

  detail::HyperbandBrackets shapes_;
  detail::Ladder ladder_;
  std::vector<std::int64_t> sizes_;  // By kind.
  std::int64_t begun_ = 0;           // In the newest bracket; all older ones are full.
  std::set<int> promoting_, dropping_;  // Brackets where somebody who waits goes on, or is out.
};

SchedulerEntry hyperband();

}  // namespace tune
