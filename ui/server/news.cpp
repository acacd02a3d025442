// SPDX-License-Identifier: Apache-2.0
#include "ui/server/news.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "executors/no_signals.hpp"
#include "tuner/json.hpp"
#include "ui/server/site.hpp"
#include "ui/server/summary.hpp"
#include "ui/view/experiment_text.hpp"

namespace tune {
namespace {

constexpr auto kPause = std::chrono::milliseconds(250);
constexpr int kHeartbeat = 60;             // Looks between two signs of life: 15 seconds.
constexpr std::size_t kRemembered = 10'000;  // Trials a topic.
constexpr std::size_t kTold = 1000;        // Trials in one event; more are "many".

/// Data is JSON, which has no line breaks, so it is one line.
std::string event(std::string_view name, Seq id, std::string_view data) {
  std::string text;
  if (id > 0) text += "id: " + std::to_string(id) + "\n";
  return text.append("event: ").append(name).append("\ndata: ").append(data).append("\n\n");
}

}  // namespace

/// A stream that hears of news. Its own members are guarded by the mutex of the news.
class News::Follower : public Stream {
 public:
  explicit Follower(News& news) : news_(news) {}
  void start(std::function<void()> wake) override {
    const std::lock_guard lock(news_.mutex_);
    wake_ = std::move(wake);
    news_.followers_.insert(this);
    news_.someone_.notify_one();
  }
  std::optional<std::string> next() override {
    const std::lock_guard lock(news_.mutex_);
    auto text = tell();
    if (!text || !text->empty()) {
      alive_ = news_.looks_;
      return text;
    }
    if (news_.looks_ - alive_ < kHeartbeat) return text;
    alive_ = news_.looks_;
    return ": alive\n\n";
  }
  void wake() const {
    if (wake_) wake_();
  }

 protected:
  virtual std::optional<std::string> tell() = 0;
  News& news_;

 private:
  std::function<void()> wake_;
  int alive_ = 0;
};

class News::ListFollower final : public Follower {
 public:
  using Follower::Follower;
  ~ListFollower() override {
    const std::lock_guard lock(news_.mutex_);
    news_.followers_.erase(this);
  }

 private:
  std::optional<std::string> tell() override {
    if (told_ == news_.list_version_) return std::string{};
    told_ = news_.list_version_;
    return event("experiments", 0, news_.list_);
  }
  std::int64_t told_ = 0;
};

class News::ExperimentFollower final : public Follower {
 public:
  ExperimentFollower(News& news, std::string experiment, Seq seen) : Follower(news), name_(std::move(experiment)), seen_(seen) {
    const std::lock_guard lock(news_.mutex_);
    ++news_.topics_[name_].followers;
  }
  ~ExperimentFollower() override {
    const std::lock_guard lock(news_.mutex_);
    news_.followers_.erase(this);
    const auto topic = news_.topics_.find(name_);
    if (--topic->second.followers == 0) news_.topics_.erase(topic);
  }

 private:
  std::optional<std::string> tell() override {
    const auto& topic = news_.topics_[name_];
    if (topic.gone) return std::nullopt;
    if (topic.version == 0 || told_ == topic.version) return std::string{};
    told_ = topic.version;
    const Seq since = std::exchange(seen_, topic.seq);
    if (since > topic.seq || (since > 0 && since < topic.known_from))
      return event("resync", topic.seq, "{\"seq\":" + std::to_string(topic.seq) + "}");
    return event("change", topic.seq, "{" + topic.members + ",\"trials\":" + trials(topic, since) + "}");
  }
  std::string trials(const Topic& topic, Seq since) const {
    if (since == 0) return "null";
    std::set<std::int64_t> numbers;
    for (const auto& touched : topic.touched) {
      if (touched.seq <= since) continue;
      if (!touched.trials) return "null";
      numbers.insert(touched.trials->begin(), touched.trials->end());
    }
    if (numbers.size() > kTold) return "null";
    std::string out;
    JsonWriter json(out);
    json.begin_array();
    for (const auto number : numbers) json.value(number);
    json.end_array();
    return out;
  }

  const std::string name_;
  Seq seen_;
  std::int64_t told_ = 0;
};

News::News(Site& site) : site_(site) {
  const NoSignals quiet;
  thread_ = std::thread([this] { run(); });
}

News::~News() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  someone_.notify_all();
  thread_.join();
}

std::unique_ptr<Stream> News::of_all() { return std::make_unique<ListFollower>(*this); }
std::unique_ptr<Stream> News::of(const std::string& experiment, Seq seen) {
  return std::make_unique<ExperimentFollower>(*this, experiment, seen);
}

void News::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    if (followers_.empty()) {
      someone_.wait(lock);
      continue;
    }
    lock.unlock();
    look();
    lock.lock();
    ++looks_;
    for (const auto* follower : followers_) follower->wake();
    someone_.wait_for(lock, kPause, [this] { return ending_; });
  }
}

/// Reads without the lock: a large experiment that is looked at for the first time takes a while.
void News::look() {
  auto reader = site_.readers().take();
  if (!reader) return;
  const auto pulses = (*reader)->pulses();
  if (!pulses) return;
  std::string list;
  JsonWriter json(list);
  json.begin_object().key("experiments").begin_array();
  for (const auto& pulse : *pulses)
    json.begin_object().key("name").value(pulse.name).key("seq").value(pulse.seq).key("state").value(state_of(**reader, pulse)).end_object();
  json.end_array().end_object();

  std::map<std::string, std::pair<Seq, std::string>> followed;  // What was told of them.
  {
    const std::lock_guard lock(mutex_);
    if (list != list_) list_ = std::move(list), ++list_version_;
    for (auto& [name, topic] : topics_) followed[name] = {topic.version ? topic.seq : -1, topic.state};
  }
  for (const auto& [name, told] : followed) {
    const auto pulse = std::find_if(pulses->begin(), pulses->end(), [&, n = &name](const Pulse& p) { return p.name == *n; });
    if (pulse == pulses->end()) {
      const std::lock_guard lock(mutex_);
      if (const auto topic = topics_.find(name); topic != topics_.end()) topic->second.gone = true;
      continue;
    }
    const auto state = state_of(**reader, *pulse);
    if (told.first == pulse->seq && told.second == state) continue;
    tell_of(**reader, *pulse, state, std::max<Seq>(told.first, 0));
  }
}

/// As people read it. Only of an experiment that nobody runs is more to be found out than the store says at once.
std::string News::state_of(const StoreReader& reader, const Pulse& pulse) {
  if (pulse.owned || pulse.state == "finished" || pulse.state == "new") return pulse.state;
  const auto text = site_.once_per_change("state", pulse, [&]() -> Result<std::string> {
    const auto row = reader.experiment(pulse.name);
    return row ? Result<std::string>{state_text(*row)} : row.error();
  });
  return text ? *text : pulse.state;
}

void News::tell_of(const StoreReader& reader, const Pulse& pulse, const std::string& state, Seq before) {
  std::string members;
  std::optional<std::vector<std::int64_t>> trials;
  Seq seq = 0;
  const auto looked = site_.trials(reader, pulse, [&](const TrialColumns& columns) -> Result<Done> {
    seq = columns.seq();
    trials = columns.touched(before, kTold);
    JsonWriter json(members);
    json.key("seq").value(seq).key("state").value(state).key("counts");
    write_counts(json, columns.counts());
    return Done{};
  });
  if (!looked) return;
  // The row counts all trials: once a second is enough for the best of them.
  const auto best = site_.once_per_change("best", pulse, [&]() -> Result<std::string> {
    const auto row = reader.experiment(pulse.name);
    if (!row) return row.error();
    std::string text;
    JsonWriter json(text);
    write_best(json, reader, row->id, row->best_trial, row->best_value);
    return text;
  }, std::chrono::seconds(1));
  if (!best) return;
  members += "," + *best;

  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(pulse.name);
  if (found == topics_.end()) return;
  Topic& topic = found->second;
  const bool first = topic.version++ == 0;
  topic.seq = seq, topic.state = state, topic.members = std::move(members);
  if (first) {
    topic.known_from = seq;  // What came before is not known.
    return;
  }
  topic.remembered += trials ? trials->size() : 1;
  topic.touched.push_back({seq, std::move(trials)});
  while (topic.remembered > kRemembered) {
    const auto& oldest = topic.touched.front();
    topic.known_from = oldest.seq;
    topic.remembered -= oldest.trials ? oldest.trials->size() : 1;
    topic.touched.pop_front();
  }
}

}  // namespace tune
