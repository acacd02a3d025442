// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/placer.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "executors/no_signals.hpp"

namespace tune {
namespace {

using Clock = std::chrono::steady_clock;

/// An allocation that is not over, as the thread knows it.
struct Tracked {
  AllocationName name;
  std::string spec;
  bool called_home = false, to_cancel = false;
};

}  // namespace

class Placer::Thread {
 public:
  Thread(std::unique_ptr<Engine> engine, Settings settings) : engine_(std::move(engine)), settings_(std::move(settings)) {
    const NoSignals quiet;
    thread_ = std::thread([this] { work(); });
  }
  ~Thread() {
    tell([this] { ends_ = true; });
    thread_.join();
  }

  template <class F>
  void tell(F&& change) {
    {
      const std::lock_guard lock(mutex_);
      change();
      woken_ = true;
    }
    wake_.notify_one();
  }
  void add(std::int64_t number, Tracked tracked) {
    tell([&] { fresh_.emplace_back(number, std::move(tracked)); });
  }
  void cancel(std::int64_t number) {
    tell([&] { cancelled_.push_back(number); });
  }
  void called_home(const std::string& key) {
    tell([&] { at_home_.push_back(key); });
  }
  std::vector<Observation> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(news_, {});
  }

 private:
  void work() {
    while (hear()) {
      cancel_all();
      submit_all();
      look();
    }
    cancel_all();
  }

  /// Waits until it is time to look again or something was told, and takes that over. False: it is the end.
  bool hear() {
    std::unique_lock lock(mutex_);
    const auto poll = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(settings_.poll.seconds));
    const auto told = [this] { return woken_; };
    if (live_.empty()) {
      wake_.wait(lock, told);
    } else {
      wake_.wait_for(lock, poll, told);
    }
    woken_ = false;
    for (auto& [number, tracked] : std::exchange(fresh_, {})) live_.emplace(number, std::move(tracked));
    std::erase_if(cancelled_, [this](std::int64_t number) {
      const auto found = live_.find(number);
      if (found != live_.end()) found->second.to_cancel = true;
      return found != live_.end();
    });
    for (const auto& key : std::exchange(at_home_, {}))
      for (auto& [number, tracked] : live_) tracked.called_home |= tracked.name.key == key;
    return !ends_;
  }

  void report(AllocationChanged fact) {
    {
      const std::lock_guard lock(mutex_);
      news_.emplace_back(std::move(fact));
    }
    if (settings_.ready) settings_.ready();
  }

  void cancel_all() {
    for (auto at = live_.begin(); at != live_.end();) {
      auto& [number, tracked] = *at;
      // One that we never saw submitted is over with this; of the others the engine tells the end.
      const bool over = tracked.to_cancel && engine_->cancel(tracked.name) && tracked.name.id.empty();
      if (over) report({number, "", std::string{to_text(AllocationState::ended)}, "it was cancelled", "", std::nullopt});
      at = over ? live_.erase(at) : std::next(at);
    }
  }

  Result<std::string> submit(const Tracked& tracked) {
    const auto spec = agent_spec(tracked.spec);
    if (!spec) return spec.error();
    if (settings_.invite) {
      if (const auto invited = settings_.invite(*spec, tracked.name.key); !invited) return invited.error();
    }
    // Some engines take what they can never give, and let it wait for ever.
    if (const auto good = engine_->check(*spec); !good) return good.error();
    return engine_->submit(*spec, tracked.name.key);
  }

  void submit_all() {
    for (auto at = live_.begin(); at != live_.end();) {
      auto& [number, tracked] = *at;
      bool over = false;
      if (tracked.name.id.empty() && !tracked.to_cancel) {
        const auto id = submit(tracked);
        const AllocationChanged fact = id ? AllocationChanged{number, *id, std::string{to_text(AllocationState::submitted)}, "", "", std::nullopt}
                                          : submission_failed(number, id.error());
        over = fact.state == to_text(AllocationState::failed);
        if (id) tracked.name.id = *id;
        if (said_[number] != fact.reason || id || over) report(fact);  // The same trouble every few seconds is one fact.
        said_[number] = fact.reason;
        if (id) watch_.recall(fact);
      }
      at = over ? drop(at) : std::next(at);
    }
  }

  void look() {
    std::vector<AllocationName> names;
    std::vector<std::int64_t> numbers;
    for (const auto& [number, tracked] : live_) {
      if (tracked.name.id.empty()) continue;
      names.push_back(tracked.name);
      numbers.push_back(number);
    }
    if (names.empty()) return;
    const Time now{std::chrono::duration<double>(Clock::now().time_since_epoch()).count()};
    const auto answers = engine_->list(names);
    TUNE_ASSERT(answers.size() == names.size(), "an engine answers for each");
    for (std::size_t i = 0; i < answers.size(); ++i) {
      auto fact = watch_.learn(numbers[i], answers[i], now);
      if (!fact) continue;
      const auto found = live_.find(numbers[i]);
      const bool over = is_over(*allocation_state(fact->state));
      if (over && !found->second.called_home) explain(found->second, *fact);
      if (over) drop(found);
      report(std::move(*fact));
    }
  }

  void explain(const Tracked& tracked, AllocationChanged& fact) {
    const auto log = engine_->logs(tracked.name, settings_.log_lines);
    const std::string said = log ? printable(detail::trimmed(*log)) : "";
    if (!said.empty()) fact.reason += (fact.reason.empty() ? "" : "; ") + std::string{"its agents said: "} + said;
  }

  std::map<std::int64_t, Tracked>::iterator drop(std::map<std::int64_t, Tracked>::iterator at) {
    watch_.forget(at->first);
    said_.erase(at->first);
    return live_.erase(at);
  }

  // Of the thread alone.
  std::unique_ptr<Engine> engine_;
  const Settings settings_;
  AllocationWatch watch_;
  std::map<std::int64_t, Tracked> live_;
  std::map<std::int64_t, std::string> said_;  // Why a submission is still open.

  std::mutex mutex_;  // What follows.
  std::condition_variable wake_;
  bool woken_ = false, ends_ = false;
  std::vector<std::pair<std::int64_t, Tracked>> fresh_;
  std::vector<std::int64_t> cancelled_;  // Those that are not live stay: they may be told of yet.
  std::vector<std::string> at_home_;
  std::vector<Observation> news_;

  std::thread thread_;
};

Placer::Placer(std::unique_ptr<Engine> engine, Settings settings) : thread_(std::make_unique<Thread>(std::move(engine), std::move(settings))) {}
Placer::~Placer() = default;

void Placer::carry_out(const Decision& decision) {
  if (const auto* ask = std::get_if<Allocate>(&decision)) {
    thread_->add(ask->allocation, {{ask->key, ""}, ask->spec});
  } else if (const auto* release = std::get_if<Release>(&decision); release && release->allocation && release->how == "cancel") {
    thread_->cancel(*release->allocation);
  }
}

void Placer::called_home(const std::string& key) { thread_->called_home(key); }

std::vector<Observation> Placer::take() { return thread_->take(); }

}  // namespace tune
