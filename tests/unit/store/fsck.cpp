// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/fsck.hpp"

#include <catch2/catch.hpp>

#include "store/sqlite/copies.hpp"
#include "store/sqlite/database.hpp"
#include "store/sqlite/reader.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "support/journals.hpp"
#include "support/scratch.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// A store with one experiment "e": trials of one attempt with two reports each, all complete, and finished.
struct Stored {
  Scratch folder;
  std::string path = folder / "a.db";
  std::vector<TrialRow> rows;

  explicit Stored(std::int64_t trials = 3) {
    auto store = SqliteStore::open(path, "e", {.create = true});
    REQUIRE(store);
    Journal j;
    auto b = std::make_shared<Batch>();
    b->records = {j.observe(Configured{"{}", "h", "", "me"}), j.observe(Opened{})};
    for (std::int64_t t = 0; t < trials; ++t) {
      b->records.push_back(j.decide(Propose{{t}, {{"lr", 0.1}, {"n", t}}, "sampler", "random", 0, 0, {}, {}, 0, 0}));
      b->records.push_back(j.decide(Launch{{t}, 1, Form::fresh, {}, kNoStep, {}, {}, {}, false}));
      b->records.push_back(j.observe(Started{{t}, 1, 0, {0}, 1}));
      b->records.push_back(j.report(t, 1, 0.9));
      b->records.push_back(j.report(t, 2, 0.5));
      b->records.push_back(j.observe(Exited{{t}, 1, Cause::done, 0, {}, 0, {}, 2, ""}));
      b->records.push_back(j.decide(Settle{{t}, TrialState::complete, Cause::done, {0.5}, true, 2}));
      TrialRow row;
      row.id = {t}, row.state = TrialState::complete, row.attempt = 1, row.reports = 2, row.last_step = 2,
      row.value = 0.5;
      rows.push_back(row);
    }
    b->records.push_back(j.decide(Finish{0, {}}));
    b->trials = rows;
    b->best = TrialId{0};
    REQUIRE((*store)->append(b));
    REQUIRE((*store)->flush());
  }

  void execute(const std::string& sql) {
    sqlite::Database db(path, SQLITE_OPEN_READWRITE);
    db.execute(sql);
  }
  /// The invariants that do not hold, each once.
  std::string broken(const FsckOptions& options = {}) {
    const auto report = fsck(path, "e", options);
    if (!report) return report.error().message;
    std::string names;
    for (const auto& f : report->findings)
      if (names.find(f.invariant) == std::string::npos) names += (names.empty() ? "" : " ") + f.invariant;
    return names;
  }
};

}  // namespace

TEST_CASE("a sound store has no findings", "[store][fsck]") {
  Stored s;
  FsckOptions options{.expected = s.rows, .complete = true, .budget = 3};
  options.ledger = read_ledger("0 1 1 0.9\n# acknowledged\n\n2 1 2 0.5\n").value();
  const auto report = fsck(s.path, "e", options);
  REQUIRE(report);
  CHECK(report->ok());
  CHECK(report->trials == 3);
  CHECK(report->records == 24);
  CHECK(fsck(s.path, "other").error().code == Error::Code::not_found);
}

TEST_CASE("fsck finds what was changed behind our back", "[store][fsck]") {
  Stored s;
  const auto [sql, invariant] = GENERATE(table<std::string, std::string>({
      {"DELETE FROM reports WHERE id = (1 << 40 | 6)", "journal"},
      {"DELETE FROM facts WHERE id = (1 << 40 | 24)", "journal"},
      {"UPDATE facts SET body = '{\"trial\":' WHERE id = (1 << 40 | 5)", "journal"},
      {"UPDATE facts SET kind = 'Nonsense' WHERE id = (1 << 40 | 5)", "journal"},
      {"UPDATE facts SET at = 1 WHERE id = (1 << 40 | 5)", "journal"},
      {"UPDATE owner SET last_seq = 99", "journal"},
      {"UPDATE facts SET body = '{\"trial\":0,\"attempt\":2}' WHERE id = (1 << 40 | 4)", "trial"},
      {"UPDATE facts SET body = '{\"trial\":7}' WHERE id = (1 << 40 | 3)", "trial projection"},
      {"UPDATE facts SET kind = 'Exited', body = '{\"trial\":0,\"attempt\":1}' WHERE id = (1 << 40 | 9)", "trial"},
      {"UPDATE facts SET body = '{\"trial\":0,\"attempt\":1,\"from\":\"sha\"}' WHERE id = (1 << 40 | 4)", "checkpoint"},
      {"UPDATE trials SET state = 'failed' WHERE id = (1 << 40)", "projection"},
      {"UPDATE trials SET value = 'nan' WHERE id = (1 << 40)", "projection"},
      {"DELETE FROM trials WHERE id = (1 << 40 | 2)", "projection"},
      {"UPDATE params SET value = 0.2 WHERE name = 'lr'", "projection"},
      {"DELETE FROM params WHERE name = 'n'", "projection"},
      {"UPDATE trials SET state = 'running'", "complete projection"},
      {"UPDATE experiments SET state = 'running'", "complete"},
  }));
  INFO(sql);
  s.execute(sql);
  const auto found = s.broken({.expected = s.rows, .complete = true});
  CHECK((found == invariant || found.find(invariant) != std::string::npos));
  CHECK_FALSE(found.empty());
}

TEST_CASE("a report of an attempt that a newer one replaced is found", "[store][fsck]") {
  Stored s(1);
  auto store = SqliteStore::open(s.path, "e");
  REQUIRE(store);
  Journal j{(*store)->epoch(), (*store)->durable()};
  REQUIRE((*store)->append(
      batch({j.decide(Retry{{0}, 1, {}, {}, {}}),
             j.decide(Launch{{0}, 2, Form::restart, {}, kNoStep, {}, {}, {}, false}), j.report(0, 3, 0.25)})));
  REQUIRE((*store)->flush());
  CHECK(s.broken() == "report");
}

TEST_CASE("fsck holds the store to the ledger and to the budget", "[store][fsck]") {
  Stored s;
  FsckOptions options;
  options.ledger = {{{0}, 1, 3, 0.5}};
  CHECK(s.broken(options) == "ledger");
  options.ledger = {{{0}, 1, 1, 0.91}};
  CHECK(s.broken(options) == "ledger");
  CHECK(s.broken({.budget = 2}) == "budget");
  CHECK(read_ledger("0 1 x 3").error().message.find("line 1") != std::string::npos);
}

TEST_CASE("rebuilding makes the projections anew from the fold and the facts", "[store][fsck]") {
  Stored s;
  {
    auto store = SqliteStore::open(s.path, "e");
    Journal j{2, 24};
    REQUIRE((*store)->append(batch({j.observe(Annotated{TrialId{1}, {"keep"}, {}, {}, true, "me"})})));
    CHECK(rebuild_projections(s.path, "e", s.rows, TrialId{2}).error().code == Error::Code::conflict);
  }
  s.execute("DELETE FROM params; DELETE FROM trials; UPDATE experiments SET best_trial=NULL, state='new'");
  CHECK_FALSE(s.broken({.expected = s.rows}).empty());
  REQUIRE(rebuild_projections(s.path, "e", s.rows, TrialId{2}));
  CHECK(s.broken({.expected = s.rows, .complete = true}).empty());
  auto reader = StoreReader::open(s.path);
  CHECK((*reader)->experiment("e")->best_trial == TrialId{2});
  CHECK((*reader)->trial(1, {1})->tags == std::vector<std::string>{"keep"});
}

TEST_CASE("a backup beside a live owner is a store like the original", "[store]") {
  Stored s;
  auto store = SqliteStore::open(s.path, "e");
  REQUIRE(store);
  REQUIRE(backup(s.path, s.folder / "b.db"));
  CHECK(fsck(s.folder / "b.db", "e", {.expected = s.rows, .complete = true})->ok());
  CHECK(backup(s.path, s.folder / "b.db").error().code == Error::Code::conflict);
  CHECK(backup(s.folder / "none.db", s.folder / "c.db").error().code == Error::Code::not_found);
}

TEST_CASE("salvage copies what can be read and says what is missing", "[store]") {
  Stored s(2000);
  const auto whole = salvage(s.path, s.folder / "whole.db");
  REQUIRE(whole);
  CHECK((whole->missing == 0 && whole->facts + whole->reports == 14003 && whole->trials == 2000));
  CHECK(fsck(s.folder / "whole.db", "e", {.expected = s.rows, .complete = true})->ok());

  // A page in the middle of the facts becomes zeros.
  const auto size = std::filesystem::file_size(s.path);
  std::FILE* file = std::fopen(s.path.c_str(), "r+b");
  const std::string zeros(4096, '\0');
  int hit = 0;
  for (std::uintmax_t page = size / 4096 / 3; page < size / 4096 && hit < 3; ++page) {
    std::fseek(file, static_cast<long>(page * 4096), SEEK_SET);
    const int type = std::fgetc(file);
    if (type != 0x0d) continue;  // A leaf of a table.
    std::fseek(file, static_cast<long>(page * 4096), SEEK_SET);
    std::fwrite(zeros.data(), 1, zeros.size(), file);
    ++hit;
  }
  std::fclose(file);
  const auto some = salvage(s.path, s.folder / "some.db");
  INFO((some ? "" : some.error().message));
  REQUIRE(some);
  CHECK((some->missing > 0 || some->trials < 2000));
  CHECK(some->facts + some->reports > 13000);
  const auto first = salvage(s.path, s.folder / "first.db", {.resumable = true});
  REQUIRE(first);
  CHECK(SqliteStore::open(s.folder / "first.db", "e"));
}
