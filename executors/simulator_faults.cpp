// SPDX-License-Identifier: Apache-2.0
// What goes wrong in a simulation: an attempt's one fault, and workers that are lost and come back.
#include <algorithm>
#include <cmath>

#include "executors/simulator.hpp"

namespace tune {

void Simulator::draw_fault(TrialId trial, Attempt& a) const {
  const auto& f = options_.faults;
  if (f.crash + f.lost + f.late + f.hang + f.preempt <= 0) return;
  Rng rng{options_.seed, Purpose::fault, trial.value, -a.number};
  double u = rng.uniform();
  for (const auto& [fault, chance] : {std::pair{Fault::crash, f.crash},
                                      {Fault::lost, f.lost},
                                      {Fault::late, f.late},
                                      {Fault::hang, f.hang},
                                      {Fault::preempt, f.preempt}}) {
    if (u < chance) {
      a.fault = fault;
      break;
    }
    u -= chance;
  }
  const auto steps = std::max<std::int64_t>(1, a.course.steps - a.step);
  a.fault_step = a.step + 1 + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(steps)));
}

// True: the step does not take place as planned.
bool Simulator::fail(TrialId trial, Attempt& a) {
  switch (a.fault) {
    case Fault::none:
      return false;
    case Fault::crash:
      end(trial, a, Cause::exit);
      return true;
    case Fault::lost:
      end(trial, a, Cause::lost);
      return true;
    case Fault::late:
      if (a.copy) return end(trial, a, Cause::lost), true;
      a.speaks_again = true;
      end(trial, a, Cause::lost);
      schedule(now_.seconds + options_.step_seconds / 2, trial, a.number, What::late_report);
      return true;
    case Fault::preempt:
      leave(trial, a, Cause::preempted);
      return true;
    case Fault::hang:
      a.phase = Phase::hung;
      schedule_word(now_.seconds + options_.silence_seconds, trial, a, What::give_up, now_.seconds);
      return true;
  }
  return false;
}

void Simulator::schedule_loss(std::size_t worker) {
  if (options_.faults.worker_loss <= 0) return;
  Rng rng{options_.seed, Purpose::fault, -1 - static_cast<std::int64_t>(worker), workers_[worker].losses};
  const double hours = -std::log1p(-rng.uniform()) / options_.faults.worker_loss;
  schedule(now_.seconds + 3600 * hours, {static_cast<std::int64_t>(worker)}, 0, What::worker_lost);
}

void Simulator::lose(std::size_t worker) {
  Worker& w = workers_[worker];
  w.up = false;
  ++w.losses;
  out_.push_back(WorkerLost{{static_cast<std::int64_t>(worker)}, "simulated loss", ""});
  lose_copies(worker);
  for (const TrialId trial : under_way())
    if (Attempt& a = attempts_.at(trial); std::find(a.workers.begin(), a.workers.end(), worker) != a.workers.end()) end(trial, a, Cause::lost);
  w.free = 0;
  if (options_.repair_seconds > 0)
    schedule(now_.seconds + options_.repair_seconds, {static_cast<std::int64_t>(worker)}, 0, What::worker_back);
}

void Simulator::bring_back(std::size_t worker) {
  Worker& w = workers_[worker];
  w.up = true;
  w.free = options_.slots;
  WorkerJoined joined;
  joined.worker = {static_cast<std::int64_t>(worker)};
  joined.name = "simulated-" + std::to_string(worker);
  joined.offers = offer();
  joined.labels = spec_.required_labels;
  out_.push_back(std::move(joined));
  schedule_loss(worker);
}

}  // namespace tune
