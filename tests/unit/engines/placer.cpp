// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/placer.hpp"

#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

using namespace tune;

namespace {

/// What an engine in memory knows, shared with the test that plays the cluster.
struct Cluster {
  std::mutex mutex;
  std::map<std::string, AllocationState> jobs;
  int submissions = 0, cancellations = 0;
  bool away = false, impossible = false;
  std::string log = "cannot reach 10.0.0.1:7741";

  AllocationState& job(const std::string& key) { return jobs.at(key); }
};

class MemoryEngine final : public Engine {
 public:
  explicit MemoryEngine(Cluster& cluster) : c_(cluster) {}
  Result<Done> check(const AgentSpec&) override {
    const std::lock_guard lock(c_.mutex);
    if (c_.impossible) return Error{Error::Code::invalid, "no node is that large", ""};
    return Done{};
  }
  Result<std::string> submit(const AgentSpec&, const std::string& key) override {
    const std::lock_guard lock(c_.mutex);
    if (c_.away) return Error{Error::Code::unreachable, "timed out", ""};
    c_.submissions += c_.jobs.emplace(key, AllocationState::queued).second;
    return "id-" + key;
  }
  std::vector<Allocation> list(std::span<const AllocationName> names) override {
    const std::lock_guard lock(c_.mutex);
    std::vector<Allocation> out;
    for (const auto& name : names) {
      const auto job = c_.jobs.find(name.key);
      Allocation seen{name};
      seen.missing = !c_.away && job == c_.jobs.end();
      if (!c_.away && job != c_.jobs.end()) seen.state = job->second;
      out.push_back(seen);
    }
    return out;
  }
  Result<Done> cancel(const AllocationName& name) override {
    const std::lock_guard lock(c_.mutex);
    if (c_.away) return Error{Error::Code::unreachable, "timed out", ""};
    ++c_.cancellations;
    if (const auto job = c_.jobs.find(name.key); job != c_.jobs.end()) job->second = AllocationState::ended;
    return Done{};
  }
  Result<std::string> logs(const AllocationName&, int) override { return c_.log; }

 private:
  Cluster& c_;
};

struct Rig {
  Cluster cluster;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<AllocationChanged> facts;
  std::set<std::string> invited;
  bool ready = false;
  std::unique_ptr<Placer> placer;

  Rig() { open(); }
  void open() {
    Placer::Settings settings;
    settings.poll = {0.005};
    settings.ready = [this] {
      { const std::lock_guard lock(mutex); ready = true; }
      changed.notify_one();
    };
    settings.invite = [this](const AgentSpec& spec, const std::string& key) -> Result<Done> {
      const std::lock_guard lock(cluster.mutex);
      invited.insert(key + " " + spec.join_file);
      return Done{};
    };
    placer = std::make_unique<Placer>(std::make_unique<MemoryEngine>(cluster), settings);
  }
  static std::string spec() {
    AgentSpec s;
    s.join_file = "/j";
    return to_json(s);
  }
  void allocate(std::int64_t number) { placer->carry_out(Allocate{number, "k" + std::to_string(number), "memory", spec()}); }
  void set(const std::string& key, AllocationState state) {
    const std::lock_guard lock(cluster.mutex);
    cluster.job(key) = state;
  }
  int submissions() {
    const std::lock_guard lock(cluster.mutex);
    return cluster.submissions;
  }
  template <class F>
  void with(F&& change) {
    const std::lock_guard lock(cluster.mutex);
    change(cluster);
  }
  /// The next fact. (One that never comes is ended by the limit of the whole test program.)
  AllocationChanged next() {
    while (facts.empty()) {
      std::unique_lock lock(mutex);
      changed.wait(lock, [this] { return ready; });
      ready = false;
      for (auto& o : placer->take()) facts.push_back(std::get<AllocationChanged>(o));
    }
    const auto fact = facts.front();
    facts.erase(facts.begin());
    return fact;
  }
};

}  // namespace

TEST_CASE("an allocation is invited, submitted and followed to its end", "[placer]") {
  Rig rig;
  rig.allocate(1);
  const auto submitted = rig.next();
  CHECK((submitted.state == "submitted" && submitted.engine_id == "id-k1" && submitted.allocation == 1));
  CHECK(rig.next().state == "queued");
  rig.set("k1", AllocationState::running);
  CHECK(rig.next().state == "running");
  rig.placer->called_home("k1");
  rig.set("k1", AllocationState::ended);
  const auto end = rig.next();
  CHECK((end.state == "ended" && end.reason.empty()));
  rig.placer.reset();
  CHECK(rig.invited == std::set<std::string>{"k1 /j"});
}

TEST_CASE("one that ends before an agent called home brings the agents' log", "[placer]") {
  Rig rig;
  rig.allocate(1), rig.next(), rig.next();
  rig.set("k1", AllocationState::failed);
  CHECK(rig.next().reason == "its agents said: cannot reach 10.0.0.1:7741");
}

TEST_CASE("what the engine can never give is refused before it is submitted", "[placer]") {
  Rig rig;
  rig.with([](Cluster& c) { c.impossible = true; });
  rig.allocate(1);
  const auto fact = rig.next();
  CHECK((fact.state == "failed" && fact.engine_id.empty() && fact.reason == "no node is that large"));
  CHECK(rig.submissions() == 0);
}

TEST_CASE("while the engine is away a submission stays open, is one fact, and comes through later, once", "[placer]") {
  Rig rig;
  rig.with([](Cluster& c) { c.away = true; });
  rig.allocate(1);
  const auto open = rig.next();
  CHECK((open.state == "unknown" && open.reason == "timed out"));
  rig.with([](Cluster& c) { c.away = false; });
  CHECK(rig.next().state == "submitted");
  CHECK(rig.next().state == "queued");
  CHECK(rig.submissions() == 1);
}

TEST_CASE("what was recorded but never noted as submitted is submitted by the next process, and not twice", "[placer]") {
  Rig rig;
  rig.allocate(1), rig.next(), rig.next();
  rig.open();
  rig.allocate(1), rig.allocate(2);
  std::map<std::int64_t, std::string> ids;
  while (ids.size() < 2) {
    const auto fact = rig.next();
    if (fact.state == "submitted") ids[fact.allocation] = fact.engine_id;
  }
  CHECK(ids == std::map<std::int64_t, std::string>{{1, "id-k1"}, {2, "id-k2"}});
  CHECK(rig.submissions() == 2);
}

TEST_CASE("what was to be cancelled before a restart is not submitted again", "[placer]") {
  Rig rig;
  rig.placer->carry_out(Release{1, std::nullopt, "cancel"});
  rig.allocate(1);
  const auto fact = rig.next();
  CHECK((fact.state == "ended" && fact.reason == "it was cancelled"));
  CHECK(rig.submissions() == 0);
}

TEST_CASE("a cancellation is repeated until the engine took it", "[placer]") {
  Rig rig;
  rig.allocate(1), rig.next(), rig.next();
  rig.with([](Cluster& c) { c.away = true; });
  rig.placer->carry_out(Release{1, std::nullopt, "cancel"});
  CHECK(rig.next().state == "unknown");
  rig.with([](Cluster& c) { c.away = false; });
  CHECK(rig.next().state == "ended");
}

TEST_CASE("what is cancelled before it was submitted is never submitted", "[placer]") {
  Rig rig;
  rig.with([](Cluster& c) { c.away = true; });
  rig.allocate(1), rig.next();
  rig.placer->carry_out(Release{1, std::nullopt, "cancel"});
  rig.with([](Cluster& c) { c.away = false; });
  const auto fact = rig.next();
  if (fact.state == "submitted") return;  // It came through just before.
  CHECK((fact.state == "ended" && fact.reason == "it was cancelled"));
  CHECK(rig.submissions() == 0);
}

TEST_CASE("an allocation that is told to drain is its agents' business", "[placer]") {
  Rig rig;
  rig.allocate(1), rig.next(), rig.next();
  rig.placer->carry_out(Release{1, std::nullopt, "drain"});
  rig.placer.reset();
  CHECK(rig.cluster.cancellations == 0);
}

TEST_CASE("allocations outlive the one who asked for them, but for those that were to be cancelled", "[placer]") {
  Rig rig;
  rig.allocate(1), rig.next(), rig.next();
  rig.allocate(2), rig.next(), rig.next();
  rig.placer->carry_out(Release{2, std::nullopt, "cancel"});
  rig.placer.reset();
  CHECK(rig.cluster.job("k1") == AllocationState::queued);
  CHECK(rig.cluster.job("k2") == AllocationState::ended);
}
