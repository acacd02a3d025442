// SPDX-License-Identifier: Apache-2.0
#include "search/arm.hpp"

#include <algorithm>

namespace tune {
namespace {

// Moves one random axis after another: another category, a level or two up or down, a tenth of a real axis.
void mutate(Point& p, const Axes& axes, int coordinates, Rng& rng) {
  for (int k = 0; k < coordinates; ++k) {
    const auto i = static_cast<std::size_t>(rng.below(axes.size()));
    switch (axes[i].kind) {
      case Axis::Kind::real:
        p.at[i] += 0.1 * rng.normal();
        break;
      case Axis::Kind::ordered:
        p.at[i] = axes.neighbour(i, p.at[i], static_cast<int>(1 + rng.below(2)) * (rng.below(2) ? 1 : -1));
        break;
      case Axis::Kind::categorical: {
        const auto other = static_cast<double>(rng.below(static_cast<std::uint64_t>(axes[i].levels - 1)));
        p.at[i] = other < p.at[i] ? other : other + 1;
        break;
      }
    }
  }
}

constexpr int kMutations = 200, kPerCoordinate = 25;

}  // namespace

ArmSampler::ArmSampler(const SamplerContext& c, ArmSettings settings,
                       std::unique_ptr<Arm> (*make)(const Axes&, const SamplerContext&))
    : axes_(c.space), trials_(axes_, c.objectives, c.outcome_constraints), seen_(c.space),
      start_(axes_, c.seed), settings_(std::move(settings)), arm_(make(axes_, c)) {
  if (axes_.discrete()) settings_.guard = false;  // There nothing is tried twice, which keeps off plateaus as well.
}

void ArmSampler::learn(const Record& r) {
  seen_.learn(r);
  if (const auto* changed = trials_.learn(r); changed && settings_.guard) guard_.learn(trials_, *changed);
  arm_->learn(r, trials_);
}

bool ArmSampler::begins() const {
  const auto starts = static_cast<std::size_t>(settings_.starts);
  // Many workers ask before anything is finished: half of the design must have told something.
  return trials_.proposed() + trials_.imported() < starts || trials_.finished() < (starts + 1) / 2;
}

Suggestion ArmSampler::first(TrialId trial, Rng& rng) const {
  const auto number = static_cast<std::uint32_t>(trial.value);
  if (settings_.independent) return {start_.random(rng), "to begin with, drawn at random", {}, {}};
  if (number == 0 && settings_.centre) return {start_.centre(), "to begin with, the middle of the space", {}, {}};
  return {start_.point(number), "to begin with, point " + std::to_string(number) + " of an even design", {}, {}};
}

Suggestion ArmSampler::expected(Rng& rng) const {
  auto p = axes_.encode(axes_.prior().draw(rng));
  return {p ? std::move(*p) : start_.random(rng), "drawn from the priors of the config", {}, {}};
}

bool ArmSampler::fits(const Point& p) const {
  return axes_.allows(p) && (settings_.repeats || !trials_.contains(p));
}

bool ArmSampler::settle(Point& p, std::string& moved, Rng& rng) const {
  axes_.snap(p);
  if (settings_.guard && guard_.move(p, trials_, rng)) moved = "tie";
  if (fits(p)) return true;
  if (axes_.size() == 0) return false;
  moved = axes_.allows(p) ? "repeat" : "constraint";
  const Point from = p;
  for (int i = 0; i < kMutations; ++i) {
    p = from;
    mutate(p, axes_, 1 + i / kPerCoordinate, rng);
    axes_.snap(p);
    if (fits(p)) return true;
  }
  for (int i = 0; i < detail::kMostTries; ++i)
    if (p = start_.random(rng); fits(p)) return true;
  return false;
}

std::optional<Sampler::Proposal> ArmSampler::last(Rng& rng) const {
  auto params = seen_.unseen(rng.next());
  if (!params) return std::nullopt;
  return Proposal{std::move(*params), "one of the last that were not tried", {}, {}};
}

std::optional<Sampler::Proposal> ArmSampler::propose(TrialId trial, Rng rng) const {
  if (seen_.exhausted()) return std::nullopt;
  std::optional<Suggestion> s;
  std::string arm = settings_.name;
  const auto known = static_cast<std::int64_t>(trials_.proposed() + trials_.imported());
  if (axes_.prior().given() && rng.uniform() < prior_draw_chance(known))
    s = expected(rng), arm = "prior";
  else if (!begins())
    s = arm_->suggest(trials_, trial, rng);
  if (!s) s = first(trial, rng), arm = "start";
  std::string moved;
  // Nearly all of a finite space is used up: what is left is easier found by walking.
  if (!settle(s->point, moved, rng)) return last(rng);
  std::string note = "{";
  if (s->note.find("\"arm\":") == std::string::npos) note += "\"arm\":\"" + arm + "\"" + (s->note.empty() ? "" : ",");
  note += s->note;
  if (!moved.empty()) {
    note += ",\"moved\":\"" + moved + "\"";
    s->why += moved == "tie"      ? "; moved off a plateau"
              : moved == "repeat" ? "; moved, for it was tried before"
                                  : "; moved to hold the constraints";
  }
  return Proposal{axes_.decode(s->point), std::move(s->why), note + "}", s->chance};
}

}  // namespace tune
