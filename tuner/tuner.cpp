// SPDX-License-Identifier: Apache-2.0
#include "tuner/tuner.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace tune {
namespace {

/// One run of the loop. Each turn: observe, fold, decide, hand to the store; and separately, whatever the store has made
/// durable meanwhile: carry out its decisions, then acknowledge its observations. Nothing is carried out or acknowledged
/// before it would survive a crash.
class Loop {
 public:
  Loop(Experiment& experiment, const Edges& edges) : x_(experiment), edge_(edges) {}

  Result<Outcome> run(Begin begin) {
    edge_.store.listen([this] { edge_.executor.interrupt(); });
    const auto result = turns(begin);
    if (proposing_) edge_.proposer.take(true);  // It still reads the sampler.
    edge_.store.listen({});
    return result;
  }

 private:
  Result<Outcome> turns(Begin begin) {
    if (begin == Begin::opening)
      if (auto opened = open(); !opened) return opened.error();

    while (!over()) {
      if (auto why = lost()) return fail(*why);
      obey();
      auto seen = edge_.executor.wait(may_launch() ? x_.wake_at() : std::nullopt);
      begin_turn();
      for (auto& o : seen) record(std::move(o));
      ask_people();
      if (const auto due = x_.wake_at(); due && now_ >= *due && may_launch()) record(TimePassed{});
      decide();
      if (auto kept = end_turn(); !kept) return fail(kept.error());
      if (reconfigured_)
        if (auto kept = edge_.store.flush(); !kept) return fail(kept.error());
      settle();
      if (reconfigured_) return Outcome{Outcome::End::reconfigured, 0};
    }
    if (auto kept = edge_.store.flush(); !kept) return fail(kept.error());
    settle();
    return outcome();
  }

  Result<Done> open() {
    const auto unsettled = x_.unsettled();
    begin_turn();
    for (auto& o : edge_.executor.open(x_.history())) record(std::move(o));
    decide();
    if (auto kept = end_turn(); !kept) return fail(kept.error());
    if (auto kept = edge_.store.flush(); !kept) return fail(kept.error());
    for (const auto& d : unsettled) edge_.executor.carry_out(d, x_.history());
    settle();
    return Done{};
  }

  void begin_turn() {
    now_ = std::max({now_, x_.history().now(), edge_.executor.now()});  // The clock of an earlier process may have been ahead.
    batch_ = std::make_shared<Batch>();
    turn_ = {};
  }

  void record(std::variant<Observation, Decided> fact) {
    Record r{x_.next_seq(), now_, edge_.store.epoch(), std::move(fact)};
    x_.apply(r);
    batch_->records.push_back(std::move(r));
  }

  void ask_people() {
    for (auto& wish : edge_.inbox.take()) {
      if (const auto* request = std::get_if<Requested>(&wish))
        if (const auto objection = x_.objection(*request)) {
          edge_.inbox.refuse(*request, *objection);
          continue;
        }
      reconfigured_ = reconfigured_ || std::holds_alternative<Configured>(wish);
      record(std::move(wish));
    }
  }

  bool may_launch() const { return edge_.inbox.ending() == Inbox::Ending::none && !edge_.store.trouble(); }

  void decide() {
    if (reconfigured_) return;  // The new policies decide.
    for (;;) {
      while (auto d = x_.next(may_launch())) record(std::move(*d));
      if (proposing_ || !may_launch()) {
        if (!proposing_ || !take_proposal(false)) return;
        continue;
      }
      const auto trial = x_.wanted();
      if (!trial) return;
      // In logical order what a proposal has learned must not depend on how long it takes.
      const bool at_once = x_.sampler().quick() || x_.history().spec().logical_order;
      if (!at_once) x_.hold_sampler();
      proposing_ = true;
      edge_.proposer.begin(x_.sampler(), *trial, x_.proposal_stream(*trial));
      if (!take_proposal(at_once)) return;
    }
  }

  bool take_proposal(bool block) {
    auto answer = edge_.proposer.take(block);
    if (!answer) return false;
    proposing_ = false;
    // An enqueued trial may have taken the number meanwhile; the proposal is good for the next one.
    if (answer->proposal)
      record(x_.propose(*answer->proposal, answer->seconds));
    else
      x_.declined();
    x_.release_sampler();
    return true;
  }

  Result<Done> end_turn() {
    turn_.decide_seconds = (edge_.executor.now() - now_).seconds;
    for (const auto& r : batch_->records) ++(r.decided() ? turn_.decisions : turn_.observations);
    if (batch_->records.empty()) return Done{};
    for (const auto id : x_.take_touched()) batch_->trials.push_back(row_of(x_.history().trial(id)));
    batch_->best = x_.history().best();
    pending_.push_back({batch_, edge_.executor.now()});
    return edge_.store.append(std::move(batch_));
  }

  // Carries out and acknowledges what has become durable.
  void settle() {
    const Seq durable = edge_.store.durable();
    while (!pending_.empty() && pending_.front().batch->records.back().seq <= durable) {
      const auto [batch, since] = std::move(pending_.front());
      pending_.pop_front();
      if (!turn_.commit_seconds) turn_.commit_seconds = (edge_.executor.now() - since).seconds;
      for (const auto& r : batch->records)
        if (const auto* d = r.decided()) edge_.executor.carry_out(*d, x_.history());
      for (const auto& r : batch->records) {
        if (const auto* o = r.observation()) {
          edge_.executor.acknowledge(*o);
          edge_.inbox.recorded(*o);
        }
        edge_.watcher.on_durable(r, x_.history());
      }
    }
    turn_.trouble = edge_.store.trouble();
    edge_.watcher.on_turn(turn_, x_.history());
  }

  // Ctrl-C and its kin: each stage once.
  void obey() {
    const auto ending = edge_.inbox.ending();
    if (ending == told_) return;
    told_ = ending;
    if (ending == Inbox::Ending::stop) edge_.executor.shut_down(false);
    if (ending == Inbox::Ending::kill) edge_.executor.shut_down(true);
  }

  std::optional<Error> lost() const {
    const auto trouble = edge_.store.trouble();
    const bool final = trouble && (trouble->code == Error::Code::conflict || trouble->code == Error::Code::corrupt);
    return final ? trouble : std::nullopt;
  }

  bool over() const {
    if (!pending_.empty()) return false;
    if (x_.finished()) return true;
    return edge_.inbox.ending() != Inbox::Ending::none && x_.live() == 0 && !x_.next(false);
  }

  // The store is gone for good: nothing more can be promised, so nothing may go on.
  Error fail(Error why) {
    edge_.executor.shut_down(true);
    auto live = static_cast<std::int64_t>(x_.live());
    for (int i = 0; i < 100 && live > 0; ++i) live -= count_exits(edge_.executor.wait(edge_.executor.now() + Duration{0.1}));
    return why;
  }
  static std::int64_t count_exits(const std::vector<Observation>& seen) {
    std::int64_t n = 0;
    for (const auto& o : seen) n += std::holds_alternative<Exited>(o);
    return n;
  }

  Outcome outcome() const {
    const auto& h = x_.history();
    if (!x_.finished()) return {told_ == Inbox::Ending::kill ? Outcome::End::killed : Outcome::End::interrupted, 0};
    const bool success = h.count(TrialState::complete) + h.count(TrialState::stopped) > 0;
    return {Outcome::End::finished, h.exit_code() ? h.exit_code() : success ? 0 : 3};
  }

  struct Pending {
    std::shared_ptr<const Batch> batch;
    Time since;
  };
  Experiment& x_;
  const Edges& edge_;
  Time now_;
  std::shared_ptr<Batch> batch_;
  std::deque<Pending> pending_;
  Watcher::Turn turn_;
  bool proposing_ = false, reconfigured_ = false;
  Inbox::Ending told_ = Inbox::Ending::none;
};

}  // namespace

Result<Outcome> run(Experiment& experiment, const Edges& edges, Begin begin) { return Loop{experiment, edges}.run(begin); }

}  // namespace tune
