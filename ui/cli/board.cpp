// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/board.hpp"

#include <algorithm>
#include <cmath>

#include "ui/view/text.hpp"

namespace tune {

void ThinnedCurve::add(double value) {
  if (++skip_ < stride_) return;
  skip_ = 0;
  values_.push_back(value);
  if (values_.size() < 64) return;
  for (std::size_t i = 0; i < 32; ++i) values_[i] = values_[2 * i + 1];
  values_.resize(32);
  stride_ *= 2;
}

Board::Board(const Spec& spec)
    : name_(printable(spec.name)),
      metric_(spec.objectives.empty() ? "" : spec.objectives.front().metric),
      maximize_(!spec.objectives.empty() && spec.objectives.front().maximize),
      budget_(spec.stop.trials),
      front_(spec.objectives) {
  if (spec.stop.time) time_budget_ = spec.stop.time->seconds;
  cost_budget_ = spec.stop.cost;
}

std::int64_t Board::finished() const {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i)
    if (is_final(static_cast<TrialState>(i))) sum += counts_[i];
  return sum;
}

void Board::finished_at(double elapsed) {
  finishes_.push_back(elapsed);
  if (finishes_.size() > 32) finishes_.pop_front();
}

bool Board::consider_best(TrialId id, const History& history) {
  const auto best = history.best();
  if (!history.contains(id)) return false;
  const Trial& trial = history.trial(id);
  if (several() ? !history.front().contains(id) || !front_.add(id, trial.values)
                : !best || *best != id || (best_ && best_->trial == id) || trial.values.empty())
    return false;
  const auto live = live_.find(id);
  best_ = Best{id, trial.values.front(), trial.params, live == live_.end() ? ThinnedCurve{} : live->second.curve};
  since_best_ = 0;
  return true;
}

Board::News Board::learn(const Record& record, const History& history) {
  News news;
  if (const auto* report = record.as<Reported>()) {
    const auto live = live_.find(report->trial);
    const auto value = report->metrics.find(metric_);
    if (live == live_.end() || !value) return news;
    live->second.curve.add(*value);
    live->second.last = *value;
    live->second.step = std::max(live->second.step, report->step);
    return news;
  }
  const auto cross = [&](const std::optional<Rung>& rung, bool passed) {
    if (rung) ++(passed ? crossings_[rung->step].passed : crossings_[rung->step].cut);
  };
  if (const auto* launch = record.as<Launch>()) {
    auto& live = live_[launch->trial];
    live.until_step = launch->until_step;
    if (history.contains(launch->trial)) live.params = history.trial(launch->trial).params;
    cross(launch->rung, true);
  } else if (const auto* extend = record.as<Extend>()) {
    if (const auto live = live_.find(extend->trial); live != live_.end()) live->second.until_step = extend->until_step;
    cross(extend->rung, true);
  } else if (const auto* stop = record.as<Stop>()) {
    cross(stop->rung, stop->as == TrialState::complete);
  } else if (const auto* pause = record.as<Pause>()) {
    cross(pause->rung, false);
  } else if (const auto* exited = record.as<Exited>()) {
    news.failed = is_failure(exited->cause);
    if (!news.failed) return news;
    ++failures_[exited->cause];
    if (const auto live = live_.find(exited->trial); live != live_.end()) live->second.failed = true;
  } else if (const auto* settle = record.as<Settle>()) {
    news.finished = true;
    ++since_best_;
    news.best = consider_best(settle->trial, history);
    const auto live = live_.find(settle->trial);
    if (live == live_.end()) return news;
    news.failed = settle->state == TrialState::failed && !live->second.failed;
    if (news.failed) ++failures_[settle->cause];
    live_.erase(live);
  } else if (record.as<Warned>()) {
    ++warnings_;
  } else if (record.as<Configured>()) {
    const auto& spec = history.spec();
    budget_ = spec.stop.trials;
    time_budget_ = spec.stop.time ? std::optional{spec.stop.time->seconds} : std::nullopt;
    cost_budget_ = spec.stop.cost;
  }
  return news;
}

void Board::begin(const History& history) {
  turn(history, {});
  if (several())
    for (const auto& member : history.front().members()) consider_best(member.trial, history);
  else if (history.best())
    consider_best(*history.best(), history);
}

void Board::turn(const History& history, std::optional<std::string> trouble) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] = history.count(static_cast<TrialState>(i));
  cost_ = history.cost();
  finishing_ = history.finishing() ? history.finish_why() : "";
  trouble_ = trouble.value_or("");
  // Trials that left their slot without an end of their own: paused, or queued again after a loss.
  if (live_.size() > static_cast<std::size_t>(history.live()))
    std::erase_if(live_, [&](const auto& entry) {
      if (!history.contains(entry.first)) return false;
      const Trial& trial = history.trial(entry.first);
      return !trial.live() && !is_final(trial.state);  // Of a final one the record is still to come.
    });
}

std::optional<double> Board::eta(double elapsed) const {
  std::optional<double> left;
  if (budget_ && finishes_.size() >= 3) {
    const double span = elapsed - finishes_.front();
    const auto to_go = static_cast<double>(std::max<std::int64_t>(0, *budget_ - finished()));
    if (span > 0) left = to_go * span / static_cast<double>(finishes_.size() - 1);
  }
  if (time_budget_) {
    const double rest = std::max(0.0, *time_budget_ - elapsed);
    left = left ? std::min(*left, rest) : rest;
  }
  return left;
}

std::string Board::best_text(bool colour) const {
  if (!best_) return {};
  if (several()) return "best " + front_text(front_, colour);
  return "best " + paint(Style::cyan, number_text(best_->value), colour) + " " + printable(metric_) + " (trial " +
         std::to_string(best_->trial.value) + ")";
}

std::string Board::headline(double elapsed, std::size_t width, bool colour) const {
  const auto done = finished();
  std::string tail = " " + std::to_string(done) + (budget_ ? "/" + std::to_string(*budget_) : " trials");
  if (cost_budget_) tail += "   cost " + number_text(cost_) + "/" + number_text(*cost_budget_);
  if (best_) tail += "   " + best_text(colour);
  const auto left = eta(elapsed);
  tail += left ? "   eta " + duration_text(*left) : "   " + duration_text(elapsed);
  std::optional<double> fraction;
  if (budget_ && *budget_ > 0) fraction = static_cast<double>(done) / static_cast<double>(*budget_);
  if (time_budget_ && *time_budget_ > 0) fraction = std::max(fraction.value_or(0), elapsed / *time_budget_);
  if (cost_budget_) fraction = std::max(fraction.value_or(0), cost_ / *cost_budget_);
  std::string head = " " + paint(Style::bold, fit(name_, 24), colour) + "  ";
  const auto used = display_width(head) + display_width(tail) + 1;
  if (fraction && width > used + 8)
    head += paint(Style::green, bar_text(*fraction, std::min<std::size_t>(28, width - used)), colour);
  return head + tail;
}

std::string Board::counters(bool colour) const {
  const auto part = [&](const char* word, std::int64_t n, Style style) {
    return paint(n > 0 ? style : Style::dim, std::string(word) + " " + std::to_string(n), colour) + "  ";
  };
  std::string out = " " + part("running", count(TrialState::leased) + count(TrialState::running), Style::green) +
                    part("queued", count(TrialState::queued), Style::plain) +
                    (count(TrialState::paused) ? part("paused", count(TrialState::paused), Style::plain) : "") +
                    part("done", count(TrialState::complete), Style::plain) +
                    part("stopped early", count(TrialState::stopped), Style::plain);
  if (count(TrialState::infeasible)) out += part("infeasible", count(TrialState::infeasible), Style::yellow);
  if (count(TrialState::cancelled)) out += part("cancelled", count(TrialState::cancelled), Style::yellow);
  out += part("failed", count(TrialState::failed), Style::red);
  if (!failures_.empty()) {
    const auto worst = std::max_element(failures_.begin(), failures_.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
    out += paint(Style::dim, "(" + std::string(cause_text(worst->first)) + ": tune logs --failed)  ", colour);
  }
  if (warnings_) out += part("warnings", warnings_, Style::yellow);
  return out;
}

std::string Board::rungs(bool colour) const {
  std::string out = paint(Style::dim, " rungs", colour);
  for (const auto& [step, crossing] : crossings_)
    out += "  " + paint(Style::dim, "step " + std::to_string(step) + ":", colour) + " " +
           std::to_string(crossing.passed + crossing.cut) + "→" + std::to_string(crossing.passed);
  return out;
}

std::string Board::trial_line(TrialId id, const Live& live, std::size_t width, bool colour) const {
  std::string right = live.last ? "  " + pad(number_text(*live.last), 10, true) : "            ";
  right += "  " + pad(sparkline(live.curve.values(), 16), 16);
  if (live.until_step != kNoStep && live.step > 0)
    right += "  " + pad(std::to_string(live.step) + "/" + std::to_string(live.until_step), 7);
  const std::string left = " " + pad("#" + std::to_string(id.value), 6);
  const auto room = width > display_width(left) + display_width(right) + 1
                        ? width - display_width(left) - display_width(right) - 1
                        : 0;
  return paint(Style::dim, left, colour) + pad(params_text(live.params, room), room) + right;
}

std::vector<std::string> Board::lines(double elapsed, std::size_t width, std::size_t height, bool colour) const {
  std::vector<std::string> out{headline(elapsed, width, colour), counters(colour)};
  if (!crossings_.empty()) out.push_back(rungs(colour));
  if (!trouble_.empty())
    out.push_back(paint(Style::red, " cannot write to the store, waiting: " + printable(trouble_), colour));

  std::string last =
      paint(Style::dim, " Ctrl-C stops gracefully, what is done is kept · Ctrl-Z holds back new trials", colour);
  if (!ending_.empty()) {
    last = " " + ending_;
    if (ending_until_ && *ending_until_ > elapsed)
      last += " (" + std::to_string(std::lround(std::ceil(*ending_until_ - elapsed))) + "s)";
    last = paint(Style::yellow, last, colour);
  }
  if (ending_.empty() && !finishing_.empty())
    last = paint(Style::green, " finishing: " + printable(finishing_), colour);

  const std::size_t room = height > out.size() + 1 ? height - out.size() - 1 : 0;
  std::size_t shown = 0;
  for (const auto& [id, live] : live_) {
    if (shown == room) break;
    if (shown + 1 == room && live_.size() > room) {
      out.push_back(paint(Style::dim, "  … and " + std::to_string(live_.size() - shown) + " more", colour));
      break;
    }
    out.push_back(trial_line(id, live, width, colour));
    ++shown;
  }
  out.push_back(std::move(last));
  return out;
}

std::string Board::summary(double elapsed) const {
  std::string out = std::to_string(finished()) + (budget_ ? "/" + std::to_string(*budget_) : "") + " finished";
  if (best_) out += "  " + best_text(false);
  out += "  running " + std::to_string(count(TrialState::leased) + count(TrialState::running));
  if (const auto left = eta(elapsed)) out += "  eta " + duration_text(*left);
  return out;
}

}  // namespace tune
