// SPDX-License-Identifier: Apache-2.0
#include "search/regularized_evolution.hpp"

#include <algorithm>
#include <cmath>

#include "search/evolution.hpp"
#include "search/variation.hpp"

namespace tune {
namespace detail {
namespace {

// A change of a numeric parameter is normal with a standard deviation drawn between these, evenly in the logarithm, in
// shares of its prior: of all scales one is right, and it changes as the search goes on.
constexpr double kWidest = 0.3, kDecades = 1.5;
constexpr std::size_t kStarts = 10;

double step(Rng& rng) { return kWidest * std::pow(10, -kDecades * rng.uniform()) * rng.normal(); }

RegularizedEvolutionArm::Settings settings_of(const SamplerContext& c) {
  RegularizedEvolutionArm::Settings s;
  if (c.trials) s.population = static_cast<std::size_t>(std::clamp<std::int64_t>(*c.trials / 10, 20, 100));
  if (const Value* v = c.options.find("population")) s.population = static_cast<std::size_t>(*to_number(*v));
  s.tournament = s.population * 5 / 2;
  if (const Value* v = c.options.find("tournament")) s.tournament = static_cast<std::size_t>(*to_number(*v));
  return s;
}

}  // namespace

void RegularizedEvolutionArm::learn(const Record& r, const Trials& trials) {
  const auto remove = [&](TrialId trial) {
    std::erase_if(population_, [&](const Individual& i) { return i.trial == trial; });
  };
  if (const auto gone = Arrivals::withdrawn(r)) remove(*gone);
  for (const auto& individual : arrivals_.learn(r, trials)) {
    remove(individual.trial);
    population_.push_back(individual);
    if (population_.size() > settings_.population) population_.pop_front();
  }
}

std::optional<Suggestion> RegularizedEvolutionArm::suggest(const Trials&, TrialId, Rng rng) const {
  if (population_.empty()) return std::nullopt;
  const Individual* parent = nullptr;
  for (std::size_t k = 0; k < settings_.tournament; ++k) {
    const Individual& one = population_[rng.below(population_.size())];
    if (!parent || one.better_than(*parent)) parent = &one;
  }
  if (!std::isfinite(parent->values.front())) return std::nullopt;  // Nothing worked yet.
  Suggestion s;
  s.point = parent->point;
  const auto active = std::count(s.point.active.begin(), s.point.active.end(), 1);
  if (active == 0) return std::nullopt;
  auto which = rng.below(static_cast<std::uint64_t>(active));
  std::size_t axis = 0;
  while (!s.point.active[axis] || which-- > 0) ++axis;
  const double from = s.point.at[axis];
  s.point.at[axis] = axes_[axis].kind == Axis::Kind::categorical
                         ? other_category(axes_, axis, from, rng)
                         : move_to(axes_, axis, from, std::clamp(from + step(rng), 0.0, 1.0), rng);
  wake(axes_, s.point, rng);
  const auto id = parent->trial.value;
  s.why = (id < 0 ? std::string{"an imported trial"} : "trial " + std::to_string(id)) + " with another " +
          axes_.dimension(axis).name;
  s.note = NoteWriter{}.set("parent", static_cast<double>(id)).set("changed", axes_.dimension(axis).name).take();
  return s;
}

}  // namespace detail

SamplerEntry regularized_evolution_sampler() {
  return {{"regularized_evolution",
           "Changes one parameter of the best of a few recent trials; the oldest are forgotten.",
           {{"population", Option::Kind::integer, "", "How many of the newest trials can be parents.", 2, 100'000},
            {"tournament", Option::Kind::integer, "", "Of how many drawn trials the best becomes the parent.", 1, 100'000}}},
          [](const SamplerContext& c) {
            return detail::evolution_sampler<detail::RegularizedEvolutionArm, detail::settings_of>(
                c, "regularized_evolution", detail::kStarts);
          }};
}

}  // namespace tune
