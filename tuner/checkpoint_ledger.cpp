// SPDX-License-Identifier: Apache-2.0
#include "tuner/checkpoint_ledger.hpp"

#include <algorithm>
#include <limits>

namespace tune {
namespace {

// Values remembered of a trial that does not save: half of it is more than any sensible distance between two checkpoints.
constexpr std::size_t kMostScores = 8192;

}  // namespace

void CheckpointLedger::reported(TrialId trial, std::int64_t step, double score) {
  if (!keep_best_) return;
  auto& scores = lines_[trial].scores;
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
  if (files_.contains(saved.name)) return true;  // Saved twice, the same bytes at the same step.
  Line& line = lines_[trial];
  File& file = files_[saved.name];
  file.owner = trial, file.step = saved.step, file.score = score_at(line, saved.step);
  line.own.push_back(saved.name);
  keep(line);
  return true;
}

// Marks what the rule keeps of the trial, and forgets what it does not.
void CheckpointLedger::keep(Line& line) {
  std::string best;
  if (keep_best_)
    for (const auto& name : line.own)  // The newer of two equal ones.
      if (best.empty() || files_.at(name).score <= files_.at(best).score) best = name;
  const std::size_t old = line.own.size() - std::min(line.own.size(), static_cast<std::size_t>(keep_));
  std::vector<std::string> stay, go;
  for (std::size_t i = 0; i < line.own.size(); ++i) {
    const bool kept = i >= old || line.own[i] == best;
    files_.at(line.own[i]).kept = kept;
    (kept ? stay : go).push_back(line.own[i]);
  }
  line.own = std::move(stay);
  for (const auto& name : go) look(name);
}

void CheckpointLedger::look(const std::string& name) {
  const auto at = files_.find(name);
  if (at == files_.end() || at->second.kept || !at->second.users.empty()) return;
  surplus_.push_back(name);
  files_.erase(at);
}

void CheckpointLedger::use(TrialId trial, const std::string& name) {
  const std::string before = std::exchange(lines_[trial].used, name);
  if (before == name) return;
  if (const auto at = files_.find(name); at != files_.end()) {
    auto& users = at->second.users;
    users.insert(std::lower_bound(users.begin(), users.end(), trial), trial);
  }
  if (const auto at = files_.find(before); at != files_.end()) {
    std::erase(at->second.users, trial);
    look(before);
  }
}

void CheckpointLedger::release(TrialId trial) {
  const auto line = lines_.find(trial);
  if (line == lines_.end()) return;
  line->second.scores = {};
  if (!line->second.used.empty()) use(trial, "");
  if (line->second.own.empty()) lines_.erase(line);
}

std::vector<TrialId> CheckpointLedger::lost(const std::string& name) {
  const auto at = files_.find(name);
  if (at == files_.end()) return {};
  const File file = std::move(at->second);
  files_.erase(at);
  std::erase(surplus_, name);
  Line& line = lines_[file.owner];
  std::erase(line.own, name);
  keep(line);
  for (const auto user : file.users) lines_[user].used.clear();
  return file.users;
}

void CheckpointLedger::collecting(const std::string& name) {
  std::erase(surplus_, name);
  going_.insert(name);
  const auto at = files_.find(name);
  if (at == files_.end()) return;
  Line& line = lines_[at->second.owner];  // By another tune, whose rule differed: what is recorded stands.
  std::erase(line.own, name);
  for (const auto user : at->second.users) lines_[user].used.clear();
  files_.erase(at);
}

std::optional<CheckpointLedger::Saved> CheckpointLedger::newest(TrialId trial) const {
  const auto line = lines_.find(trial);
  if (line == lines_.end() || line->second.own.empty()) return std::nullopt;
  const auto& name = line->second.own.back();
  return Saved{name, files_.at(name).step};
}

std::vector<std::string> CheckpointLedger::take_surplus() { return std::exchange(surplus_, {}); }

}  // namespace tune
