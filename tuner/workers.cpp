// SPDX-License-Identifier: Apache-2.0
#include "tuner/workers.hpp"

namespace tune {

void follow_workers(Placement& places, const Record& record) {
  if (record.as<Opened>()) {
    places.leave_all();
  } else if (const auto* joined = record.as<WorkerJoined>()) {
    places.label(joined->worker, joined->labels);
    places.join(joined->worker, joined->offers, joined->group);
  } else if (const auto* lost = record.as<WorkerLost>()) {
    places.leave(lost->worker);
  } else if (const auto* changed = record.as<WorkerChanged>()) {
    if (changed->offers) places.rejoin(changed->worker, *changed->offers);
    if (changed->state == "ready") places.take_back(changed->worker);
    if (changed->state == "suspect" || changed->state == "cordoned" || changed->state == "quarantined") places.set_aside(changed->worker);
    if (changed->state == "draining") places.leave(changed->worker);
  }
}

}  // namespace tune
