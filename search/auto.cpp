// SPDX-License-Identifier: Apache-2.0
#include "search/auto.hpp"

#include <algorithm>

#include "search/cmaes.hpp"
#include "search/gp/arm.hpp"
#include "search/tpe.hpp"

namespace tune {

using detail::ArmKind;

AutoArm::AutoArm(const Axes& axes, const SamplerContext& c) : space_(detail::situation(axes, c.objectives.size())) {
  arms_[ArmKind::tpe] = std::make_unique<TpeArm>(axes, c.objectives.size(), TpeSettings{.budget = c.trials});
  GpSettings gp;
  gp.min_improvement = c.min_improvement, gp.budget = c.trials;
  if (const Value* cost = c.options.find("cost_aware")) gp.cost_aware = std::get<bool>(*cost);
  arms_[ArmKind::gp] = std::make_unique<GpArm>(axes, gp);
  if (c.objectives.size() > 1) return;
  arms_[ArmKind::cma] = cma_arm(axes, c.seed, {.incumbent = true});
  auto local = std::make_unique<LocalArm>(axes);
  local_ = local.get();
  arms_[ArmKind::local] = std::move(local);
}

void AutoArm::learn(const Record& r, const Trials& trials) {
  for (auto& [kind, arm] : arms_) arm->learn(r, trials);
  const auto* p = r.as<Propose>();
  bool heavy = false;
  if (p && p->source == "sampler") {
    const detail::NoteReader note{r.decided()->reason.note};
    if (note.number("turn")) ++turn_;
    heavy = note.text("arm") == detail::name_of(ArmKind::gp);
  }
  pace_.learn(r, heavy);
}

std::optional<Suggestion> AutoArm::suggest(const Trials& trials, TrialId trial, Rng rng) const {
  detail::Situation now = space_;
  now.finished = trials.finished();
  now.partial = trials.partial();
  now.pending = trials.pending();
  now.dear = pace_.dear();
  const detail::Turns turns = detail::turns(now);
  for (const ArmKind k : detail::order(turns.cycle, turn_, local_ ? local_->fails(trials) : 0)) {
    auto s = arm(k).suggest(trials, trial, rng);
    if (!s) continue;
    const std::string own = s->note;
    s->note = detail::NoteWriter{}
                  .set("arm", detail::name_of(k))
                  .set("turn", static_cast<double>(turn_))
                  .set("for", turns.why)
                  .take();
    if (!own.empty()) s->note += "," + own;
    const std::string_view turn = turns.cycle.size() > 1 ? "'s turn" : "";
    s->why = std::string{detail::title_of(k)} + std::string{turn} + " (" + std::string{turns.why} + "): " + s->why;
    return s;
  }
  return std::nullopt;
}

SamplerEntry auto_sampler() {
  return {{"auto", "Models that take turns, chosen by the kind of space: the default.", {cost_option()}, true},
          [](const SamplerContext& c) -> Result<std::unique_ptr<Sampler>> {
            if (const auto bad = no_budget_for_cost(c)) return *bad;
            const auto starts = std::clamp<std::size_t>(c.space.size() / 2 + 2, 5, 10);
            const ArmSettings settings{.name = "auto", .starts = static_cast<int>(starts)};
            return std::unique_ptr<Sampler>(std::make_unique<ArmSampler>(
                c, settings, [](const Axes& axes, const SamplerContext& context) -> std::unique_ptr<Arm> {
                  return std::make_unique<AutoArm>(axes, context);
                }));
          }};
}

}  // namespace tune
