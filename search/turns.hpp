// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "search/axes.hpp"

/// Which arms `auto` asks, and in what order: rules without state, so that they can be read and tested alone.
namespace tune::detail {

enum class ArmKind : std::uint8_t { local, gp, tpe, cma };
/// The arm's name, as in notes.
std::string_view name_of(ArmKind);
/// As in sentences: "local model".
std::string_view title_of(ArmKind);

/// What the choice depends on.
struct Situation {
  std::size_t axes = 0;
  std::size_t numeric = 0;     ///< Axes with an order.
  std::size_t categories = 0;  ///< Values of all axes without one.
  bool discrete = false;       ///< No real axis.
  std::size_t objectives = 1;
  std::size_t finished = 0;    ///< Trials.
  std::size_t partial = 0;     ///< Of those, trials that a scheduler has ended early or paused.
  std::size_t pending = 0;     ///< Trials.
  bool dear = false;           ///< The models cost too much of a trial's time.
};
Situation situation(const Axes&, std::size_t objectives);

struct Turns {
  std::vector<ArmKind> cycle;  ///< Asked round and round; never empty.
  std::string_view why;        ///< What about the situation decided it, for people.
};
Turns turns(const Situation&);

/// Who is asked at this turn, first choice first: the others are there for when an arm has nothing to say. After four
/// steps in a row that failed, the local arm gets only every third of its turns.
std::vector<ArmKind> order(const std::vector<ArmKind>& cycle, std::size_t turn, int local_fails);

}  // namespace tune::detail
