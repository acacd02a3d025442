// SPDX-License-Identifier: Apache-2.0
#include "tuner/checkpoint_ledger.hpp"

#include <algorithm>
#include <limits>

namespace tune {
namespace {

// Values remembered of a trial that does not save: half of it is more than any sensible distance between two checkpoints.
constexpr std::size_t kMostScores = 8192;

}  // namespace

CheckpointLedger::Line& CheckpointLedger::line(TrialId trial) {
  const auto index = static_cast<std::size_t>(trial.value);
  if (lines_.size() <= index) lines_.resize(index + 1);
  return lines_[index];
}

void CheckpointLedger::reported(TrialId trial, std::int64_t step, double score) {
  if (!keep_best_) return;
  auto& scores = line(trial).scores;
  // After a restore the steps begin again: what was ahead of them is of a course that was left.
  while (!scores.empty() && scores.back().first >= step) scores.pop_back();
  scores.emplace_back(step, score);
  if (scores.size() > kMostScores) scores.erase(scores.begin(), scores.begin() + kMostScores / 2);
}

double CheckpointLedger::score_at(Line& line, std::int64_t step) {
  const auto later = std::find_if(line.scores.begin(), line.scores.end(), [=](const auto& s) { return s.first > step; });
  const double score = later == line.scores.begin() ? std::numeric_limits<double>::infinity() : std::prev(later)->second;
  line.scores.erase(line.scores.begin(), later);
  if (line.scores.empty()) line.scores.shrink_to_fit();  // A hundred thousand trials wait at a rung.
  return score;
}

bool CheckpointLedger::saved(TrialId trial, Saved saved) {
  if (going_.contains(saved.name)) return false;
  const auto [at, is_new] = files_.try_emplace(std::move(saved.name));
  if (!is_new) return true;  // Saved twice, the same bytes at the same step.
  Line& its = line(trial);
  File& file = at->second;
  file.owner = trial, file.step = saved.step, file.score = score_at(its, saved.step);
  its.own.push_back(&*at);
  keep(its);
  return true;
}

// Marks what the rule keeps of the trial, and forgets what it does not.
void CheckpointLedger::keep(Line& line) {
  const Entry* best = nullptr;
  if (keep_best_)
    for (const Entry* e : line.own)  // The newer of two equal ones.
      if (!best || e->second.score <= best->second.score) best = e;
  const std::size_t old = line.own.size() - std::min(line.own.size(), static_cast<std::size_t>(keep_));
  std::vector<Entry*> stay, go;
  for (std::size_t i = 0; i < line.own.size(); ++i) {
    Entry* const e = line.own[i];
    e->second.kept = i >= old || e == best;
    (e->second.kept ? stay : go).push_back(e);
  }
  line.own = std::move(stay);
  for (Entry* e : go) look(*e);
}

void CheckpointLedger::look(Entry& e) {
  if (e.second.kept || !e.second.users.empty()) return;
  surplus_.push_back(e.first);
  files_.erase(files_.find(e.first));
}

void CheckpointLedger::use(TrialId trial, const std::string& name) {
  const auto at = files_.find(name);
  use(trial, at == files_.end() ? nullptr : &*at);
}

void CheckpointLedger::use(TrialId trial, Entry* file) {
  Entry* const before = std::exchange(line(trial).used, file);
  if (before == file) return;
  if (file) {
    auto& users = file->second.users;
    users.insert(std::lower_bound(users.begin(), users.end(), trial), trial);
  }
  if (before) {
    std::erase(before->second.users, trial);
    look(*before);
  }
}

void CheckpointLedger::release(TrialId trial) {
  if (static_cast<std::size_t>(trial.value) >= lines_.size()) return;
  line(trial).scores = {};
  use(trial, nullptr);
}

// Out of the books, and out of the lines of its owner and its users.
CheckpointLedger::File CheckpointLedger::take(Files::iterator at) {
  std::erase(line(at->second.owner).own, &*at);
  for (const auto user : at->second.users) line(user).used = nullptr;
  File file = std::move(at->second);
  files_.erase(at);
  return file;
}

std::vector<TrialId> CheckpointLedger::lost(const std::string& name) {
  const auto at = files_.find(name);
  if (at == files_.end()) return {};
  const File file = take(at);
  std::erase(surplus_, name);
  keep(line(file.owner));
  return file.users;
}

void CheckpointLedger::collecting(const std::string& name) {
  std::erase(surplus_, name);
  going_.insert(name);
  // By another tune, whose rule differed: what is recorded stands.
  if (const auto at = files_.find(name); at != files_.end()) take(at);
}

std::optional<CheckpointLedger::Saved> CheckpointLedger::newest(TrialId trial) const {
  const auto index = static_cast<std::size_t>(trial.value);
  if (index >= lines_.size() || lines_[index].own.empty()) return std::nullopt;
  const auto& [name, file] = *lines_[index].own.back();
  return Saved{name, file.step};
}

std::vector<std::string> CheckpointLedger::take_surplus() { return std::exchange(surplus_, {}); }

}  // namespace tune
