// SPDX-License-Identifier: Apache-2.0
#include "search/nsga2.hpp"

#include <algorithm>
#include <cmath>

#include "search/variation.hpp"

namespace tune {
namespace detail {
namespace {

bool finite(std::span<const double> row) {
  return std::all_of(row.begin(), row.end(), [](double v) { return std::isfinite(v); });
}

/// The lonely stay: those far from their neighbours in the front.
class Crowding final : public Survival {
 public:
  std::size_t leaves(const Outcomes& outcomes, const std::vector<std::size_t>&,
                     const std::vector<std::size_t>& last) const override {
    const auto distance = crowding_distances(outcomes, last);
    // Of equals the oldest leaves.
    return static_cast<std::size_t>(std::min_element(distance.begin(), distance.end()) - distance.begin());
  }
  std::vector<double> preferences(const Outcomes& outcomes,
                                  const std::vector<std::vector<std::size_t>>& fronts) const override {
    std::vector<double> result(outcomes.size());
    for (const auto& front : fronts) {
      const auto distance = crowding_distances(outcomes, front);
      for (std::size_t k = 0; k < front.size(); ++k) result[front[k]] = distance[k];
    }
    return result;
  }
};

}  // namespace

void NsgaArm::learn(const Record& r, const Trials& trials) {
  if (const auto gone = Arrivals::withdrawn(r)) remove(*gone), settle(trials);
  for (const auto& individual : arrivals_.learn(r, trials)) {
    remove(individual.trial);
    population_.push_back(individual);
    ++arrived_;
    settle(trials);
  }
}

void NsgaArm::remove(TrialId trial) {
  std::erase_if(population_, [&](const Individual& i) { return i.trial == trial; });
}

/// Back to its size, ranks and preferences computed.
void NsgaArm::settle(const Trials& trials) {
  Outcomes outcomes(trials.objectives());
  std::vector<double> shortfalls;
  const auto look = [&] {
    outcomes = Outcomes(trials.objectives());
    shortfalls.clear();
    for (const auto& i : population_) outcomes.add(i.values), shortfalls.push_back(i.shortfall);
    ranks_ = ranks(outcomes, shortfalls);
  };
  look();
  while (population_.size() > settings_.population) {
    const auto all = fronts(ranks_);
    const auto& last = all.back();
    const auto unknown = std::find_if(last.begin(), last.end(), [&](std::size_t i) { return !finite(outcomes[i]); });
    std::vector<std::size_t> before;
    for (std::size_t f = 0; f + 1 < all.size(); ++f) before.insert(before.end(), all[f].begin(), all[f].end());
    const std::size_t gone = unknown != last.end() ? *unknown : last[survival_->leaves(outcomes, before, last)];
    population_.erase(population_.begin() + static_cast<std::ptrdiff_t>(gone));
    look();
  }
  preferences_ = survival_->preferences(outcomes, fronts(ranks_));
}

std::size_t NsgaArm::tournament(Rng& rng) const {
  const auto a = static_cast<std::size_t>(rng.below(population_.size()));
  const auto b = static_cast<std::size_t>(rng.below(population_.size()));
  if (ranks_[a] != ranks_[b]) return ranks_[a] < ranks_[b] ? a : b;
  return preferences_[a] >= preferences_[b] ? a : b;
}

std::optional<Suggestion> NsgaArm::suggest(const Trials&, TrialId, Rng rng) const {
  const auto known = [](const Individual& i) { return std::isfinite(i.values.front()); };
  if (std::none_of(population_.begin(), population_.end(), known)) return std::nullopt;
  const Individual& mother = population_[tournament(rng)];
  const Individual& father = population_[tournament(rng)];
  const bool crossed = &mother != &father && rng.uniform() < settings_.crossover;
  Suggestion s;
  if (crossed) {
    s.point = recombine(axes_, mother.point, father.point, rng);
  } else {
    s.point = mother.point;
    wake(axes_, s.point, rng);
  }
  const double rate = settings_.mutation.value_or(1 / static_cast<double>(std::max<std::size_t>(axes_.size(), 1)));
  mutate(axes_, s.point, rate, !crossed, rng);
  const auto named = [](const Individual& i) {
    return i.trial.value < 0 ? std::string{"an imported trial"} : "trial " + std::to_string(i.trial.value);
  };
  s.why = crossed ? "child of " + named(mother) + " and " + named(father) : "mutation of " + named(mother);
  std::vector<double> parents{static_cast<double>(mother.trial.value)};
  if (crossed) parents.push_back(static_cast<double>(father.trial.value));
  s.note = NoteWriter{}
               .set("generation", static_cast<double>(arrived_ / settings_.population))
               .set("parents", parents)
               .take();
  return s;
}

std::vector<Option> nsga_options() {
  return {{"population", Option::Kind::integer, "", "How many trials are kept as parents.", 4, 10'000},
          {"crossover", Option::Kind::number, "0.9", "Probability that a child has two parents.", 0, 1},
          {"mutation", Option::Kind::number, "", "Probability that a coordinate changes; 1/d by default.", 0, 1}};
}

NsgaArm::Settings nsga_settings(const SamplerContext& c) {
  NsgaArm::Settings s;
  const auto number = [&](std::string_view name) {
    const Value* v = c.options.find(name);
    return v ? to_number(*v) : std::nullopt;
  };
  if (c.trials) s.population = static_cast<std::size_t>(std::clamp<std::int64_t>(*c.trials / 20, 12, 50));
  if (const auto n = number("population")) s.population = static_cast<std::size_t>(*n);
  if (const auto p = number("crossover")) s.crossover = *p;
  if (const auto p = number("mutation")) s.mutation = *p;
  return s;
}

}  // namespace detail

SamplerEntry nsga2_sampler() {
  return {{"nsga2", "A genetic algorithm for several objectives: non-dominated sorting and crowding.", detail::nsga_options()},
          [](const SamplerContext& c) -> Result<std::unique_ptr<Sampler>> {
            ArmSettings settings{.name = "nsga2"};
            settings.starts = static_cast<int>(detail::nsga_settings(c).population);
            return std::unique_ptr<Sampler>(std::make_unique<ArmSampler>(
                c, settings, +[](const Axes& axes, const SamplerContext& context) -> std::unique_ptr<Arm> {
                  return std::make_unique<detail::NsgaArm>(axes, "nsga2", detail::nsga_settings(context),
                                                           std::make_unique<detail::Crowding>());
                }));
          }};
}

}  // namespace tune
