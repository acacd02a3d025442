// SPDX-License-Identifier: Apache-2.0
#include "ui/server/trial_columns.hpp"

#include <cmath>
#include <map>

#include "rig.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// A store of trials with all that columns know: metrics that only some report, costs of several attempts, tags, gaps, and
/// parameters that no space declares.
struct Many {
  Scratch folder;
  std::string path = folder / "a.db";
  std::unique_ptr<SqliteStore> store;
  Journal journal;

  /// `extra`: the value of an undeclared parameter of a trial, where it has one.
  explicit Many(const std::map<std::int64_t, Value>& extra) {
    auto opened = SqliteStore::open(path, "digits", {.create = true});
    REQUIRE(opened);
    store = std::move(*opened);
    auto batch = std::make_shared<Batch>();
    batch->records = {journal.observe(Configured{kConfig, "h", "", "me"}), journal.observe(Opened{})};
    for (std::int64_t t = 0; t < 40; ++t) {
      if (t == 9 || t == 20) continue;  // As in a store that was salvaged.
      Propose p;
      p.trial = {t}, p.params = {{"lr", 0.01 * static_cast<double>(t)}, {"opt", t % 3 ? "sgd" : "rms" + std::to_string(t % 4)}};
      if (t % 5) p.params.set("flag", t % 2 == 0);
      if (const auto own = extra.find(t); own != extra.end()) p.params.set("extra", own->second);
      batch->records.push_back(journal.decide(p));
      for (int attempt = 1; attempt <= 2; ++attempt) report(*batch, t, attempt);
      batch->trials.push_back(Served::row(t, t % 7 ? TrialState::complete : TrialState::failed, 1.0 / static_cast<double>(t + 1)));
    }
    batch->records.push_back(journal.observe(Annotated{TrialId{3}, {"x"}, {}, "early", true, "me"}));
    batch->records.push_back(journal.observe(Annotated{TrialId{37}, {"y"}, {}, "late", {}, "me"}));
    append(batch);
  }
  void append(const std::shared_ptr<Batch>& batch) const {
    REQUIRE(store->append(batch));
    REQUIRE(store->flush());
  }
  void report(Batch& batch, std::int64_t t, int attempt) {
    Metrics metrics;
    const auto names = t >= 30 ? std::vector<std::string>{"loss", "late"} : std::vector<std::string>{"loss"};
    metrics.names = std::make_shared<const std::vector<std::string>>(names);
    metrics.values.assign(names.size(), t == 5 ? std::nan("") : static_cast<double>(t * attempt));
    const auto cost = t >= 12 ? std::optional{0.5 * attempt} : std::nullopt;
    batch.records.push_back(journal.observe(Reported{{t}, attempt, 1, 1, std::move(metrics), {}, cost, false}));
  }

  std::unique_ptr<StoreReader> reader() const {
    auto opened = StoreReader::open(path);
    REQUIRE(opened);
    return std::move(*opened);
  }
  TrialColumns columns() const { return {store->experiment(), *read_effective(kConfig)}; }

  std::string read_by_one() const {
    auto columns = this->columns();
    REQUIRE(columns.follow(*reader()));
    return *columns.write({}, {});
  }
  std::string read_by(std::size_t count) const {
    std::vector<std::unique_ptr<StoreReader>> own;
    std::vector<const StoreReader*> readers;
    while (own.size() < count) own.push_back(reader()), readers.push_back(own.back().get());
    const auto together = ReadersTogether::look(readers, store->experiment());
    REQUIRE(together);
    REQUIRE((*together)->size() == count);
    auto columns = this->columns();
    REQUIRE(columns.read(**together));
    return *columns.write({}, {});
  }
};

}  // namespace

TEST_CASE("several readers at once leave the columns that one leaves, byte for byte", "[server]") {
  const Many trials({{2, "text"}, {15, std::int64_t{4}}, {33, "more"}});
  const auto one = trials.read_by_one();
  for (const std::size_t readers : {1, 2, 3, 7}) CHECK(trials.read_by(readers) == one);
}

TEST_CASE("a parameter that is a number in one part of the trials and a text in another is read as by one reader", "[server]") {
  // Whether it is shown as texts is for the first trial that has it: here one in the first part, or only in later ones.
  for (const std::int64_t first : {1, 16}) {
    const Many trials({{first, "text"}, {25, 2.0}, {38, std::int64_t{3}}});
    const auto one = trials.read_by_one();
    for (const std::size_t readers : {2, 3, 4}) CHECK(trials.read_by(readers) == one);
  }
}

TEST_CASE("columns that several readers left follow the store as any others", "[server]") {
  Many trials({{38, 2.0}});
  const auto a = trials.reader(), b = trials.reader();
  auto columns = trials.columns();
  {
    const auto together = ReadersTogether::look({a.get(), b.get()}, trials.store->experiment());
    REQUIRE(together);
    REQUIRE(columns.read(**together));
  }
  CHECK(columns.touched(0, 100)->size() == 38);
  auto batch = std::make_shared<Batch>();
  trials.report(*batch, 3, 3), trials.report(*batch, 35, 3);
  batch->trials = {Served::row(3, TrialState::complete, 7), Served::row(35, TrialState::complete, 8)};
  trials.append(batch);
  const auto before = columns.seq();
  REQUIRE(columns.follow(*a));
  CHECK(columns.touched(before, 100) == std::vector<std::int64_t>{3, 35});
  auto anew = trials.columns();
  REQUIRE(anew.follow(*b));
  CHECK(*columns.write({}, {}) == *anew.write({}, {}));
}

TEST_CASE("readers that look together see one state, whatever is written meanwhile", "[server]") {
  Many trials({});
  const auto a = trials.reader(), b = trials.reader();
  const auto together = ReadersTogether::look({a.get(), b.get()}, trials.store->experiment());
  REQUIRE(together);
  auto batch = std::make_shared<Batch>();
  trials.report(*batch, 3, 3);
  batch->trials = {Served::row(3, TrialState::failed, 99)};
  trials.append(batch);
  CHECK((*together)->seq() + 1 == trials.journal.last());
  auto columns = trials.columns();
  REQUIRE(columns.read(**together));
  CHECK(columns.seq() + 1 == trials.journal.last());
  CHECK(columns.reports(TrialId{3}) == 2);
  CHECK(columns.counts()[static_cast<std::size_t>(TrialState::failed)] == 6);
}

TEST_CASE("readers that look together at an experiment that is gone say so", "[server]") {
  const Many trials({});
  const auto a = trials.reader();
  const auto together = ReadersTogether::look({a.get()}, 77);
  REQUIRE_FALSE(together);
  CHECK(together.error().code == Error::Code::not_found);
}
