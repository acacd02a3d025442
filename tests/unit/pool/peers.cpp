// SPDX-License-Identifier: Apache-2.0
// What a pool says to peers that are old, broken or not who they say they are: agents played over real lines.
#include <catch2/catch.hpp>

#include "executors/pool/invitation.hpp"
#include "executors/pool/pool.hpp"
#include "unit/link/rig.hpp"

using namespace tune;

namespace {

const std::string kId(32, 'a'), kOther(32, 'b');

/// A pool with one experiment, and what it hears of agents.
class Listening : public Pool::Member {
 public:
  Scratch folder;
  test::Events events;
  std::shared_ptr<Pool> pool;

  explicit Listening(double lease = 20) {
    Pool::Settings settings;
    settings.folder = folder / "a.db.d";
    settings.times.lease = lease, settings.times.beat = lease / 10;
    auto opened = Pool::of(settings);
    if (!opened) FAIL(opened.error().message);
    pool = std::move(*opened);
    pool->enter({"digits", {1}, "{}", folder / "a.db.d/digits", folder / "a.db.d/checkpoints", "mark"}, *this);
  }
  ~Listening() override { pool->leave("digits"); }

  JoinFile invitation() const {
    const auto now = std::time(nullptr);
    auto file = invite(pool->folder(), pool->address(), {"lab", "slurm-17", 1, now + 600, now + 3600}, now);
    REQUIRE(file);
    return *file;
  }
  Credentials credentials(const std::string& agent) const {
    auto joined = join(invitation(), agent);
    if (!joined) FAIL(joined.error().message);
    return *joined;
  }

  void hear(Pool::News news) override {
    if (const auto* came = std::get_if<Pool::Came>(&news)) events.add("came " + came->worker.agent + " of " + came->worker.group);
    if (const auto* told = std::get_if<Pool::Told>(&news)) events.add("told " + std::to_string(told->facts.size()));
    if (const auto* changed = std::get_if<Pool::Changed>(&news)) events.add("changed " + changed->change.agent + ": " + changed->change.proof);
  }
};

std::string hello_of(const std::string& agent) {
  Hello hello;
  hello.worker.agent = agent, hello.worker.name = "node1", hello.worker.group = "of its own choice";
  return write_message(hello);
}

}  // namespace

TEST_CASE("an agent is of the group that its certificate vouches for, whatever it says", "[pool]") {
  Listening there;
  test::Agent agent(there.pool->address(), there.credentials(kId));
  agent.events.take("opened 1");
  agent.line->send(1, hello_of(kId));
  CHECK(there.events.take("came") == "came " + kId + " of lab");
  agent.events.take("\"welcome\"");
  agent.events.take("\"opening\"");
}

TEST_CASE("an agent of another version is told both", "[pool]") {
  Listening there;
  test::Agent agent(there.pool->address(), there.credentials(kId), "tune.agent.v9");
  const auto why = agent.events.take("refused");
  CHECK_THAT(why, Catch::Contains("tune.agent.v9") && Catch::Contains("tune.agent.v1"));
}

TEST_CASE("a peer that says what is no message is told so and cut off", "[pool]") {
  Listening there;
  test::Agent agent(there.pool->address(), there.credentials(kId));
  agent.events.take("opened 1");
  agent.line->send(1, R"({"t":"hello","worker":7})");
  CHECK_THAT(agent.events.take("closed 1"), Catch::Contains("this is no message of tune.agent.v1: `worker`"));
  agent.events.take("opened 2");
  agent.line->send(2, write_message(Beat{1}));
  CHECK_THAT(agent.events.take("closed 2"), Catch::Contains("it did not say hello"));
  agent.events.take("opened 3");
  agent.line->send(3, hello_of(kId));
  agent.line->send(3, write_message(Welcome{}));
  CHECK_THAT(agent.events.take("closed 3"), Catch::Contains("that is not for an agent to say"));
}

TEST_CASE("an agent that says it is another one is refused, and cannot bury it", "[pool]") {
  Listening there;
  test::Agent other(there.pool->address(), there.credentials(kOther));
  other.events.take("opened 1");
  other.line->send(1, hello_of(kOther));
  there.events.take("came " + kOther);

  test::Agent liar(there.pool->address(), there.credentials(kId));
  liar.events.take("opened 1");
  liar.line->send(1, hello_of(kOther));
  CHECK_THAT(liar.events.take("closed 1"), Catch::Contains("its certificate is for another agent"));
  liar.events.take("opened 2");
  liar.line->send(2, write_message(Gone{kOther, "it died"}));
  liar.events.take("closed 2");
  other.line->send(1, write_message(Beat{7}));
  other.events.take("beat_answer");
  CHECK_FALSE(there.events.has("changed"));
}

TEST_CASE("an agent is lost at once by its guard's word", "[pool]") {
  Listening there;
  const auto credentials = there.credentials(kId);
  auto agent = std::make_unique<test::Agent>(there.pool->address(), credentials);
  agent->events.take("opened 1");
  agent->line->send(1, hello_of(kId));
  there.events.take("came");
  agent.reset();
  test::Agent guard(there.pool->address(), credentials);
  guard.events.take("opened");
  guard.line->send(1, write_message(Gone{kId, "it died"}));
  CHECK(there.events.take("changed") == "changed " + kId + ": it said so");
}

TEST_CASE("when an allocation is over nobody joins by it, and of its agents only those that are here come back", "[pool]") {
  Listening there;
  const auto early = there.credentials(kId), late = there.credentials(kOther);
  const auto unused = there.invitation();
  test::Agent agent(there.pool->address(), early);
  agent.events.take("opened 1");
  agent.line->send(1, hello_of(kId));
  there.events.take("came " + kId);
  REQUIRE(there.pool->shut_out("slurm-17"));

  test::Agent other(there.pool->address(), late);
  CHECK_THAT(other.events.take("refused"), Catch::Contains("its allocation is over"));
  CHECK_THAT(there.pool->turned_away(), Catch::Contains("agent " + kOther + ": its allocation is over"));
  const auto joined = join(unused, "c");
  REQUIRE_FALSE(joined);
  CHECK_THAT(joined.error().message, Catch::Contains("no such join token"));

  agent.line->reconnect_now();
  agent.events.take("opened 2");
  agent.line->send(2, write_message(Gone{kId, "its time is over"}));
  there.events.take("changed " + kId + ": it said so");
  CHECK_THAT(agent.events.take("refused"), Catch::Contains("its allocation is over"));
}

TEST_CASE("a line that never says hello is closed", "[pool]") {
  Listening there(0.4);
  test::Agent agent(there.pool->address(), there.credentials(kId));
  agent.events.take("opened 1");
  CHECK_THAT(agent.events.take("closed 1"), Catch::Contains("it did not say hello"));
}
