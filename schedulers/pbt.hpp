// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <limits>
#include <memory>
#include <set>
#include <vector>

#include "schedulers/explore.hpp"
#include "tuner/scheduler.hpp"

namespace tune {

struct PbtOptions {
  std::int64_t population = 2;
  std::int64_t interval = 1;             ///< Steps between two scores of a member.
  std::optional<std::int64_t> max_step;  ///< Where a member is complete; absent: where it ends by itself.
  double quantile = 0.25;                ///< Share that copies, and share that is copied.
  bool sync = false;                     ///< Nobody is judged before everybody has come as far.
  std::vector<std::int64_t> frequencies = {1};  ///< Of sub-populations: judged every so many intervals.
  detail::ExploreRule explore;
};

namespace detail {

/// How a clone gets its parameters: the part that population based schedulers differ in. It learns what is scored and is
/// asked when a member copies another one.
class Explorer {
 public:
  /// A score that ended a stretch of `interval` steps.
  struct Scored {
    TrialId trial;
    std::int64_t step = 0;
    double before = 0, after = 0;  ///< Smaller is better; not finite where there was none.
    const Params& params;
  };
  struct Question {
    const Params& donor;
    TrialId trial;
    std::int64_t exploit = 0;  ///< The trial's how-manieth, from 1: names the random stream.
    std::int64_t step = 0;     ///< From where it goes on.
    double score = 0;          ///< Of the donor.
    std::vector<const Params*> others;  ///< Those of the members that are on their way.
  };
  virtual ~Explorer() = default;
  virtual void learn(const Scored&) {}
  virtual Explored explore(const Question&) const = 0;
};

}  // namespace detail

/// Population based training (Jaderberg et al., "Population based training of neural networks", 2017) with truncation
/// selection. A trial is a member. Each time a member has done `interval` steps it is scored; it is judged at once, or, when
/// others wait for its slot, when its turn comes again: the member that is furthest behind goes first. Of the n members with a
/// score no older than one interval, one of the worst ceil(quantile n), at most half, goes on from the checkpoint of a random
/// one of the best as many, with explored parameters. Nobody is judged while fewer than half of the members can be compared.
///
/// A donor is never older than the score it is chosen by: its checkpoint stands at its score's step or later, and has not been
/// copied since. A member whose donors have not saved yet waits, at most until they are scored for the second time. Copying may lead
/// back by an interval, once at each step, so that nobody walks in circles. A member that fails or is stopped, by a rule or a
/// person, is replaced by a new one as long as trials may begin and until the first one is complete.
///
/// With several frequencies (MF-PBT: Doulazmi et al., "Multiple-frequencies population-based training", 2025) members belong to
/// sub-populations in turn, are judged every so many intervals within their own, and those next to the worst take over the
/// weights of members of other ones that are better.
///
/// learn: O(log n), and O(n log n) for n members when one is scored, saves or leaves. verdict: O(1). plan: O(n log n).
class Pbt final : public Scheduler {
 public:
  Pbt(const Spec&, const PbtOptions&, std::unique_ptr<detail::Explorer>);
  void learn(const History&, const Record&) override;
  std::optional<Verdict> verdict(const History&) const override { return next_; }
  std::optional<Plan> plan(const History&) const override;
  bool complete(const History&) const override;

 private:
  enum class Phase : std::uint8_t {
    unknown,  ///< Not launched.
    going,    ///< On its way to its goal.
    ready,    ///< At its goal, not yet told what to do.
    over      ///< Stopped, or final.
  };
  struct Member {
    Phase phase = Phase::unknown;
    bool parked = false;  // Paused by a person, who will let it go on.
    bool moved = false;   // Has copied another one since it was scored: no donor.
    std::int64_t goal = 0, mark = 0;  // Where it is judged, and where it is scored next.
    bool scored = false;
    std::int64_t step = 0;  // Of its score.
    double score = 0, from = std::numeric_limits<double>::infinity();  // And what this stretch began with.
    Seq scored_at = 0, scored_before = 0;
    std::int64_t exploits = 0, went_back_from = -1;
    Seq ready_at = 0;
    bool owed = false, in_line = false, queued = false, leased = false, fresh = false;  // Where it is indexed.
    std::pair<std::int64_t, TrialId> place;                             // In line_.
  };
  struct Entry {
    double score;
    TrialId trial;
    auto operator<=>(const Entry&) const = default;
  };
  /// What becomes of a member at its goal.
  struct Judgement {
    enum class What : std::uint8_t { goes_on, copies, waits } what = What::goes_on;
    Exploit exploit;
    std::string why;
    Note note;
  };
  struct Choice {
    std::optional<TrialId> donor;
    bool worth_waiting = false;
  };
  struct Ranking {
    std::vector<Entry> all;  // Best first.
    std::int64_t rank = 0, cut = 0;  // The member's, from 1; how many copy, and are copied.
    std::int64_t members = 0;
  };

  Member& member(TrialId);
  const Member& member(TrialId id) const { return members_[static_cast<std::size_t>(id.value)]; }
  void happened(Member&, const Trial&, const Record&);
  bool reported(Member&, const Trial&, const Record&, const History&);
  void go(Member&, const Trial&);
  void index(Member&, const Trial&);

  std::optional<Verdict> look(const History&) const;
  bool others_wait(const Member&, const History&) const;
  bool may_begin(const History&) const;
  bool all_have_come_to(std::int64_t step, const History&) const;
  Judgement judge(TrialId, const History&) const;
  Judgement migrates(TrialId, const Ranking&, const History&) const;
  struct Copy {
    TrialId donor, params_of;
    bool explores = true;
  };
  Judgement copies(TrialId, const Ranking&, const Copy&, const History&) const;
  Ranking ranking(TrialId) const;
  std::vector<Entry> best_elsewhere(TrialId, std::size_t most) const;
  Choice choose(TrialId, const std::vector<Entry>& among, Rng&, const History&) const;

  std::size_t group(TrialId id) const { return static_cast<std::size_t>(id.value) % options_.frequencies.size(); }
  std::int64_t frequency(TrialId id) const { return options_.frequencies[group(id)]; }
  std::int64_t after(std::int64_t step, std::int64_t every) const;
  bool is_done(const Trial& t) const { return options_.max_step && t.last_step >= *options_.max_step; }

  PbtOptions options_;
  std::string name_;
  std::uint64_t seed_;
  std::unique_ptr<detail::Explorer> explorer_;
  std::deque<Member> members_;  // By trial.
  std::int64_t fresh_ = 0, queued_ = 0, leased_ = 0;   // Not launched yet; to go on when a slot is free; launched, not started.
  std::set<std::pair<Seq, TrialId>> ready_;            // Verdicts owed, oldest first.
  std::set<std::pair<std::int64_t, TrialId>> line_;  // Paused at their goals, furthest behind first.
  std::optional<Verdict> next_;
};

SchedulerEntry pbt();

namespace detail {
/// The options that pbt and pb2 share, and what is wrong with them or the rest of the config.
Result<PbtOptions> pbt_options(const SchedulerContext&);
std::vector<Option> pbt_option_table();
}  // namespace detail

}  // namespace tune
