// SPDX-License-Identifier: Apache-2.0
// What every store promises (tuner/store.hpp), over all stores.
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <thread>

#include "store/memory.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "support/every_fact.hpp"
#include "support/journals.hpp"
#include "support/scratch.hpp"
#include "tuner/facts_json.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// One journal, and a way to give it its next owner.
class Rig {
 public:
  virtual ~Rig() = default;
  virtual Store& open() = 0;
};

class MemoryRig : public Rig {
 public:
  explicit MemoryRig(std::size_t newest) : store_(newest) {}
  Store& open() override {
    if (opened_++) store_.reopen();
    return store_;
  }

 private:
  MemoryStore store_;
  int opened_ = 0;
};

class SqliteRig : public Rig {
 public:
  Store& open() override {
    store_.reset();
    auto opened = SqliteStore::open(folder_ / "contract.db", "e", {.create = true});
    INFO((opened ? "" : opened.error().message));
    REQUIRE(opened);
    store_ = std::move(opened).value();
    return *store_;
  }

 private:
  Scratch folder_;
  std::unique_ptr<SqliteStore> store_;
};

struct Entry {
  const char* name;
  std::function<std::unique_ptr<Rig>()> make;
};
const std::vector<Entry> kStores = {{"memory", [] { return std::make_unique<MemoryRig>(1'000'000); }},
                                    {"memory, all but the newest packed", [] { return std::make_unique<MemoryRig>(2); }},
                                    {"sqlite", [] { return std::make_unique<SqliteRig>(); }}};

std::unique_ptr<Rig> each_store() {
  const auto at = GENERATE(range<std::size_t>(0, kStores.size()));
  UNSCOPED_INFO(kStores[at].name);
  return kStores[at].make();
}

}  // namespace

TEST_CASE("a new journal is empty and its first epoch is 1", "[contract][store]") {
  auto rig = each_store();
  Store& store = rig->open();
  CHECK(store.durable() == 0);
  CHECK(store.epoch() == 1);
  CHECK(all(store).empty());
  CHECK(store.flush());
  CHECK_FALSE(store.trouble());
}

TEST_CASE("records read back in the order and with the content that they were appended with", "[contract][store]") {
  auto rig = each_store();
  Store& store = rig->open();
  std::vector<Record> written = every_fact();
  for (std::size_t i = 0; i < written.size(); ++i)
    written[i].seq = static_cast<Seq>(i) + 1, written[i].epoch = store.epoch();
  std::vector<Record> turn;
  for (const auto& r : written) {
    turn.push_back(r);
    if (turn.size() == 3) REQUIRE(store.append(batch(std::exchange(turn, {}))));
  }
  REQUIRE(store.append(batch(turn)));
  REQUIRE(store.flush());
  CHECK(store.durable() == static_cast<Seq>(written.size()));
  const auto read = all(rig->open());
  REQUIRE(read.size() == written.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    INFO(to_json_line(written[i]));
    CHECK(to_json_line(read[i]) == to_json_line(written[i]));
  }
}

TEST_CASE("reading may begin anywhere", "[contract][store]") {
  auto rig = each_store();
  Store& store = rig->open();
  Journal journal;
  REQUIRE(store.append(journal.reports(0, 1, 10)));
  REQUIRE(store.append(batch({journal.observe(TimePassed{})})));
  REQUIRE(store.flush());
  Store& again = rig->open();
  CHECK(all(again, 1).size() == 11);
  CHECK(all(again, 8).front().seq == 8);
  CHECK(all(again, 11).size() == 1);
  CHECK(all(again, 12).empty());
}

TEST_CASE("each owner has a greater epoch and goes on where the last one stopped", "[contract][store]") {
  auto rig = each_store();
  for (std::int64_t owner = 1; owner <= 3; ++owner) {
    Store& store = rig->open();
    CHECK(store.epoch() == owner);
    CHECK(store.durable() == (owner - 1) * 5);
    Journal journal{owner, store.durable()};
    REQUIRE(store.append(journal.reports(owner, 1, 5)));
    REQUIRE(store.flush());
  }
  CHECK(all(rig->open()).back().epoch == 3);
}

TEST_CASE("the listener hears when something has become durable", "[contract][store]") {
  auto rig = each_store();
  Store& store = rig->open();
  std::atomic<Seq> heard{0};
  store.listen([&] { heard = store.durable(); });
  Journal journal;
  REQUIRE(store.append(journal.reports(0, 1, 100)));
  REQUIRE(store.flush());
  while (heard < 100) std::this_thread::yield();
  CHECK(store.durable() == 100);
  store.listen(nullptr);
}

TEST_CASE("a batch without records carries rows and changes no seq", "[contract][store]") {
  auto rig = each_store();
  Store& store = rig->open();
  Journal journal;
  REQUIRE(store.append(journal.reports(0, 1, 2)));
  TrialRow row;
  row.id = {0};
  REQUIRE(store.append(batch({}, {row})));
  REQUIRE(store.append(journal.reports(0, 3, 1)));
  REQUIRE(store.flush());
  CHECK(store.durable() == 3);
}

TEST_CASE("many batches from a fast producer keep their order", "[contract][store]") {
  auto rig = each_store();
  Store& store = rig->open();
  Journal journal;
  for (int turn = 0; turn < 300; ++turn) REQUIRE(store.append(journal.reports(turn % 7, 1 + 40 * (turn / 7), 40)));
  REQUIRE(store.flush());
  CHECK(store.durable() == journal.last());
  Seq expected = 0;
  for (const auto& record : all(rig->open())) {
    ++expected;
    if (record.seq != expected) FAIL("seq " << record.seq << " where " << expected << " should be");
  }
  CHECK(expected == journal.last());
}
