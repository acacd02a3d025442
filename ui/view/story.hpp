// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// What a record means, as a sentence for people; printable. Empty: not worth telling.
std::string sentence(const Record&, const Spec&);
/// Why, in the words of whoever decided. Empty for observations.
std::string reason_text(const Record&);

/// The story of one trial from the facts about it, oldest first: a line a fact with the seconds since the first, and
/// under a decision its reason.
std::string story(const std::vector<Record>& facts, const Spec&, bool colour);

}  // namespace tune
