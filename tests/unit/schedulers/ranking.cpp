// SPDX-License-Identifier: Apache-2.0
#include "schedulers/ranking.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tuner/rng.hpp"

namespace ranking_test {

using namespace tune;
using Entry = detail::RungRanking::Entry;

namespace {

void check(const detail::RungRanking& ranking, const std::vector<Entry>& sorted) {
  REQUIRE(ranking.size() == static_cast<std::int64_t>(sorted.size()));
  bool same = ranking.first() == sorted.front() && ranking.last() == sorted.back();
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const auto place = static_cast<std::int64_t>(i) + 1;
    same = same && ranking.rank(sorted[i]) == place && ranking.at(place) == sorted[i];
  }
  CHECK(same);
}

}  // namespace

TEST_CASE("a ranking knows every entry's place, also after others have left", "[schedulers]") {
  detail::RungRanking ranking;
  std::vector<Entry> all;
  Rng rng{1, 2};
  for (std::int64_t i = 0; i < 5000; ++i) {
    all.push_back({static_cast<double>(rng.below(900)), TrialId{i}});
    ranking.insert(all.back());
  }
  std::sort(all.begin(), all.end());
  check(ranking, all);

  std::vector<Entry> rest;
  for (const Entry& e : all)
    if (e.score < 300 || rng.below(2) == 0)
      ranking.erase(e);
    else
      rest.push_back(e);
  check(ranking, rest);
  ranking.erase(all.front());  // It is not in any more.
  check(ranking, rest);
  CHECK(ranking.rank(all.front()) == 1);

  for (const Entry& e : rest) ranking.erase(e);
  CHECK(ranking.empty());
  CHECK(ranking.rank(all.front()) == 1);
  ranking.insert(all.back());
  check(ranking, {all.back()});
}

}  // namespace ranking_test
