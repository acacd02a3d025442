// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/sqlite_store.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "support/journals.hpp"
#include "support/scratch.hpp"

using namespace tune;
using namespace tune::test;

namespace {
std::unique_ptr<SqliteStore> opened(const std::string& path, OpenOptions options = {.create = true}) {
  auto store = SqliteStore::open(path, "e", options);
  INFO((store ? "" : store.error().message));
  REQUIRE(store);
  return std::move(store).value();
}
}  // namespace

TEST_CASE("what was appended reads back bit for bit after the store was closed", "[store]") {
  Scratch folder;
  Journal journal;
  std::vector<Record> written;
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  written.push_back(journal.observe(Configured{R"({"name":"e"})", "hash", "", "me"}));
  written.push_back(journal.decide(Propose{{0},
                                           {{"lr", 0.1}, {"n", std::int64_t{3}}, {"f", 3.0}, {"b", true}, {"s", "x"}},
                                           "sampler",
                                           "tpe",
                                           1,
                                           0.25,
                                           {},
                                           {},
                                           0},
                                   {1, "tpe", "because", R"({"draw":1})"}));
  written.push_back(journal.observe(
      Reported{{0}, 1, 1, 5, {{"a", nan}, {"b", inf}, {"c", -inf}, {"d", -0.0}}, {nan, 1, -inf}, 2.5, true}));
  written.push_back(journal.observe(
      Reported{{0},
               1,
               2,
               6,
               {{"0", 0}, {"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"5", 5}, {"6", 6}, {"7", 7}, {"8", nan}, {"9", inf}},
               {},
               nan,
               false}));
  written.push_back(journal.observe(Reported{{0}, 1, 3, 7, {}, {}, {}, false}));
  {
    auto store = opened(folder / "a.db");
    REQUIRE(store->created());
    REQUIRE(store->epoch() == 1);
    REQUIRE(store->append(batch(written)));
    REQUIRE(store->flush());
    REQUIRE(store->durable() == 5);
  }
  auto store = opened(folder / "a.db");
  REQUIRE(store->durable() == 5);
  const auto read = all(*store);
  REQUIRE(read.size() == 5);
  CHECK(read[1] == written[1]);
  CHECK(std::get<Observation>(read[2].fact).index() == std::get<Observation>(written[2].fact).index());
  const auto& first = *read[2].as<Reported>();
  CHECK(first.metrics == written[2].as<Reported>()->metrics);
  CHECK(std::signbit(first.metrics.values[3]));
  CHECK(std::isnan(first.constraints[0]));
  CHECK(first.constraints[2] == -inf);
  CHECK(first.cost == 2.5);
  CHECK(first.final);
  CHECK(read[3].as<Reported>()->metrics == written[3].as<Reported>()->metrics);
  CHECK(read[4] == written[4]);
}
