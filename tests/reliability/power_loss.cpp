// SPDX-License-Identifier: Apache-2.0
// Nothing that was acknowledged is lost when the power goes, at any moment. kill -9 proves nothing about this: the page
// cache survives it. So the writes of a real SqliteStore are recorded, and disks as a loss of power would leave them
// are made from the recording and opened. The controls leave out syncs and must lose: else the test would not see a
// loss.
//
// TUNE_POWER_LOSS_STATES: how many disks (200). TUNE_POWER_LOSS_SEED: which ones (1).
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "reliability/power_loss_vfs.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/fsck.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "support/journals.hpp"
#include "support/scratch.hpp"

using namespace tune;
using namespace tune::test;

namespace {

std::uint64_t environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Recording {
  Disk::Files before;
  std::vector<FileEvent> events;
  std::vector<Record> written;
};

/// A small experiment: every trial in a few commits, with a checkpoint of the WAL now and then.
Recording record_experiment() {
  Scratch folder;
  const std::string path = folder / "a.db";
  power_loss::install();
  REQUIRE(SqliteStore::open(path, "e", {.create = true}));
  Recording made;
  made.before["a.db"] = bytes_of(path);

  power_loss::record(true);
  auto opened = SqliteStore::open(path, "e", {.vfs = "power-loss"});
  REQUIRE(opened);
  auto& store = **opened;
  store.listen([&] { power_loss::acknowledge(store.durable()); });
  sqlite::Database other(path, SQLITE_OPEN_READWRITE, "power-loss");
  Journal j(store.epoch());
  const auto commit = [&](std::vector<Record> records, std::vector<TrialRow> rows = {}) {
    made.written.insert(made.written.end(), records.begin(), records.end());
    REQUIRE(store.append(batch(std::move(records), std::move(rows))));
    REQUIRE(store.flush());
  };
  commit({j.observe(Configured{"{}", "h", "", "me"}), j.observe(Opened{})});
  for (std::int64_t t = 0; t < 25; ++t) {
    TrialRow row;
    row.id = {t}, row.attempt = 1;
    commit(
        {j.decide(Propose{{t}, {{"lr", 0.5}, {"opt", "adam"}}, "sampler", "random", 0, 0, {}, {}, 0, 0}),
         j.decide(Launch{{t}, 1, Form::fresh, {}, kNoStep, {}, {}, {}, false}), j.observe(Started{{t}, 1, 0, {0}, 1})},
        {row});
    for (std::int64_t n = 1; n <= 20; n += 5) {
      std::vector<Record> reports;
      for (std::int64_t i = n; i < n + 5; ++i) reports.push_back(j.report(t, i, 1.0 / static_cast<double>(i)));
      commit(std::move(reports));
    }
    row.state = TrialState::complete, row.reports = 20, row.last_step = 20, row.value = 0.05;
    commit({j.observe(Exited{{t}, 1, Cause::done, 0, {}, 0, {}, 20, ""}),
            j.decide(Settle{{t}, TrialState::complete, Cause::done, {0.05}, true, 20})},
           {row});
    other.integer("SELECT count(*) FROM owner");  // A connection that has read nothing does not know of the WAL.
    if (t % 4 == 3) sqlite3_wal_checkpoint_v2(other.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  made.events = power_loss::recording();
  power_loss::record(false);
  store.listen(nullptr);
  return made;
}

/// Empty: everything acknowledged is there and the store is sound. Else what is wrong.
std::string wrong_with(const Disk::Files& files, Seq acknowledged, const std::vector<Record>& written,
                       const std::filesystem::path& folder) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder / "a.db.d" / "e");
  for (const auto& [name, bytes] : files) std::ofstream(folder / name, std::ios::binary) << bytes;
  const std::string path = (folder / "a.db").string();
  auto store = SqliteStore::open(path, "e");
  if (!store) return store.error().message;
  if ((*store)->durable() < acknowledged)
    return "lost: " + std::to_string((*store)->durable()) + " of " + std::to_string(acknowledged);
  const auto records = all(**store);
  if (static_cast<Seq>(records.size()) != (*store)->durable()) return "unreadable";
  if (!std::equal(records.begin(), records.end(), written.begin())) return "other records than were written";
  const auto report = fsck(path, "e");
  if (!report) return report.error().message;
  return report->ok() ? "" : report->findings[0].invariant + ": " + report->findings[0].text;
}

/// How many of `states` disks had something wrong; `first` tells what, and how to see it again.
int broken_disks(const Recording& made, const std::vector<FileEvent>& events, std::uint64_t states,
                 std::string& first) {
  Scratch folder;
  const auto seed = environment("TUNE_POWER_LOSS_SEED", 1);
  int broken = 0;
  // A random moment each: sorted, so that the recording is followed once.
  std::vector<std::pair<std::size_t, std::uint64_t>> moments;
  for (std::uint64_t s = 0; s < states; ++s) moments.emplace_back(Rng(seed, 2 * s).below(events.size() + 1), s);
  std::sort(moments.begin(), moments.end());
  Disk disk(made.before);
  std::size_t at = 0;
  for (const auto& [moment, s] : moments) {
    while (at < moment) disk.follow(events[at++]);
    Rng rng(seed, 2 * s + 1);
    const auto wrong =
        wrong_with(disk.after_power_loss(rng), disk.acknowledged(), made.written, folder.path() / "disk");
    if (wrong.empty()) continue;
    if (broken++ == 0) first = "after event " + std::to_string(moment) + ", state " + std::to_string(s) + ": " + wrong;
  }
  return broken;
}

}  // namespace

TEST_CASE("nothing acknowledged is lost when the power goes", "[reliability]") {
  const auto made = record_experiment();
  const auto states = environment("TUNE_POWER_LOSS_STATES", 200);
  // The WAL was copied into the database and begun anew while this was recorded.
  REQUIRE(std::count_if(made.events.begin(), made.events.end(),
                        [](const auto& e) { return e.kind == FileEvent::Kind::sync && e.file == "a.db"; }) >= 5);
  std::string first;
  const int broken = broken_disks(made, made.events, states, first);
  INFO(first);
  CHECK(broken == 0);
  SUCCEED(states << " disks from " << made.events.size() << " events");
}

TEST_CASE("control: without the syncs that synchronous=NORMAL leaves out, acknowledged records are lost",
          "[reliability]") {
  const auto made = record_experiment();
  std::vector<FileEvent> fewer;
  for (std::size_t i = 0; i < made.events.size(); ++i) {
    const auto& e = made.events[i];
    // NORMAL syncs the WAL only before a checkpoint copies it into the database.
    const bool before_checkpoint = i + 1 < made.events.size() && made.events[i + 1].file == "a.db";
    if (e.kind != FileEvent::Kind::sync || e.file != "a.db-wal" || before_checkpoint) fewer.push_back(e);
  }
  std::string first;
  CHECK(broken_disks(made, fewer, 60, first) > 0);
}

TEST_CASE("control: on a disk that lies about syncs, acknowledged records are lost", "[reliability]") {
  const auto made = record_experiment();
  std::vector<FileEvent> none;
  for (const auto& e : made.events)
    if (e.kind != FileEvent::Kind::sync) none.push_back(e);
  std::string first;
  CHECK(broken_disks(made, none, 60, first) > 0);
}

TEST_CASE("after a sync failed the store is verified before it goes on, and nothing is lost", "[reliability]") {
  Scratch folder;
  power_loss::install();
  auto store = SqliteStore::open(folder / "a.db", "e", {.create = true, .vfs = "power-loss"});
  REQUIRE(store);
  Journal j((*store)->epoch());
  REQUIRE((*store)->append(j.reports(0, 1, 50)));
  REQUIRE((*store)->flush());
  const auto ending = GENERATE(as<std::string>{}, "-wal", "");  // "": also those of opening anew.
  for (int round = 0; round < 3; ++round) {
    std::vector<Seq> durable_in_trouble;
    (*store)->listen([&] {
      if ((*store)->trouble()) durable_in_trouble.push_back((*store)->durable());
    });
    const Seq before = (*store)->durable();
    power_loss::fail_syncs(3, ending);
    REQUIRE((*store)->append(j.reports(1 + round, 1, 50)));
    while ((*store)->durable() < j.last()) std::this_thread::yield();
    CHECK((*store)->flush());
    REQUIRE_FALSE(durable_in_trouble.empty());
    CHECK(durable_in_trouble.front() == before);
    (*store)->listen(nullptr);
  }
  power_loss::fail_syncs(0, "");
  CHECK(static_cast<Seq>(all(**store).size()) == j.last());
}
