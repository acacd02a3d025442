// SPDX-License-Identifier: Apache-2.0
#include "executors/recorded_problem.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tuner/instances.hpp"
#include "tuner/rng.hpp"

namespace tune {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool is_listed(const Dimension& d) { return d.kind == Dimension::Kind::choice || d.kind == Dimension::Kind::boolean; }

/// The report at or before a step; nullopt before the first.
std::optional<std::size_t> report_at(const RecordedTrial& trial, std::int64_t step) {
  const auto after = std::upper_bound(trial.steps.begin(), trial.steps.end(), step);
  if (after == trial.steps.begin()) return std::nullopt;
  return static_cast<std::size_t>(after - trial.steps.begin()) - 1;
}

class Recorded final : public Problem {
 public:
  Recorded(const Space& space, std::shared_ptr<const Recording> recording, std::uint64_t seed)
      : space_(space), recording_(std::move(recording)), trend_(*recording_), seed_(seed) {
    for (const auto& t : recording_->trials)
      if (t.end == RecordedTrial::End::by_itself && !t.steps.empty()) longest_ = std::max(longest_, t.steps.back());
    if (longest_ == 0) longest_ = trend_.last();
    if (recording_->unordered) order_ = instance_order(seed, static_cast<std::size_t>(longest_));
  }
  const std::vector<std::string>& metrics() const override { return recording_->metrics; }
  Trajectory course(const Params& params) const override { return course_of(*nearest(params).front()); }
  Trajectory attempt(const Params& params, TrialId trial, int) const override {
    const auto near = nearest(params);
    return course_of(*near[Rng{seed_, Purpose::simulate, trial.value, -1}.below(near.size())]);
  }

 private:
  // All that are equally near, in the order of the recording.
  std::vector<const RecordedTrial*> nearest(const Params& params) const {
    const auto unit = recorded_position(space_, params);
    std::vector<const RecordedTrial*> best;
    double least = std::numeric_limits<double>::infinity();
    for (const auto& trial : recording_->trials) {
      const double d = recorded_distance(space_, unit, trial.unit, least);
      if (d < least || best.empty()) least = d, best.clear();
      if (d == least) best.push_back(&trial);
    }
    return best;
  }

  Trajectory shuffled(const RecordedTrial& trial) const {
    Trajectory c;
    c.steps = longest_;
    const auto place = [this](std::int64_t step) { return order_[static_cast<std::size_t>(step - 1)]; };
    c.measure = [&trial, place](std::int64_t step, std::span<double> out) {
      std::copy_n(trial.values[place(step)].begin(), out.size(), out.begin());
    };
    if (!trial.until.empty())
      c.seconds = [&trial, place](std::int64_t step) {
        const auto i = place(step);
        return trial.until[i] - (i > 0 ? trial.until[i - 1] : 0);
      };
    return c;
  }

  Trajectory course_of(const RecordedTrial& trial) const {
    if (!order_.empty()) return shuffled(trial);
    const std::int64_t done = trial.steps.empty() ? 0 : trial.steps.back();
    Trajectory c;
    c.steps = std::max<std::int64_t>(1, trial.end == RecordedTrial::End::by_itself ? done : std::max(done, longest_));
    if (trial.end == RecordedTrial::End::failed) c.fails_at = done + 1;
    c.next = [this, &trial, done, last = c.steps](std::int64_t step) {
      if (step >= done) return std::clamp(trend_.next(step), step + 1, std::max(last, step + 1));
      return *std::upper_bound(trial.steps.begin(), trial.steps.end(), step);
    };
    c.measure = [this, &trial, done](std::int64_t step, std::span<double> out) {
      const auto i = report_at(trial, step);
      for (std::size_t m = 0; m < out.size(); ++m)
        out[m] = i ? trial.values[*i][m] + (step > done ? trend_.change(m, done, step) : 0) : kNan;
    };
    const bool timed = !trial.until.empty() || (trial.steps.empty() && trial.ended > 0);
    if (timed) c.seconds = [this, &trial](std::int64_t step) { return seconds_of(trial, step); };
    return c;
  }

  // From the step reported before this one; beyond the recorded ones at the mean pace.
  double seconds_of(const RecordedTrial& trial, std::int64_t step) const {
    const auto i = report_at(trial, step);
    const double reached = i ? trial.until[*i] : 0, done = trial.steps.empty() ? 0 : static_cast<double>(trial.steps.back());
    if (step > done) {
      if (trial.end == RecordedTrial::End::failed) return std::max(0.0, trial.ended - reached);
      const double from = std::max(done, static_cast<double>(trend_.before(step)));
      return std::max(0.0, reached / std::max(1.0, done) * (static_cast<double>(step) - from));
    }
    const double before = i && *i > 0 ? trial.until[*i - 1] : 0;
    return std::max(0.0, reached - before);
  }

  const Space& space_;
  const std::shared_ptr<const Recording> recording_;
  const Recording::Trend trend_;
  const std::uint64_t seed_;
  std::int64_t longest_ = 0;
  std::vector<std::size_t> order_;  // Of instances; empty where steps are no instances.
};

}  // namespace

Recording::Trend::Trend(const Recording& recording) {
  std::set<std::int64_t> all;
  for (const auto& t : recording.trials) all.insert(t.steps.begin(), t.steps.end());
  if (all.empty()) all.insert(1);
  steps_.assign(all.begin(), all.end());
  const std::size_t width = recording.metrics.size();
  std::vector<std::vector<double>> sum(steps_.size(), std::vector<double>(width)), count = sum;
  for (const auto& t : recording.trials)
    for (std::size_t i = 1; i < t.steps.size(); ++i) {
      // A trial that skips steps which others report changes evenly over the gap.
      const std::size_t begin = index(t.steps[i - 1]), end = index(t.steps[i]);
      const double share = 1.0 / static_cast<double>(end - begin);
      for (std::size_t m = 0; m < width; ++m) {
        const double change = t.values[i][m] - t.values[i - 1][m];
        if (!std::isfinite(change)) continue;
        for (std::size_t s = begin + 1; s <= end; ++s) sum[s][m] += change * share, count[s][m] += 1;
      }
    }
  changed_.assign(steps_.size(), std::vector<double>(width));
  for (std::size_t s = 1; s < steps_.size(); ++s)
    for (std::size_t m = 0; m < width; ++m)
      changed_[s][m] = changed_[s - 1][m] + (count[s][m] > 0 ? sum[s][m] / count[s][m] : 0);
  learn_progress(recording);
}

// A trial that skips steps tells of the ratio between those that it has; the first recorded step begins from nothing.
void Recording::Trend::learn_progress(const Recording& recording) {
  std::vector<double> before(steps_.size()), after(steps_.size());
  for (const auto& t : recording.trials)
    for (std::size_t i = 1; i < t.until.size(); ++i) {
      const std::size_t s = index(t.steps[i]);
      if (index(t.steps[i - 1]) + 1 == s) before[s] += t.until[i - 1], after[s] += t.until[i];
    }
  progress_.assign(steps_.size(), 1);
  for (std::size_t s = 1; s < steps_.size(); ++s) {
    const double even = static_cast<double>(steps_[s]) / static_cast<double>(std::max<std::int64_t>(1, steps_[s - 1]));
    progress_[s] = progress_[s - 1] * (before[s] > 0 ? std::max(1.0, after[s] / before[s]) : even);
  }
  const double unit = progress_.back() / static_cast<double>(std::max<std::int64_t>(1, steps_.back()));
  for (double& p : progress_) p /= unit;
}

double Recording::Trend::progress(std::int64_t step) const {
  const auto after = static_cast<std::size_t>(std::lower_bound(steps_.begin(), steps_.end(), step) - steps_.begin());
  if (after == steps_.size()) return static_cast<double>(step);
  const double here = static_cast<double>(step), end = static_cast<double>(steps_[after]);
  const double begin = after > 0 ? static_cast<double>(steps_[after - 1]) : 0, from = after > 0 ? progress_[after - 1] : 0;
  return end > begin ? from + (progress_[after] - from) * (here - begin) / (end - begin) : progress_[after];
}

std::size_t Recording::Trend::index(std::int64_t step) const {
  const auto after = std::upper_bound(steps_.begin(), steps_.end(), step);
  return after == steps_.begin() ? 0 : static_cast<std::size_t>(after - steps_.begin()) - 1;
}

std::int64_t Recording::Trend::next(std::int64_t step) const {
  const auto after = std::upper_bound(steps_.begin(), steps_.end(), step);
  return after == steps_.end() ? step + 1 : *after;
}

std::int64_t Recording::Trend::before(std::int64_t step) const {
  if (step > steps_.back()) return step - 1;  // As next() goes there.
  const auto at = std::lower_bound(steps_.begin(), steps_.end(), step);
  return at == steps_.begin() ? 0 : *std::prev(at);
}

double Recording::Trend::change(std::size_t metric, std::int64_t from, std::int64_t to) const {
  return changed_[index(to)][metric] - changed_[index(from)][metric];
}

double recorded_distance(const Space& space, const std::vector<double>& a, const std::vector<double>& b, double most) {
  double sum = 0;
  for (std::size_t d = 0; d < a.size() && sum <= most; ++d) {
    const bool here = !std::isnan(a[d]), there = !std::isnan(b[d]);
    if (here != there)
      sum += 1;
    else if (here)
      sum += is_listed(space.dimensions()[d]) ? a[d] != b[d] : (a[d] - b[d]) * (a[d] - b[d]);
  }
  return sum;
}

std::vector<double> recorded_position(const Space& space, const Params& params) {
  std::vector<double> unit;
  unit.reserve(space.size());
  for (const auto& d : space.dimensions()) {
    const auto* value = params.find(d.name);
    unit.push_back(value ? d.position(*value).value_or(kNan) : kNan);
  }
  return unit;
}

std::unique_ptr<Problem> recorded_problem(const Space& space, std::shared_ptr<const Recording> recording, std::uint64_t seed) {
  return std::make_unique<Recorded>(space, std::move(recording), seed);
}

}  // namespace tune
