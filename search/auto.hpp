// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <map>
#include <memory>
#include <vector>

#include "search/local.hpp"
#include "search/pace.hpp"
#include "search/turns.hpp"

namespace tune {

/// The default: several models of the same trials take turns, which ones and how often depends on the kind of space
/// (search/turns.hpp). A model of the whole space finds the right basin and the right categories, a local one finds the
/// bottom, an estimator of densities keeps both from standing still. What one of them finds, all of them learn.
///
/// Whose turn it is follows from how many proposals were made; when the models take more than a twentieth of a trial's time
/// (search/pace.hpp), cheaper arms have their turns until trials take longer. The note says who spoke, at which turn and for
/// what kind of space; the sentence says why.
class AutoArm final : public Arm {
 public:
  AutoArm(const Axes&, const SamplerContext&);
  void learn(const Record&, const Trials&) override;
  std::optional<Suggestion> suggest(const Trials&, TrialId, Rng) const override;
  bool quick() const override { return false; }

 private:
  const Arm& arm(detail::ArmKind k) const { return *arms_.at(k); }

  detail::Situation space_;
  std::map<detail::ArmKind, std::unique_ptr<Arm>> arms_;
  const LocalArm* local_ = nullptr;  // One of arms_, if it is there.
  detail::Pace pace_;
  std::size_t turn_ = 0;
};

SamplerEntry auto_sampler();

}  // namespace tune
