// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/campaign.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace tune::regret {
namespace {

struct Item {
  const Problem* problem;
  std::uint64_t seed;
};

// What makes two runs the same measurement.
std::string key(const std::string& tool, const std::string& version, const std::string& set, const std::string& problem,
                const Setting& s) {
  return to_json(Run{tool, version, set, problem, s, 0, {}, {}, 0, 0, 0, {}, {}, 0});
}

class Work {
 public:
  Work(const Campaign& campaign, std::vector<Item> items)
      : campaign_(campaign), items_(std::move(items)), file_(campaign.out, std::ios::app) {}

  void go_on();  // Of one thread.
  Result<Tally> result() && {
    if (error_) return *error_;
    return std::move(tally_);
  }

 private:
  std::optional<Item> next() {
    const std::lock_guard lock{mutex_};
    return error_ || at_ == items_.size() ? std::nullopt : std::optional{items_[at_++]};
  }
  // Measured once for each problem, under the lock: others wait for it rather than measure it too.
  Reference reference(const Problem& problem) {
    const std::lock_guard lock{references_mutex_};
    const auto [found, fresh] = references_.try_emplace(&problem);
    if (fresh) found->second = measure_reference(problem);
    return found->second;
  }
  void keep(const Item& item, const Result<Run>& run) {
    const std::lock_guard lock{mutex_};
    if (run) {
      ++tally_.done;
      if (!(file_ << to_json(*run) << '\n' << std::flush)) fail({Error::Code::io, "cannot write " + campaign_.out, ""});
    } else if (run.error().code == Error::Code::invalid) {
      if (refused_.insert(item.problem).second)
        tally_.refused.push_back(item.problem->name + ": " + run.error().message);
    } else {
      fail(run.error());
    }
  }
  void fail(Error e) {
    if (!error_) error_ = std::move(e);
  }

  const Campaign& campaign_;
  const std::vector<Item> items_;
  std::ofstream file_;
  std::mutex mutex_, references_mutex_;
  std::size_t at_ = 0;
  Tally tally_;
  std::set<const Problem*> refused_;
  std::map<const Problem*, Reference> references_;
  std::optional<Error> error_;
};

void Work::go_on() {
  auto tool = campaign_.tool();
  if (!tool) {
    const std::lock_guard lock{mutex_};
    return fail(tool.error());
  }
  while (const auto item = next()) {
    Setting setting = campaign_.setting;
    setting.seed = item->seed;
    keep(*item, run(**tool, *item->problem, reference(*item->problem), setting));
  }
}

}  // namespace

Result<Tally> carry_out(const Campaign& campaign) {
  auto known = read_runs(campaign.out);
  if (!known) return known.error();
  const auto tool = campaign.tool();
  if (!tool) return tool.error();
  std::set<std::string> there;
  for (const auto& r : *known) there.insert(key(r.tool, r.version, r.set, r.problem, r.setting));
  std::vector<Item> items;
  int kept = 0;
  for (const auto seed : campaign.seeds)
    for (const auto& problem : campaign.problems) {
      Setting s = campaign.setting;
      s.seed = seed;
      const bool skip =
          !campaign.again && there.contains(key((*tool)->name(), (*tool)->version(), problem.set, problem.name, s));
      kept += skip;
      if (!skip) items.push_back({&problem, seed});
    }
  Work work{campaign, std::move(items)};
  std::vector<std::thread> threads;
  for (int i = 1; i < campaign.jobs; ++i) threads.emplace_back([&work] { work.go_on(); });
  work.go_on();
  for (auto& t : threads) t.join();
  auto tally = std::move(work).result();
  if (tally) tally->kept = kept;
  return tally;
}

}  // namespace tune::regret
