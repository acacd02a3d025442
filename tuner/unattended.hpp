// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "tuner/tuner.hpp"

/// The edges of a loop that nobody steers: for simulations, benchmarks and programs that only want the result.
namespace tune {

struct NobodyAsks final : Inbox {
  std::vector<Observation> take() override { return {}; }
  void refuse(const Requested&, const Error&) override {}
  void recorded(const Observation&) override {}
  Ending ending() const override { return Ending::none; }
};

/// On the loop's own thread. Takes no time by the record, so that virtual time stays virtual.
struct ProposesAtOnce final : Proposer {
  void begin(const Sampler& s, TrialId t, Rng rng) override { answer_ = Answer{t, s.propose(t, rng), 0}; }
  std::optional<Answer> take(bool) override { return std::exchange(answer_, std::nullopt); }

 private:
  std::optional<Answer> answer_;
};

}  // namespace tune
