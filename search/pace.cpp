// SPDX-License-Identifier: Apache-2.0
#include "search/pace.hpp"

#include <algorithm>
#include <vector>

namespace tune::detail {
namespace {

constexpr std::size_t kRemembered = 15;
constexpr double kShare = 0.05;
constexpr double kNobodyNotices = 0.01;  // Seconds: as long as it takes to start a process and to commit what it says.

void add(std::deque<double>& to, double x) {
  to.push_back(x);
  if (to.size() > kRemembered) to.pop_front();
}

double median(const std::deque<double>& of) {
  if (of.empty()) return 0;
  std::vector<double> x(of.begin(), of.end());
  const auto middle = x.begin() + static_cast<std::ptrdiff_t>(x.size() / 2);
  std::nth_element(x.begin(), middle, x.end());
  return *middle;
}

}  // namespace

void Pace::learn(const Record& r, bool heavy) {
  if (const auto* p = r.as<Propose>(); p && heavy && p->until_step == 0) add(proposals_, p->seconds);
  if (const auto* s = r.as<Started>(); s && s->rank == 0) started_[s->trial] = r.at;
  if (const auto* e = r.as<Exited>()) {
    const auto began = started_.find(e->trial);
    if (began == started_.end()) return;
    if (!is_blameless(e->cause)) add(trials_, (r.at - began->second).seconds);
    started_.erase(began);
  }
}

double Pace::proposal_seconds() const { return median(proposals_); }
double Pace::trial_seconds() const { return median(trials_); }

bool Pace::dear() const {
  const double proposal = proposal_seconds();
  return !trials_.empty() && proposal > kNobodyNotices && proposal > kShare * trial_seconds();
}

}  // namespace tune::detail
