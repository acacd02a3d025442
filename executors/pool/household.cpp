// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/household.hpp"

#include <utility>

#include "executors/clock.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {
constexpr std::size_t kMostUnsaid = 100'000;  // Facts; then its trials wait for theirs to be taken.
}  // namespace

Household::Household(Spec spec, const ExecutorContext& context, Offer offer, Elsewhere elsewhere, Callbacks callbacks)
    : spec_(std::move(spec)),
      context_{spec_, context.folder, context.checkpoints},
      callbacks_(std::move(callbacks)),
      thread_([this, offer = std::move(offer), elsewhere = std::move(elsewhere)] { live(offer, elsewhere); }) {}

Household::~Household() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    if (host_) host_->interrupt();
  }
  changed_.notify_all();
  thread_.join();
}

void Household::ask(Work work) { add(std::move(work)); }
void Household::lease(Lease lease) { add(std::move(lease)); }

void Household::add(Asked asked) {
  const std::lock_guard lock(mutex_);
  asked_.push_back(std::move(asked));
  if (host_) host_->interrupt();
  changed_.notify_all();
}

void Household::unsaid(std::size_t facts) {
  const std::lock_guard lock(mutex_);
  unsaid_ = facts;
  changed_.notify_all();
}

void Household::live(const Offer& offer, const Elsewhere& elsewhere) {
  const auto made = TrialHost::make(context_, offer, elsewhere);
  made ? run(**made) : refuse(made.error());
}

void Household::run(TrialHost& host) {
  {
    const std::lock_guard lock(mutex_);
    host_ = &host;
  }
  for (std::deque<Asked> asked; wait_for(asked); asked.clear()) {
    for (auto& one : asked)
      if (auto* lease = std::get_if<Lease>(&one)) host.take(std::move(*lease));
      else std::get<Work>(one)(host);
    auto seen = host.wait(std::nullopt);
    if (!seen.empty()) callbacks_.happened(std::move(seen), host.now());
  }
  const std::lock_guard lock(mutex_);
  host_ = nullptr;
}

/// The coordinator has read the settings by the same rules, if it is of our version.
void Household::refuse(const Error& error) {
  callbacks_.tell("no trial of " + printable(spec_.name) + " can run here: " + error.message);
  const EdgeClock clock;
  for (std::deque<Asked> asked; wait_for(asked); asked.clear())
    for (const auto& one : asked)
      if (const auto* lease = std::get_if<Lease>(&one))
        callbacks_.happened({Exited{lease->launch.trial, lease->launch.attempt, Cause::exec, {}, {}, 0, {}, 0, error.message}}, clock.now());
}

bool Household::wait_for(std::deque<Asked>& asked) {
  std::unique_lock lock(mutex_);
  // A coordinator that does not take what happened keeps our trials waiting: they block on their next report.
  changed_.wait(lock, [this] { return over_ || (host_ && unsaid_ < kMostUnsaid) || !asked_.empty(); });
  asked.swap(asked_);
  return !over_;
}

}  // namespace tune
