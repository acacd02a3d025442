// SPDX-License-Identifier: Apache-2.0
#include "schedulers/percentile.hpp"

#include <algorithm>

#include "tuner/json.hpp"

namespace tune {
namespace {

constexpr double kWorst = std::numeric_limits<double>::infinity();

}  // namespace

std::optional<StopRule::Judgement> Percentile::judge(const History& history, const Trial& t, const Reported& report) {
  const double score = t.feasible ? history.score(report.metrics).value_or(kWorst) : kWorst;
  Course& c = courses_[t.id];
  c.best = std::min(c.best, score);
  if (t.feasible) c.sum += score, ++c.count;
  if (report.step % options_.every != 0) return std::nullopt;

  detail::Quantile& here = steps_.try_emplace(report.step, options_.percentile / 100).first->second;
  std::optional<Judgement> out;
  if (report.step >= options_.min_step && here.size() >= options_.min_trials) {
    out.emplace();
    out->stops = c.best > here.at();
    if (out->stops) out->why = told(history, report.step, c.best, here);
  }
  if (report.step > c.counted) {
    c.counted = report.step;
    const double average = c.count > 0 ? c.sum / static_cast<double>(c.count) : kWorst;
    here.add(options_.others == PercentileOptions::Others::values ? score : average);
  }
  return out;
}

void Percentile::cloned(const Trial& t) {
  Course& c = courses_[t.id];
  const auto counted = c.counted;
  c = {};
  c.counted = counted;
}

std::string Percentile::told(const History& history, std::int64_t step, double best, const detail::Quantile& here) const {
  const std::string cut = to_text(history.value(here.at())), others = std::to_string(here.size()) + " other trials";
  const std::string end = options_.percentile == 50 ? "the median " + cut + " of " + others
                                                    : cut + ", which the best " + to_text(options_.percentile) + " % of " + others + " reach";
  return "at step " + std::to_string(step) + " its best is " + to_text(history.value(best)) + ", worse than " + end;
}

namespace detail {

std::vector<Option> percentile_option_table() {
  using Kind = Option::Kind;
  return {{"min_step", Kind::integer, "1", "No trial is stopped before this step.", 1, 1e15},
          {"min_trials", Kind::integer, "5", "Nor before so many others have reported at the step.", 1, 1e9},
          {"every", Kind::integer, "1", "Looks at every so many steps.", 1, 1e15}};
}

void read_percentile_options(const Params& options, PercentileOptions& out) {
  const auto whole = [&](std::string_view name) { return static_cast<std::int64_t>(*to_number(*options.find(name))); };
  out.min_step = whole("min_step"), out.min_trials = whole("min_trials"), out.every = whole("every");
}

}  // namespace detail

SchedulerEntry percentile() {
  auto options = detail::percentile_option_table();
  options.insert(options.begin(),
                 {"percentile", Option::Kind::number, "25", "Spares so many of a hundred trials, the best.", 0.1, 99.9});
  return {{"percentile", "Stops a trial whose best value is not among the best so many per cent of what others had at the same step.",
           std::move(options), false, true},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            PercentileOptions o;
            o.percentile = *to_number(*c.options.find("percentile"));
            detail::read_percentile_options(c.options, o);
            return std::unique_ptr<Scheduler>(std::make_unique<Percentile>(o));
          }};
}

}  // namespace tune
