// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "schedulers/ranking.hpp"
#include "tuner/facts.hpp"
#include "tuner/history.hpp"

namespace tune::detail {

/// What was recorded at one rung, who of it goes on, who waits there and who is on the way. Shared by the schedulers that
/// halve. With n recorded the best floor(n / eta) go on. Questions are O(1) unless they say otherwise, verbs cost what RungRanking does.
class Level {
 public:
  using Entry = RungRanking::Entry;
  /// Where a trial stands as seen from the rung: on its way there, or recorded and neither sent on nor lost.
  enum class Standing : std::uint8_t { none, coming, here };

  /// `at_least`: so many go on even while n is below eta; 1 where those that do not go on are lost.
  Level(std::int64_t step, double eta, std::int64_t at_least) : step_(step), eta_(eta), at_least_(at_least) {}

  std::int64_t step() const { return step_; }
  std::int64_t size() const { return ranking_.size(); }
  std::int64_t quota() const { return quota_; }  ///< How many go on.
  bool goes_on(const Entry& e) const { return quota_ > 0 && e <= cut_; }
  /// Hyper-Tune's delayed promotion (Li et al., "Hyper-Tune", VLDB 2022): no more than n / eta were sent on. Those on
  /// their way count too.
  bool has_room() const { return static_cast<double>(size()) >= eta_ * static_cast<double>(sent_ > 1 ? sent_ : 1); }
  /// The best of those who wait, if it goes on.
  std::optional<Entry> candidate() const;
  /// The best and the worst of those who wait.
  std::optional<Entry> first_waiting() const;
  std::optional<Entry> last_waiting() const;
  std::int64_t coming() const { return coming_; }
  std::int64_t here() const { return here_; }
  std::int64_t sent() const { return sent_; }
  std::int64_t rank(const Entry& e) const { return ranking_.rank(e); }
  /// The crossing as people see it, where the best `quota` go on.
  Rung crossing(const Entry&, int bracket, int rung, std::int64_t quota, const History&) const;

  void record(const Entry&);
  void wait(const Entry& e) { waiting_.insert(e); }
  void leave(const Entry& e) { waiting_.erase(e); }
  void send() { ++sent_; }
  void stand(Standing, int change);

 private:
  std::int64_t step_;
  double eta_;
  std::int64_t at_least_, quota_ = 0, sent_ = 0, coming_ = 0, here_ = 0;
  Entry cut_;  // The last one that goes on, where there is one.
  RungRanking ranking_;
  RungRanking waiting_;
};

/// "rung 2 at step 9: rank 14 of 40, the best 13 go on"; with `to_come` "rank 14 of 40, 5 to come, the best 15 go on".
std::string sentence(const Rung&, std::int64_t quota, std::int64_t to_come = 0);

/// Steps of the rungs: first * eta^k rounded, each greater than the one before, below `last`; then `last` itself where
/// there is one.
std::vector<std::int64_t> rung_steps(double first, double eta, std::optional<std::int64_t> last);

}  // namespace tune::detail
