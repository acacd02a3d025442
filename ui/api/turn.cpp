// SPDX-License-Identifier: Apache-2.0
#include "ui/api/turn.hpp"

#include <chrono>

namespace tune {

void Turn::record(std::variant<Observation, Decided> fact) {
  batch_->records.push_back({x_.next_seq(), now_, epoch_, std::move(fact)});
  x_.apply(batch_->records.back());
}

void Turn::observe(Observation o) { record(std::move(o)); }

void Turn::decide() {
  while (auto d = x_.next(false)) record(std::move(*d));
}

const Decided* Turn::decide_one() {
  if (auto d = x_.next()) {
    record(std::move(*d));
    return batch_->records.back().decided();
  }
  const auto trial = x_.wanted();
  if (!trial) return nullptr;
  const auto began = std::chrono::steady_clock::now();
  const auto proposal = x_.sampler().propose(*trial, x_.proposal_stream(*trial));
  if (!proposal) {
    x_.declined();
    return decide_one();  // Nothing is wanted any more.
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  record(x_.propose(*proposal, took.count()));
  return batch_->records.back().decided();
}

std::shared_ptr<const Batch> Turn::take() {
  if (batch_->records.empty()) return nullptr;
  for (const auto id : x_.take_touched()) batch_->trials.push_back(row_of(x_.history().trial(id)));
  batch_->best = x_.history().best();
  return std::exchange(batch_, std::make_shared<Batch>());
}

}  // namespace tune
