// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "ui/api/sweep.hpp"

namespace tune {

/// An experiment that is driven from outside: somebody else runs the trials, asks for parameters and tells what came out.
///
///     auto opened = tune::AskTell::open(spec);
///     while (const auto trial = *(*opened)->ask())
///       (*opened)->tell(trial->id, {{{"loss", measure(trial->params)}}});
///
/// The same facts, decisions, samplers, schedulers and store as in a sweep; an ask is a free slot. So everything that
/// works on a sweep works here: the experiment survives kill -9, `tune ls`, `best`, `explain` and `replay --verify` know
/// it, and schedulers may end a trial early or give a paused one out again with a larger `until_step`.
///
/// What a call returns is durable. Owns the experiment from open() to destruction; other processes wait for it
/// (SweepOptions::patience), so that many may ask in turn. Any thread; calls are served one after another. A call costs
/// one commit and what the sampler takes; open() folds the journal.
class AskTell {
 public:
  /// Creates the experiment that `spec` names, or opens it. As Sweep::open(). invalid too: `"order": "logical"`, where
  /// what is proposed waits for virtual slots that nobody fills here.
  static Result<std::unique_ptr<AskTell>> open(Spec spec, SweepOptions options = {});
  /// As Sweep::open_existing().
  static Result<std::unique_ptr<AskTell>> open_existing(const std::string& name, SweepOptions options = {});

  /// A trial in somebody's hands.
  struct Asked {
    TrialId id;
    int attempt = 0;                     ///< Above 1: it was given out before.
    Params params;
    std::int64_t until_step = kNoStep;   ///< It may go on up to here; then tell() what was reached.
    std::int64_t last_step = 0;          ///< That it had reached when it was paused.
    std::string why;                     ///< Why these parameters, in one sentence.
  };
  /// The next trial. nullopt: there is none, and reason() says why. Trials that were given out longer than `lease` ago and
  /// not told of are taken back first, and given out before new ones.
  Result<std::optional<Asked>> ask(std::optional<Duration> lease = {});
  /// Why the last ask() gave nothing. `over`: no ask will, unless the settings change.
  struct Nothing {
    bool over = false;
    std::string why;
  };
  const Nothing& reason() const { return nothing_; }

  enum class Order : std::uint8_t { go_on, stop, pause };
  /// A value on the way. Steps count from 1 and only grow. After `stop` or `pause` tell() the end.
  /// not_found, conflict (the trial is in nobody's hands) or invalid (no value of the objective).
  Result<Order> report(TrialId, std::int64_t step, const Metrics&);

  /// How a trial ended.
  struct Told {
    Metrics metrics = {};                   ///< May be empty if report() had the objectives.
    std::optional<std::int64_t> step = {};  ///< Of `metrics`; the next one if absent.
    Cause cause = Cause::done;              ///< done, exit (it failed), infeasible, cancelled, lost (give it out again).
    std::string text = {};                  ///< For people.
  };
  /// The state that the trial is in now. Errors as report(). `paused` and `queued` trials will be given out again.
  Result<TrialState> tell(TrialId, const Told&);

  /// A look at the experiment, not under way of another call: do not keep it across one.
  const History& history() const { return sweep_->history(); }
  const Spec& spec() const { return sweep_->spec(); }
  bool resumed() const { return resumed_; }

 private:
  explicit AskTell(std::unique_ptr<Sweep> sweep) : sweep_(std::move(sweep)), resumed_(sweep_->resumed()) {}
  static Result<std::unique_ptr<AskTell>> begin(Result<std::unique_ptr<Sweep>> opened);
  void offer_room(Turn&) const;
  void take_back(Turn&, Duration lease) const;
  void explain_nothing(const Experiment&);
  std::optional<Error> objection(TrialId) const;
  std::optional<Error> objection(const Trial&, std::int64_t step, const Metrics&) const;

  std::mutex mutex_;
  std::unique_ptr<Sweep> sweep_;
  const bool resumed_;
  Nothing nothing_;
};

}  // namespace tune
