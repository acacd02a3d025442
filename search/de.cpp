// SPDX-License-Identifier: Apache-2.0
#include "search/de.hpp"

#include <algorithm>
#include <cmath>

#include "search/evolution.hpp"
#include "search/variation.hpp"

namespace tune {
namespace detail {
namespace {

constexpr std::size_t kFewest = 4;  // A target and three others.

DifferentialEvolutionArm::Settings settings_of(const SamplerContext& c) {
  DifferentialEvolutionArm::Settings s;
  const auto number = [&](std::string_view name, auto& into) {
    if (const Value* v = c.options.find(name)) into = static_cast<std::decay_t<decltype(into)>>(*to_number(*v));
  };
  if (c.trials) s.population = static_cast<std::size_t>(std::clamp<std::int64_t>(*c.trials / 16, 8, 16));
  number("population", s.population);
  number("weight", s.weight);
  number("crossover", s.crossover);
  if (const Value* v = c.options.find("strategy")) s.to_best = to_text(*v) == "current_to_best";
  if (const Value* v = c.options.find("boundary")) s.midpoint = to_text(*v) == "midpoint";
  return s;
}

}  // namespace

std::size_t DifferentialEvolutionArm::slot_of(TrialId trial) const {
  const auto i = static_cast<std::size_t>(trial.value);
  return trial.value >= 0 && i < slots_.size() && slots_[i] > 0 ? slots_[i] - 1 : kNone;
}

void DifferentialEvolutionArm::learn(const Record& r, const Trials& trials) {
  if (const auto note = own_note(r, "de", true)) {
    const double slot = note->number("slot").value_or(-1);
    if (slot >= 0 && slot < static_cast<double>(asked_.size())) {
      const auto trial = static_cast<std::size_t>(r.as<Propose>()->trial.value);
      if (trial >= slots_.size()) slots_.resize(trial + 1, 0);
      slots_[trial] = static_cast<std::uint32_t>(slot) + 1;
      ++asked_[static_cast<std::size_t>(slot)];
    }
  }
  if (const auto gone = Arrivals::withdrawn(r))  // Its slot is free to whoever comes.
    for (Individual& m : members_)
      if (m.trial == *gone) m.shortfall = HUGE_VAL, std::fill(m.values.begin(), m.values.end(), HUGE_VAL);
  for (const auto& individual : arrivals_.learn(r, trials)) arrive(individual);
}

void DifferentialEvolutionArm::arrive(const Individual& individual) {
  for (Individual& m : members_)
    if (m.trial == individual.trial) {
      m = individual;
      return;
    }
  const std::size_t slot = slot_of(individual.trial);
  if (slot == kNone && members_.size() < settings_.population) {
    members_.push_back(individual);
    asked_.push_back(0);
    return;
  }
  const auto worse = [](const Individual& a, const Individual& b) { return b.better_than(a); };
  Individual& target = slot != kNone ? members_[slot] : *std::min_element(members_.begin(), members_.end(), worse);
  // A challenger takes the slot of an equal, so that the population can walk over plateaus; an outsider does not.
  if (slot != kNone ? !target.better_than(individual) : individual.better_than(target)) target = individual;
}

std::size_t DifferentialEvolutionArm::best() const {
  const auto better = [](const Individual& a, const Individual& b) { return a.better_than(b); };
  return static_cast<std::size_t>(std::min_element(members_.begin(), members_.end(), better) - members_.begin());
}

double DifferentialEvolutionArm::within(double coordinate, double target, Rng& rng) const {
  if (coordinate >= 0 && coordinate <= 1) return coordinate;
  return settings_.midpoint ? (target + (coordinate < 0 ? 0 : 1)) / 2 : rng.uniform();
}

/// Axis by axis. A category is the base's, or with probability F any where the two others differ: the difference of
/// categories says only whether there is one. A parameter that is not active in a point has no difference to others.
Point DifferentialEvolutionArm::mutant(const Point& base, const Point& target, const Point& plus, const Point& minus,
                                       const Point* best, Rng& rng) const {
  Point p = base;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const bool known = plus.active[i] && minus.active[i];
    if (!base.active[i]) {
      p.at[i] = target.active[i] ? target.at[i] : axes_.coordinate(i, rng.uniform());
    } else if (axes_[i].kind == Axis::Kind::categorical) {
      if (best && best->active[i] && rng.uniform() < settings_.weight) p.at[i] = best->at[i];
      if (known && plus.at[i] != minus.at[i] && rng.uniform() < settings_.weight)
        p.at[i] = static_cast<double>(rng.below(static_cast<std::uint64_t>(axes_[i].levels)));
    } else {
      if (best && best->active[i]) p.at[i] += settings_.weight * (best->at[i] - base.at[i]);
      if (known) p.at[i] += settings_.weight * (plus.at[i] - minus.at[i]);
      p.at[i] = within(p.at[i], target.active[i] ? target.at[i] : base.at[i], rng);
    }
  }
  return p;
}

std::optional<Suggestion> DifferentialEvolutionArm::suggest(const Trials&, TrialId, Rng rng) const {
  if (members_.size() < kFewest || axes_.size() == 0) return std::nullopt;
  const std::size_t leader = best();
  if (!std::isfinite(members_[leader].values.front())) return std::nullopt;  // Nothing worked yet.
  const auto slot = static_cast<std::size_t>(std::min_element(asked_.begin(), asked_.end()) - asked_.begin());
  std::size_t chosen[kFewest] = {slot};
  for (std::size_t k = 1; k < kFewest;) {
    chosen[k] = static_cast<std::size_t>(rng.below(members_.size()));
    if (std::find(chosen, chosen + k, chosen[k]) == chosen + k) ++k;
  }
  const auto& target = members_[slot].point;
  const auto at = [&](std::size_t k) -> const Point& { return members_[chosen[k]].point; };
  const Point mutated = settings_.to_best ? mutant(target, target, at(2), at(3), &members_[leader].point, rng)
                                          : mutant(at(1), target, at(2), at(3), nullptr, rng);
  Suggestion s;
  s.point = target;
  wake(axes_, s.point, rng);
  const auto forced = static_cast<std::size_t>(rng.below(axes_.size()));
  for (std::size_t i = 0; i < axes_.size(); ++i)
    if (i == forced || rng.uniform() < settings_.crossover) s.point.at[i] = mutated.at[i];
  const auto id = members_[slot].trial.value;
  s.why = "challenges " + (id < 0 ? std::string{"an imported trial"} : "trial " + std::to_string(id)) + " for slot " +
          std::to_string(slot);
  s.note = NoteWriter{}.set("slot", static_cast<double>(slot)).set("generation", static_cast<double>(asked_[slot])).take();
  return s;
}

}  // namespace detail

SamplerEntry de_sampler() {
  return {{"de",
           "Differential evolution: points challenge each other along their differences.",
           {{"population", Option::Kind::integer, "", "How many points challenge each other.", 4, 10'000},
            {"weight", Option::Kind::number, "0.5", "F: how much of a difference is added.", 0, 2},
            {"crossover", Option::Kind::number, "0.7", "CR: probability that a coordinate is changed.", 0, 1},
            {"strategy", Option::Kind::text, "\"current_to_best\"",
             "What a difference is added to: the target drawn to the best, or any member.", 0, 0,
             {"current_to_best", "rand"}},
            {"boundary", Option::Kind::text, "\"reset\"",
             "What leaves the space comes back anywhere, or between target and bound.", 0, 0,
             {"reset", "midpoint"}}}},
          [](const SamplerContext& c) {
            return detail::evolution_sampler<detail::DifferentialEvolutionArm, detail::settings_of>(
                c, "de", detail::settings_of(c).population);
          }};
}

}  // namespace tune
