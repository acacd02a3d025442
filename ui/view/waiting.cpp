// SPDX-License-Identifier: Apache-2.0
#include "ui/view/waiting.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "tuner/labels.hpp"
#include "ui/view/experiment_text.hpp"
#include "ui/view/row_of.hpp"
#include "ui/view/text.hpp"

namespace tune {
namespace {

/// What is free on a worker that takes trials.
struct Free {
  double cpus = 0, gpus = 0;
  std::optional<std::int64_t> memory_bytes;  // Absent: it did not say what it has.

  /// How many of these.
  int holds(const Resources& wanted) const {
    double most = std::floor(cpus / wanted.cpus);
    if (wanted.gpus > 0) most = std::min(most, std::floor(gpus / wanted.gpus));
    if (wanted.memory_bytes > 0 && memory_bytes) most = std::min(most, static_cast<double>(*memory_bytes / wanted.memory_bytes));
    return static_cast<int>(std::clamp(most, 0.0, 1e6));
  }
};

bool less_room(const Free& a, const Free& b) { return a.gpus != b.gpus ? a.gpus < b.gpus : a.cpus < b.cpus; }

std::string count_text(double count, const std::string& what) { return number_text(count) + " " + what + (count == 1 ? "" : "s"); }

/// As far as trials ask for it.
std::string text(double cpus, double gpus, std::optional<std::int64_t> memory, const Resources& wanted) {
  std::string out = count_text(cpus, "CPU");
  if (wanted.gpus > 0) out += ", " + count_text(gpus, "GPU");
  if (wanted.memory_bytes > 0 && memory) out += ", " + size_text(*memory);
  return out;
}

std::string who_is_here(const std::map<std::string, int>& states) {
  std::string out;
  for (const auto& [state, count] : states)
    out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + printable(state);
  return out;
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> all;
  for (; !list.empty(); list.remove_prefix(std::min(list.size(), all.back().size() + 1))) all.emplace_back(list.substr(0, list.find(',')));
  return all;
}

/// Of workers that are here, each of which lacks a label.
std::string what_is_lacking(const std::vector<std::vector<std::string>>& unsuited) {
  std::set<std::string> any, every{unsuited.front().begin(), unsuited.front().end()};
  for (const auto& one : unsuited) {
    any.insert(one.begin(), one.end());
    std::erase_if(every, [&](const auto& label) { return std::find(one.begin(), one.end(), label) == one.end(); });
  }
  if (every.empty()) return "no worker bears all the labels " + list_text({any.begin(), any.end()});
  return std::string{"no worker bears the label"} + (every.size() > 1 ? "s " : " ") + list_text({every.begin(), every.end()});
}

/// ", 2 allocations are asked for", or how the last of them failed; empty: there is none.
std::string on_their_way(const StoreReader& reader, const ExperimentRow& row) {
  const auto table = reader.view(StoreReader::View::allocations, row.id);
  if (!table || table->rows.empty()) return {};
  const auto failed = [](const std::string& state) { return state == "failed" || state == "lost"; };
  const auto asked = std::count_if(table->rows.begin(), table->rows.end(), [&](const auto& cells) {
    const auto state = RowOf(*table, cells).text("state");
    return state != "ended" && !failed(state);
  });
  if (asked > 0) return asked == 1 ? ", an allocation is asked for" : ", " + std::to_string(asked) + " allocations are asked for";
  const RowOf last(*table, table->rows.back());
  if (!failed(last.text("state"))) return {};
  const auto reason = last.text("reason");
  return ", and the last allocation that was asked for failed" + (reason.empty() ? "" : ": " + printable(reason));
}

}  // namespace

std::string why_trials_wait(const StoreReader& reader, const ExperimentRow& row) {
  if (const auto state = state_text(row); state != "running" && state != "finishing") return {};
  const auto spec = spec_of(row);
  if (!spec) return {};
  const auto queued = row.counts[static_cast<std::size_t>(TrialState::queued)];
  const auto live = row.counts[static_cast<std::size_t>(TrialState::leased)] + row.counts[static_cast<std::size_t>(TrialState::running)];
  // Without room the search proposes nothing: then none is queued, and all of them wait.
  if (queued == 0 && live > 0) return {};
  const auto table = reader.view(StoreReader::View::workers, row.id);
  if (!table) return {};
  std::map<std::string, int> states;
  std::optional<Free> largest;
  int ranks = 0;  // That there is room for, of the trial that waits.
  std::vector<std::vector<std::string>> unsuited;  // What each worker lacks of the labels.
  for (const auto& cells : table->rows) {
    const RowOf worker(*table, cells);
    if (worker.text("agent").empty()) return {};
    const auto state = worker.text("state");
    if (state == "lost") continue;
    if (const auto missing = lacking(split(worker.text("labels")), spec->required_labels); !missing.empty()) {
      unsuited.push_back(missing);
      continue;
    }
    ++states[state];
    if (state != "ready") continue;
    Free free{worker.number("cpus") - worker.number("cpus_taken"), worker.number("devices") - worker.number("devices_taken"), {}};
    if (const auto memory = worker.whole("memory_bytes"); memory > 0) free.memory_bytes = memory - worker.whole("memory_taken");
    ranks += free.holds(spec->resources);
    if (ranks >= spec->gang.ranks) return {};
    if (!largest || less_room(*largest, free)) largest = free;
  }
  const std::string who = queued == 0 ? "trials wait: " : queued == 1 ? "1 trial waits: " : std::to_string(queued) + " trials wait: ";
  const auto there = who_is_here(states);
  if (there.empty() && !unsuited.empty()) return who + what_is_lacking(unsuited) + on_their_way(reader, row);
  if (there.empty()) return who + "no agent is here" + on_their_way(reader, row);
  if (!largest) return who + "no worker takes trials: " + there;
  const auto& wanted = spec->resources;
  if (spec->gang.ranks > 1)
    return who + "the " + std::to_string(spec->gang.ranks) + " ranks of a trial start together, and there is room for " + std::to_string(ranks);
  return who + "no worker has room: the largest free is " + text(std::max(0.0, largest->cpus), std::max(0.0, largest->gpus), largest->memory_bytes, wanted) +
         ", a trial needs " + text(wanted.cpus, wanted.gpus, wanted.memory_bytes, wanted);
}

}  // namespace tune
