// SPDX-License-Identifier: Apache-2.0
#include "schedulers/rung.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace tune::detail {

void Level::record(const Entry& e) {
  ranking_.insert(e);
  // The small number keeps 3 / (1 / 3 written in decimals) whole.
  quota_ = std::max(at_least_, static_cast<std::int64_t>(static_cast<double>(size()) / eta_ + 1e-9));
  if (quota_ > 0) cut_ = ranking_.at(quota_);
}

void Level::stand(Standing s, int change) {
  if (s == Standing::coming) coming_ += change;
  if (s == Standing::here) here_ += change;
}

std::optional<Level::Entry> Level::first_waiting() const {
  return waiting_.empty() ? std::nullopt : std::optional{waiting_.first()};
}

std::optional<Level::Entry> Level::last_waiting() const {
  return waiting_.empty() ? std::nullopt : std::optional{waiting_.last()};
}

std::optional<Level::Entry> Level::candidate() const {
  const auto best = first_waiting();
  return best && goes_on(*best) ? best : std::nullopt;
}

Rung Level::crossing(const Entry& e, int bracket, int rung, std::int64_t quota, const History& history) const {
  const bool cuts = quota > 0 && quota <= size();
  const double cut = cuts ? history.value(ranking_.at(quota).score) : std::numeric_limits<double>::quiet_NaN();
  return {bracket, rung, step_, history.value(e.score), ranking_.rank(e), size(), cut};
}

std::string sentence(const Rung& r, std::int64_t quota, std::int64_t to_come) {
  std::string text;
  text.reserve(96);
  const auto words = [&](std::string_view w) { text += w; };
  const auto number = [&](std::int64_t n) {
    char digits[24];
    text.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
  };
  words("rung "), number(r.rung), words(" at step "), number(r.step);
  words(": rank "), number(r.rank), words(" of "), number(r.of);
  if (to_come > 0) words(", "), number(to_come), words(" to come");
  if (quota == 0)
    words(", too few to say who goes on");
  else if (quota == 1)
    words(", the best one goes on");
  else
    words(", the best "), number(quota), words(" go on");
  return text;
}

std::vector<std::int64_t> rung_steps(double first, double eta, std::optional<std::int64_t> last) {
  constexpr double kFar = 1e15;  // Steps beyond are not counted exactly by a double, nor reached.
  const double end = last ? static_cast<double>(*last) : kFar;
  std::vector<std::int64_t> steps;
  for (double step = first; step < end; step *= eta) {
    const auto whole = std::max<std::int64_t>(1, std::llround(step));
    if ((steps.empty() || whole > steps.back()) && static_cast<double>(whole) < end) steps.push_back(whole);
  }
  if (last || steps.empty()) steps.push_back(last.value_or(1));
  return steps;
}

}  // namespace tune::detail
