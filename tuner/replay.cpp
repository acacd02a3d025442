// SPDX-License-Identifier: Apache-2.0
#include "tuner/replay.hpp"

#include "tuner/facts_json.hpp"

namespace tune {
namespace {
constexpr std::size_t kShown = 10;

bool from_sampler(const Record& r) {
  const auto* p = r.as<Propose>();
  return p && p->source == "sampler";
}

}  // namespace

Result<Done> Verifier::apply(const Record& r) {
  waiting_.push_back(r);
  return from_sampler(r) ? fold_waiting(r.as<Propose>()->as_of) : Result<Done>{Done{}};
}

Result<Done> Verifier::end() { return fold_waiting(std::nullopt); }

Result<Done> Verifier::fold_waiting(std::optional<Seq> hold_after) {
  for (const Record& r : waiting_) {
    if (auto done = fold(r); !done) return done;
    // In logical order as_of counts events, and nothing is learned while a proposal is made.
    Experiment& x = *deciders_.experiment;
    if (hold_after != r.seq || r.seq + 1 == waiting_.back().seq || x.history().spec().logical_order) continue;
    held_for_ = x.wanted();
    x.hold_sampler();
  }
  waiting_.clear();
  return Done{};
}

Result<Done> Verifier::fold(const Record& r) {
  ++result_.records;
  if (const auto* configured = r.as<Configured>(); configured && configured->config != config_)
    if (auto done = reconfigure(configured->config); !done) return done;
  if (!deciders_.experiment) return Error{Error::Code::corrupt, "the journal does not begin with a configuration", {}};
  if (const auto* decided = r.decided()) compare(r, *decided);
  deciders_.experiment->apply(r);
  if (from_sampler(r)) deciders_.experiment->release_sampler(), held_for_.reset();
  before_.push_back(r);
  return Done{};
}

Result<Done> Verifier::reconfigure(const std::string& config) {
  auto made = make_(config);
  if (!made) return made.error();
  deciders_ = std::move(made).value();
  config_ = config;
  for (const auto& r : before_) deciders_.experiment->apply(r);
  return Done{};
}

void Verifier::compare(const Record& r, const Decided& recorded) {
  const Experiment& x = *deciders_.experiment;
  ++result_.decisions;
  const auto* propose = std::get_if<Propose>(&recorded.what);
  if (propose && propose->source == "sampler") {
    const auto trial = held_for_ ? held_for_ : x.wanted();
    if (!trial || (!held_for_ && trial != propose->trial)) return mismatch(r, "no proposal is wanted");
    const auto proposal = x.sampler().propose(*trial, x.proposal_stream(*trial));
    if (!proposal) return mismatch(r, "the sampler has nothing to propose");
    const auto again = x.propose(*proposal, propose->seconds);
    if (!(again.what == recorded.what)) mismatch(r, body_to_json({r.seq, r.at, r.epoch, again}));
    return;
  }
  const auto again = x.next();
  if (!again) return mismatch(r, "there is nothing to decide");
  if (!(again->what == recorded.what)) mismatch(r, body_to_json({r.seq, r.at, r.epoch, *again}));
}

void Verifier::mismatch(const Record& r, const std::string& instead) {
  ++result_.mismatches;
  if (result_.first.size() < kShown)
    result_.first.push_back("record " + std::to_string(r.seq) + ": " + std::string{kind(r)} + " " + body_to_json(r) + " recomputed: " + instead);
}

}  // namespace tune
