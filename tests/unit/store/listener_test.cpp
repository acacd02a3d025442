// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <catch2/catch.hpp>

#include "store/sqlite/sqlite_store.hpp"
#include "support/journals.hpp"
#include "support/scratch.hpp"

using namespace tune;
using namespace tune::test;

TEST_CASE("a listener that was taken back is not called, and not running any more", "[store]") {
  Scratch folder;
  auto store = SqliteStore::open(folder / "tune.db", "e", {.create = true});
  REQUIRE(store);
  Journal journal((*store)->epoch());
  std::atomic<int> late{0};
  for (int i = 0; i < 50; ++i) {
    const auto alive = std::make_shared<std::atomic<bool>>(true);
    (*store)->listen([&late, alive] {
      for (int spin = 0; spin < 1000; ++spin) late += !*alive;
    });
    REQUIRE((*store)->append(journal.reports(0, 1 + i, 1)));
    REQUIRE((*store)->flush());
    (*store)->listen({});
    *alive = false;
  }
  CHECK(late == 0);
}
