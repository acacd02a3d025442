// SPDX-License-Identifier: Apache-2.0
#include "ui/api/sweep.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <thread>

#include "store/memory.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "tuner/config.hpp"
#include "ui/api/proposer.hpp"
#include "ui/api/resume.hpp"
#include "ui/api/turn.hpp"
#include "ui/api/warm_start.hpp"

namespace tune {
namespace {

constexpr const char* kMemory = ":memory:";

std::string first_line(const std::string& path) {
  std::ifstream in{path};
  std::string line;
  std::getline(in, line);
  return line;
}

Opened this_process(const char* reason) {
  utsname machine{};
  uname(&machine);
  Opened o;
  o.version = TUNE_VERSION;
  o.machine = std::string{machine.sysname} + " " + machine.machine;
  o.host = machine.nodename;
  o.boot_id = first_line("/proc/sys/kernel/random/boot_id");
  o.pid = getpid();
  o.reason = reason;
  return o;
}

/// Waits for somebody else to be done, a little longer each time, by a random share: those who wait together shall not
/// come back together.
class Patience {
 public:
  explicit Patience(Duration patience) : until_(Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(patience.seconds))) {}
  bool wait() {
    if (Clock::now() >= until_) return false;
    std::this_thread::sleep_for(std::chrono::duration<double>(pause_ * (0.5 + chance_.uniform())));
    pause_ = std::min(2 * pause_, kMost);
    return true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr double kMost = 0.05;
  const Clock::time_point until_;
  double pause_ = 0.001;
  Rng chance_{static_cast<std::uint64_t>(getpid()), static_cast<std::uint64_t>(Clock::now().time_since_epoch().count())};
};

/// Several watchers as one.
class Watchers final : public Watcher {
 public:
  explicit Watchers(std::vector<Watcher*> all) : all_(std::move(all)) {}
  void on_durable(const Record& r, const History& h) override {
    for (auto* w : all_) w->on_durable(r, h);
  }
  void on_turn(const Turn& t, const History& h) override {
    for (auto* w : all_) w->on_turn(t, h);
  }

 private:
  std::vector<Watcher*> all_;
};

}  // namespace

class Sweep::Open {
 public:
  static Result<std::unique_ptr<Sweep>> begin(std::optional<Spec> wanted, const std::string& name, SweepOptions options) {
    std::unique_ptr<Open> open{new Open};
    open->options_ = std::move(options);
    if (auto done = open->open_store(wanted ? *wanted : Spec{}, name, wanted.has_value()); !done) return done.error();
    // Resume::never found the name taken: the settings say the name that it has in the store.
    if (wanted && open->sqlite_)
      if (const auto given = std::filesystem::path{open->folder()}.filename().string(); given != wanted->name) {
        auto renamed = read_effective(wanted->effective, {"name=" + given});
        if (!renamed) return renamed.error();
        wanted = std::move(renamed).value();
      }
    if (auto done = open->fold(std::move(wanted)); !done) return done.error();
    return std::unique_ptr<Sweep>{new Sweep{std::move(open)}};
  }

  Result<Outcome> run();
  Result<Done> apply(std::vector<Observation> wishes);
  Result<Done> turn(const std::function<Result<Done>(Turn&)>& what);
  Result<Done> record_settings();
  Result<Done> set(const std::vector<std::string>& assignments, const std::string& by, ThreadSafeInbox::Reply reply);
  void put(Observation wish, ThreadSafeInbox::Reply reply) { inbox_.put(std::move(wish), std::move(reply)); }
  void end(Inbox::Ending ending) { inbox_.end(ending); }

  const Experiment& experiment() const { return *experiment_; }
  const Spec& spec() const {
    const std::lock_guard lock{specs_mutex_};
    return *specs_.back();
  }
  bool resumed() const { return resumed_; }
  const std::string& changes() const { return changes_; }
  const std::string& store_path() const { return path_; }
  std::string folder() const { return sqlite_ ? sqlite_->folder() : std::string{}; }

 private:
  Open() : inbox_([this] { wake(); }), proposer_([this] { wake(); }) {}

  Result<Done> open_store(const Spec& spec, std::string name, bool create);
  Result<Done> fold(std::optional<Spec> wanted);
  Result<Done> refold();
  Result<Done> fold_with(Spec spec, const Store& journal);
  std::vector<Observation> take_news();
  void wake() {
    if (auto* e = waking_.load()) e->interrupt();
  }

  SweepOptions options_;
  std::string path_, changes_;
  bool resumed_ = false, configure_ = false;
  std::vector<Imported> lessons_;  // Of a new experiment, to be recorded after its first Configured.
  std::unique_ptr<Store> store_;
  SqliteStore* sqlite_ = nullptr;
  mutable std::mutex specs_mutex_;
  std::vector<std::unique_ptr<const Spec>> specs_;  // All of them: the executor keeps the one it was made with.
  std::unique_ptr<Experiment> experiment_;
  ThreadSafeInbox inbox_;
  std::unique_ptr<Executor> executor_;
  std::atomic<Executor*> waking_{nullptr};
  ThreadProposer proposer_;  // Last: its thread reads the experiment's sampler and must end first.
};

Result<Done> Sweep::Open::open_store(const Spec& spec, std::string name, bool create) {
  path_ = !options_.store.empty() ? options_.store : !spec.store.empty() ? spec.store : "tune.db";
  if (path_ == kMemory) {
    store_ = std::make_unique<MemoryStore>();
    return Done{};
  }
  path_ = std::filesystem::absolute(path_).lexically_normal().string();
  OpenOptions how;
  how.create = create;
  how.takeover = options_.takeover;
  how.allow_network = options_.allow_network_store;
  Patience patience(options_.patience);
  for (int n = 2;;) {
    auto opened = SqliteStore::open(path_, name, how);
    if (!opened && opened.error().code == Error::Code::conflict && patience.wait()) continue;
    if (!opened) return opened.error();
    if (options_.resume == SweepOptions::Resume::never && !(*opened)->created()) {
      name = spec.name + "-" + std::to_string(n++);
      continue;
    }
    sqlite_ = opened->get();
    store_ = std::move(opened).value();
    return Done{};
  }
}

Result<Done> Sweep::Open::fold(std::optional<Spec> wanted) {
  // The policies are made from the newest settings; the journal is folded with them from its beginning.
  auto known = sqlite_ ? sqlite_->config() : Result<std::string>{std::string{}};
  if (!known) return known.error();
  const std::string config = std::move(known).value();
  resumed_ = !config.empty();

  if (!wanted) {
    if (config.empty()) return Error{Error::Code::not_found, "the experiment has no settings yet", "start it with `tune sweep CONFIG`"};
    auto spec = read_effective(config);
    if (!spec) return spec.error();
    wanted = std::move(spec).value();
  } else if (!config.empty()) {
    const auto before = read_effective(config);
    if (!before) return before.error();
    auto text = tune::changes(*before, *wanted);
    if (!text) return text.error();
    changes_ = std::move(text).value();
  }
  if (!resumed_ && !wanted->warm_start.empty()) {
    if (!sqlite_) return Error{Error::Code::invalid, "`warm_start` needs a store: nothing was kept in memory", "give --store FILE"};
    auto lessons = read_lessons(*wanted, path_);
    if (!lessons) return lessons.error();
    lessons_ = std::move(lessons).value();
  }
  configure_ = config != wanted->effective;
  if (configure_ && resumed_ && changes_.empty()) configure_ = false;  // Only formatting.
  return fold_with(std::move(*wanted), *store_);
}

Result<Done> Sweep::Open::fold_with(Spec spec, const Store& journal) {
  {
    const std::lock_guard lock{specs_mutex_};
    specs_.push_back(std::make_unique<const Spec>(std::move(spec)));
  }
  auto made = make_experiment(*specs_.back());
  if (!made) return made.error();
  experiment_ = std::move(made).value();
  auto done = journal.read(1, [&](Record&& r) { experiment_->apply(r); });
  experiment_->take_touched();  // Their rows are in the store already.
  return done;
}

// After a change of settings: the same journal, folded with the policies that the new settings ask for.
Result<Done> Sweep::Open::refold() {
  std::unique_ptr<Store> reader;
  if (sqlite_) {
    OpenOptions how;
    how.read_only = true;
    auto opened = SqliteStore::open(path_, std::filesystem::path{folder()}.filename().string(), how);
    if (!opened) return opened.error();
    reader = std::move(opened).value();
  }
  const Store& journal = reader ? *reader : *store_;
  std::string config;
  if (auto done = journal.read(1, [&](Record&& r) {
        if (const auto* c = r.as<Configured>()) config = c->config;
      });
      !done)
    return done;
  auto spec = read_effective(config);
  if (!spec) return spec.error();
  return fold_with(std::move(spec).value(), journal);
}

// What is recorded before anything else: the settings, and of a new experiment its tags and what others learned.
std::vector<Observation> Sweep::Open::take_news() {
  std::vector<Observation> news;
  if (configure_) news.push_back(Configured{spec().effective, spec().space.hash(), changes_, options_.by});
  if (!resumed_ && !spec().tags.empty()) {
    Annotated tags;
    tags.tags_added = spec().tags, tags.by = options_.by;
    news.push_back(std::move(tags));
  }
  std::move(lessons_.begin(), lessons_.end(), std::back_inserter(news));
  lessons_.clear();
  return news;
}

Result<Outcome> Sweep::Open::run() {
  if (experiment_->finished() && !configure_) {
    const auto& h = experiment_->history();
    return Outcome{Outcome::End::finished, h.exit_code() ? h.exit_code() : h.best() ? 0 : 3};
  }
  auto batch = std::make_shared<Batch>();
  const auto now = [&] { return std::max(experiment_->history().now(), executor_->now()); };
  const auto record = [&](Observation o) {
    batch->records.push_back({experiment_->next_seq(), now(), store_->epoch(), std::move(o)});
    experiment_->apply(batch->records.back());
  };
  const std::string beside = sqlite_ ? std::filesystem::path{folder()}.parent_path() / "checkpoints" : "";
  ExecutorContext context{spec(), folder(), spec().checkpoint && !spec().checkpoint->shared.empty() ? spec().checkpoint->shared : beside,
                          options_.url, options_.secret, options_.authority, &experiment_->history()};
  auto made = make_executor(context);
  if (!made) return made.error();
  executor_ = std::move(made).value();
  waking_ = executor_.get();

  for (auto& news : take_news()) record(std::move(news));
  record(this_process(!resumed_ ? "new" : options_.takeover ? "takeover" : "resume"));
  if (auto kept = store_->append(std::move(batch)); !kept) return kept.error();
  Watchers watchers{options_.watchers};
  const Edges edges{*store_, *executor_, proposer_, inbox_, watchers};
  auto outcome = tune::run(*experiment_, edges);
  while (outcome && outcome->end == Outcome::End::reconfigured) {
    if (auto done = refold(); !done) return done.error();
    outcome = tune::run(*experiment_, edges, Begin::going_on);
  }
  waking_ = nullptr;
  return outcome;
}

Result<Done> Sweep::Open::turn(const std::function<Result<Done>(Turn&)>& what) {
  const Time clock{std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count()};
  Turn turn(*experiment_, std::max(experiment_->history().now(), clock), store_->epoch());
  auto done = what(turn);
  if (auto batch = turn.take()) {
    if (auto kept = store_->append(std::move(batch)); !kept) return kept;
    if (auto kept = store_->flush(); !kept) return kept;
  }
  return done;
}

Result<Done> Sweep::Open::record_settings() {
  return turn([&](Turn& turn) -> Result<Done> {
    for (auto& news : take_news()) turn.observe(std::move(news));
    if (!resumed_) turn.observe(this_process("new"));
    resumed_ = true, configure_ = false;
    return Done{};
  });
}

Result<Done> Sweep::Open::apply(std::vector<Observation> wishes) {
  return turn([&](Turn& turn) -> Result<Done> {
    for (auto& wish : wishes) {
      if (const auto* request = std::get_if<Requested>(&wish))
        if (auto objection = turn.experiment().objection(*request)) return *objection;
      turn.observe(std::move(wish));
      turn.decide();
    }
    return Done{};
  });
}

Result<Done> Sweep::Open::set(const std::vector<std::string>& assignments, const std::string& by, ThreadSafeInbox::Reply reply) {
  auto after = read_effective(spec().effective, assignments);
  if (!after) return after.error();
  auto text = tune::changes(spec(), *after);
  if (!text) return text.error();
  if (text->empty()) return Error{Error::Code::invalid, "that is how it is set already", {}};
  Configured configured{after->effective, after->space.hash(), *text, by};
  if (executor_) return inbox_.put(std::move(configured), std::move(reply)), Result<Done>{Done{}};
  return apply({Observation{std::move(configured)}});
}

Sweep::Sweep(std::unique_ptr<Open> open) : open_(std::move(open)) {}
Sweep::~Sweep() = default;
Result<std::unique_ptr<Sweep>> Sweep::open(Spec spec, SweepOptions options) {
  const std::string name = spec.name;
  return Open::begin(std::move(spec), name, std::move(options));
}
Result<std::unique_ptr<Sweep>> Sweep::open_existing(const std::string& name, SweepOptions options) {
  return Open::begin(std::nullopt, name, std::move(options));
}
const History& Sweep::history() const { return open_->experiment().history(); }
const Experiment& Sweep::experiment() const { return open_->experiment(); }
const Spec& Sweep::spec() const { return open_->spec(); }
bool Sweep::resumed() const { return open_->resumed(); }
const std::string& Sweep::changes() const { return open_->changes(); }
const std::string& Sweep::store_path() const { return open_->store_path(); }
std::string Sweep::folder() const { return open_->folder(); }
Result<Outcome> Sweep::run() { return open_->run(); }
Result<Done> Sweep::apply(std::vector<Observation> wishes) { return open_->apply(std::move(wishes)); }
Result<Done> Sweep::turn(const std::function<Result<Done>(Turn&)>& what) { return open_->turn(what); }
Result<Done> Sweep::record_settings() { return open_->record_settings(); }
void Sweep::put(Observation wish, ThreadSafeInbox::Reply reply) { open_->put(std::move(wish), std::move(reply)); }
void Sweep::end(Inbox::Ending ending) { open_->end(ending); }
Result<Done> Sweep::set(const std::vector<std::string>& assignments, const std::string& by, ThreadSafeInbox::Reply reply) {
  return open_->set(assignments, by, std::move(reply));
}

}  // namespace tune
