// SPDX-License-Identifier: Apache-2.0
// What whole experiments write, with every fault the simulator knows and kills in between, passes fsck.
#include <catch2/catch.hpp>
#include <map>

#include "store/sqlite/fsck.hpp"
#include "store/sqlite/reader.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "support/scratch.hpp"
#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

TEST_CASE("fsck finds nothing wrong in what an experiment with faults and kills has written", "[simulation][store]") {
  const auto scheduler = GENERATE(as<std::string>{}, "fifo", "asha");
  INFO(scheduler);
  Spec spec = simulated_spec(mixed_space());
  spec.search = {"random", {}};
  spec.scheduler = {scheduler, {}};
  spec.retry.max = 2, spec.retry.on = {Cause::exit, Cause::silence, Cause::lost};
  spec.checkpoint->every = 2;
  SimulatorOptions options;
  options.workers = 4, options.save_seconds = 0.25, options.spread = 1, options.jitter = 0.5, options.seed = 11;
  options.faults = {.crash = 0.1,
                    .lost = 0.1,
                    .late = 0.1,
                    .hang = 0.05,
                    .preempt = 0.1,
                    .nan = 0.02,
                    .duplicate = 0.05,
                    .worker_loss = 5};
  World world{spec, options};
  for (Seq k = 150; !world.run(k);) REQUIRE((k += 150) < 100000);
  REQUIRE(world.wrong() == "");

  Scratch folder;
  std::unique_ptr<SqliteStore> store;
  std::map<TrialId, TrialRow> rows;
  for (const auto& batch : world.store.batches()) {
    const auto epoch = batch->records.front().epoch;
    while (!store || store->epoch() < epoch) {
      store.reset();
      store = std::move(SqliteStore::open(folder / "a.db", "e", {.create = true})).value();
    }
    REQUIRE(store->append(batch));
    for (const auto& row : batch->trials) rows[row.id] = row;
  }
  REQUIRE(store->flush());
  std::vector<TrialRow> expected;
  for (const auto& [id, row] : rows) expected.push_back(row);
  const auto report = fsck(folder / "a.db", "e", {.expected = expected, .complete = true, .budget = spec.stop.trials});
  REQUIRE(report);
  for (const auto& finding : report->findings) UNSCOPED_INFO(finding.invariant << ": " << finding.text);
  CHECK(report->ok());
  CHECK(static_cast<std::size_t>(report->records) == world.store.records().size());
  const auto counts = StoreReader::open(folder / "a.db").value()->experiment("e");
  CHECK(counts->state == "finished");
  CHECK(counts->best_trial);
}
