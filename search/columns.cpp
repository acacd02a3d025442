// SPDX-License-Identifier: Apache-2.0
#include "search/columns.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tuner/rng.hpp"

namespace tune::detail {

Columns::Columns(std::size_t axes, std::size_t newest, std::size_t older)
    : newest_(newest), older_(older), columns_(axes), sorted_(axes) {}

void Columns::add(const Point& p) {
  const auto trial = static_cast<std::uint32_t>(size_++);
  for (std::size_t j = 0; j < columns_.size(); ++j)
    columns_[j].push_back(p.active[j] ? static_cast<float>(p.at[j]) : std::numeric_limits<float>::quiet_NaN());
  enter(trial);
  if (size_ > newest_) retire(static_cast<std::uint32_t>(size_ - 1 - newest_));
}

void Columns::retire(std::uint32_t trial) {
  const std::pair drawn{Rng{0x636f6c756d6e73, trial}.next(), trial};
  if (drawn_.size() == older_ && (drawn_.empty() || drawn_.back() < drawn)) return leave(trial);
  if (drawn_.size() == older_) {
    const auto last = drawn_.back().second;
    leave(last);
    drawn_.pop_back();
    old_.erase(std::lower_bound(old_.begin(), old_.end(), last));
  }
  old_.push_back(trial);  // They come in order.
  drawn_.insert(std::lower_bound(drawn_.begin(), drawn_.end(), drawn), drawn);
}

void Columns::enter(std::uint32_t trial) {
  for (std::size_t j = 0; j < columns_.size(); ++j) {
    const auto& at = columns_[j];
    if (std::isnan(at[trial])) continue;
    // The newest number is the largest, so it stands after its equals.
    sorted_[j].insert(std::upper_bound(sorted_[j].begin(), sorted_[j].end(), at[trial],
                                       [&](float x, std::uint32_t other) { return x < at[other]; }),
                      trial);
  }
}

void Columns::leave(std::uint32_t trial) {
  for (std::size_t j = 0; j < columns_.size(); ++j) {
    const auto& at = columns_[j];
    if (std::isnan(at[trial])) continue;
    sorted_[j].erase(std::lower_bound(sorted_[j].begin(), sorted_[j].end(), trial, [&](std::uint32_t a, std::uint32_t b) {
      return at[a] != at[b] ? at[a] < at[b] : a < b;
    }));
  }
}

std::vector<std::uint32_t> Columns::kept() const {
  std::vector<std::uint32_t> all = old_;
  for (std::size_t i = size_ > newest_ ? size_ - newest_ : 0; i < size_; ++i) all.push_back(static_cast<std::uint32_t>(i));
  return all;
}

double Columns::weight(std::uint32_t trial) const {
  if (size_ <= newest_ || trial >= size_ - newest_) return 1;
  return static_cast<double>(size_ - newest_) / static_cast<double>(drawn_.size());
}

}  // namespace tune::detail
