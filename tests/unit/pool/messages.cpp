// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/messages.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace tune;

namespace {

Record record(Seq seq, std::variant<Observation, Decided> fact) { return {seq, {12.5}, 0, std::move(fact)}; }

std::vector<Message> one_of_each() {
  WorkerJoined joined;
  joined.agent = "a1", joined.name = "node-3", joined.offers.cpus = 8, joined.offers.devices = {{0, "GPU-x"}}, joined.labels = {"big"};
  Reported report;
  report.trial = {3}, report.attempt = 2, report.seq = 7, report.step = 5;
  report.metrics = {{"loss", std::numeric_limits<double>::quiet_NaN()}, {"a \"b\"", 1e-300}};
  Launch launch;
  launch.trial = {3}, launch.attempt = 2, launch.params = Params{{"lr", 0.1}, {"n", std::int64_t{4}}};
  RanksPlan meeting;
  meeting.first = 2, meeting.count = 2, meeting.world = 4, meeting.node = 1, meeting.nodes = 2;
  meeting.address = "10.0.0.7", meeting.port = 4711, meeting.hosts = {{"node7", 2}, {"node8", 2}};
  return {Hello{joined, "boot", {{"digits", {3}, 2}, {"digits", {4}, 1}}},
          Beat{1.25},
          Happened{"digits", {record(1, Observation{Started{{3}, 2, 0, {1}, 99}}), record(2, Observation{report})}},
          Leaving{"walltime"},
          Reserved{{"digits", {4}, 2}, 2, true, false, "10.0.0.7", "node7", 4711},
          Gone{"a1", "its guard"},
          Welcome{1, 10, 4},
          BeatAnswer{1.25},
          Opening{"digits", {100.5}, "{\"name\": \"digits\"}", "/s/digits", "/s/checkpoints", "mark", {{"inputs.digits", "ab12", 1LL << 40}, {"code", "cd", 0}}},
          Reserve{"digits", 2, record(0, Decided{launch, {4, "asha", "", ""}})},
          Order{"digits", record(0, Decided{launch, {4, "asha", "best \xc3\xa4", "{}"}}), std::numeric_limits<std::uint64_t>::max(), 2, meeting},
          Acknowledged{"digits", 41},
          Fence{{"digits", {3}, 1}, "given away"},
          EndRanks{{"digits", {4}, 2}, "rank 3 ended"},
          Closing{"digits", true, true},
          Dismissal{true, "scale down"}};
}

}  // namespace

TEST_CASE("a message reads back as it was written, NaN and large seeds included", "[pool]") {
  const auto all = one_of_each();
  REQUIRE(all.size() == std::variant_size_v<Message>);
  for (std::size_t i = 0; i < all.size(); ++i) {
    REQUIRE(all[i].index() == i);
    const auto text = write_message(all[i]);
    INFO(text);
    const auto read = read_message(text);
    REQUIRE(read);
    CHECK(*read == all[i]);
  }
}

TEST_CASE("messages of a newer version may say more", "[pool]") {
  const auto read = read_message(R"({"t":"welcome","mood":{"good":[1,2]},"lease":7,"grace":2,"beat":1})");
  REQUIRE(read);
  CHECK(std::get<Welcome>(*read) == Welcome{1, 7, 2});
}

TEST_CASE("what is no message is refused with what is wrong", "[pool]") {
  const auto why = [](std::string_view text) {
    const auto read = read_message(text);
    return read ? "fine" : read.error().message;
  };
  CHECK(why("") == "this is no message of tune.agent.v1: it does not begin with {\"t\":\"…\"");
  CHECK(why(R"({"t":"shout"})") == "this is no message of tune.agent.v1: there is no `shout`");
  CHECK(why(R"({"t":"beat","sent":"now"})") == "this is no message of tune.agent.v1: `sent` is not what it should be");
  CHECK(why(R"({"t":"order","experiment":"x","fact":{"kind":"Nothing"}})") != "fine");
  CHECK(why(R"({"t":"happened","experiment":"x","facts":[1]})") != "fine");
  CHECK(why(R"({"t":"acknowledged","experiment":"x","seq":1.5})") != "fine");
  CHECK(why(R"({"t":"leaving","why":"x"} and more)") != "fine");
}

TEST_CASE("no message that is cut short is taken for a whole one", "[pool]") {
  for (const auto& message : one_of_each()) {
    const auto text = write_message(message);
    for (std::size_t n = 0; n < text.size(); ++n) CHECK_FALSE(read_message(std::string_view{text}.substr(0, n)));
  }
}
