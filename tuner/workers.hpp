// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "tuner/facts.hpp"
#include "tuner/placement.hpp"

namespace tune {

/// What a record means for who is there: the one fold of workers that come, change, are set aside, drain and go. Other records
/// change nothing. Seats are the caller's: they are taken and given back by whoever follows launches. O(log workers).
void follow_workers(Placement&, const Record&);

}  // namespace tune
