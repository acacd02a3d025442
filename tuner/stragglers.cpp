// SPDX-License-Identifier: Apache-2.0
#include "tuner/stragglers.hpp"

#include <algorithm>
#include <vector>

#include "tuner/instances.hpp"
#include "tuner/options.hpp"
#include "tuner/spec.hpp"

namespace tune {
namespace {

constexpr double kWorthIt = 2;  // Times as long as a copy: it may run on a slow machine, too.
constexpr double kSettled = 0.5;  // Of a whole trial: before, the time that a program takes to start looks like its pace.

template <class T>
T median(std::vector<T> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

void Stragglers::ended(Duration took, std::int64_t steps, std::int64_t last_step) {
  if (steps < 1) return;
  ended_.push_back({took.seconds / static_cast<double>(steps), last_step});
  if (ended_.size() > kRemembered) ended_.pop_front();
}

std::optional<Time> Stragglers::due(const Course& course) const {
  if (ended_.size() < kEnough) return std::nullopt;
  std::vector<double> paces;
  std::vector<std::int64_t> ends;
  for (const auto& [pace, last_step] : ended_) paces.push_back(pace), ends.push_back(last_step);
  const double pace = median(std::move(paces));
  const auto end = static_cast<double>(std::max(median(std::move(ends)), course.last_step + 1));
  const double copy = pace * (end - static_cast<double>(course.copy_from));
  const auto made = static_cast<double>(course.last_step - course.from_step), left = end - static_cast<double>(course.last_step);
  // What is left, at its own pace, takes elapsed / made * left.
  const double elapsed = made > 0 ? kWorthIt * copy * made / left : kWorthIt * copy;
  return course.started + Duration{std::max(elapsed, kSettled * pace * end)};
}

Option speculate_option() {
  return {"speculate", Option::Kind::boolean, "false",
          "A trial that falls far behind the others gets a copy on another worker that is free; the first of both to end counts."};
}

bool speculates(const Spec& spec) { return flag_option(spec.executor.options, "speculate"); }

Result<Done> check_speculation(const Spec& spec) {
  if (!speculates(spec)) return Done{};
  const char* what = spec.gang.ranks > 1 ? "trials of several ranks" : spec.logical_order ? "trials in logical order" : launches_by_instance(spec) ? "trials that run an instance at a time" : nullptr;
  if (!what) return Done{};
  return Error{Error::Code::invalid, std::string{"executor.speculate: "} + what + " get no copies", "leave speculate out"};
}

}  // namespace tune
