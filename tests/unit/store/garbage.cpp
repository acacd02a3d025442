// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/garbage.hpp"

#include <catch2/catch.hpp>
#include <filesystem>

#include "store/sqlite/sqlite_store.hpp"
#include "support/journals.hpp"
#include "support/scratch.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// A trial that saved a, b and c; a was collected, c is gone from the disk. Beside them lies what nobody knows.
struct Saved {
  Scratch folder;
  std::string path = folder / "a.db";
  std::unique_ptr<SqliteStore> store;

  Saved() {
    auto opened = SqliteStore::open(path, "mnist", {.create = true});
    REQUIRE(opened);
    store = std::move(*opened);
    Journal j;
    std::vector<Record> records = {j.observe(Configured{"{}", "h", "", "me"}), j.observe(Opened{}),
                                   j.decide(Propose{{0}, {{"lr", 0.1}}, "sampler", "random", 0, 0, {}, {}, 0})};
    for (const char* name : {"a", "b", "c"}) records.push_back(j.observe(Checkpointed{{0}, 1, 1, name, 10, 0, ""}));
    records.push_back(j.observe(Collected{{"a"}, 10}));
    REQUIRE(store->append(batch(std::move(records))));
    REQUIRE(store->flush());
    for (const char* name : {"b", ".saving-1-1", "nobody's"})
      std::filesystem::create_directories(path + ".d/checkpoints/" + name);
  }
  CheckpointCensus census() {
    const auto reader = StoreReader::open(path);
    REQUIRE(reader);
    auto made = count_checkpoints(**reader, path);
    REQUIRE(made);
    return std::move(*made);
  }
};

}  // namespace

TEST_CASE_METHOD(Saved, "the census of checkpoints tells what is kept, missing and nobody's", "[checkpoints]") {
  const auto census = this->census();
  REQUIRE(census.kept.size() == 1);
  CHECK(census.kept.front().count == 2);
  CHECK(census.kept.front().bytes == 20);
  CHECK(census.garbage == std::vector<std::string>{".saving-1-1", "nobody's"});
  CHECK(census.missing == std::vector<std::string>{"c"});
}

TEST_CASE_METHOD(Saved, "the census names the experiments that somebody runs", "[checkpoints]") {
  CHECK(census().open == std::vector<std::string>{"mnist"});
  store.reset();
  CHECK(census().open.empty());
}
