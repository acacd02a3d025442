// SPDX-License-Identifier: Apache-2.0
#include "unit/link/rig.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <thread>

#include "executors/link/request.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// What a line begins with, by hand.
const std::string kUpgrade =
    "GET /agent HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const std::string kOurs = "Sec-WebSocket-Protocol: x, tune.agent.v1\r\n\r\n";

std::string complaint(const JoinFile& file, Error::Code code, const std::string& agent = "agent-1") {
  const auto joined = join(file, agent);
  REQUIRE_FALSE(joined);
  CHECK(joined.error().code == code);
  return joined.error().message;
}

/// What an agent says who comes with these credentials and may not.
std::string refusal(const std::string& address, const Credentials& credentials, const std::string& beginning) {
  Agent agent(address, credentials);
  return agent.events.take(beginning);
}

/// A request of an agent, as it is written.
Result<detail::Request> raw(const Coordinator& coordinator, const Credentials& credentials, const std::string& bytes) {
  const auto at = split_address(coordinator.hub->address());
  auto request = detail::Request::open(*at, *detail::agent_context(credentials), at->host);
  REQUIRE(request);
  REQUIRE(request->send(bytes));
  return request;
}
int status(Result<detail::Request> request) {
  const auto head = request->receive_head();
  REQUIRE(head);
  return head->status;
}

}  // namespace

TEST_CASE("an agent joins, opens its line, and messages go both ways in order", "[link]") {
  Coordinator coordinator;
  Agent agent(coordinator.hub->address(), coordinator.credentials("agent-1"));
  CHECK(coordinator.events.take("connected") == "connected agent-1 lab slurm-17");
  CHECK(agent.events.take("opened") == "opened 1");
  for (int i = 0; i < 100; ++i) agent.line->send(1, "echo " + std::to_string(i));
  for (int i = 0; i < 100; ++i) CHECK(agent.events.take("received") == "received " + std::to_string(i));
}

TEST_CASE("what the network thread says is not overtaken by what another thread says after it", "[link]") {
  Coordinator coordinator;
  Agent agent(coordinator.hub->address(), coordinator.credentials("agent-1"));
  agent.events.take("opened");
  agent.line->send(1, "both of you");
  CHECK(agent.events.take("received") == "received first");
  CHECK(agent.events.take("received") == "received second");
}

TEST_CASE("nothing is told to a coordinator with another fingerprint", "[link]") {
  Coordinator coordinator, other;
  auto file = coordinator.invite();
  file.fingerprint = other.hub->fingerprint();
  CHECK_THAT(complaint(file, Error::Code::conflict), Catch::Contains("another fingerprint"));
  file = other.invite();
  file.address = coordinator.hub->address();
  CHECK_THAT(complaint(file, Error::Code::conflict), Catch::Contains("not the coordinator of the join file"));
  CHECK_FALSE(coordinator.events.has("turned away"));
}

TEST_CASE("tokens that are used up, expired or forged let nobody in, and a wrong name costs no use", "[link]") {
  Coordinator coordinator;
  const auto now = std::time(nullptr);
  const auto once = coordinator.invite({"lab", "", 1, now + 600, now + 3600});
  CHECK_THAT(complaint(once, Error::Code::invalid, "a b"), Catch::Contains("no name"));
  REQUIRE(join(once, "agent-1"));
  CHECK_THAT(complaint(once, Error::Code::invalid), Catch::Contains("used as often as it may be"));
  auto forged = once;
  forged.token = std::string(64, '0');
  CHECK_THAT(complaint(forged, Error::Code::invalid), Catch::Contains("no such join token"));
  CHECK_THAT(coordinator.events.take("turned away: no such"), Catch::Contains("no such join token"));
}

TEST_CASE("a coordinator that is not there is told so", "[link]") {
  std::optional<Coordinator> coordinator(std::in_place);
  const auto file = coordinator->invite();
  coordinator.reset();
  CHECK_THAT(complaint(file, Error::Code::unreachable), Catch::Contains("cannot reach 127.0.0.1"));
}

TEST_CASE("an agent of another store is not let in, nor does it talk to this one", "[link]") {
  Coordinator coordinator, other;
  auto foreign = other.credentials("agent-1");
  CHECK_THAT(refusal(coordinator.hub->address(), foreign, "closed 0"), Catch::Contains("certificate"));
  foreign.authority = coordinator.credentials("agent-2").authority;  // Ours it believes; its own is not ours.
  CHECK_THAT(refusal(coordinator.hub->address(), foreign, "closed 0"), Catch::Contains("unknown ca"));
  CHECK_FALSE(coordinator.events.has("connected"));
}

TEST_CASE("a server's certificate is no agent's", "[link]") {
  Coordinator coordinator;
  const auto authority = Authority::open(coordinator.folder / "a.db.d", std::time(nullptr));
  const auto server = authority->issue({"127.0.0.1"}, std::time(nullptr));
  refusal(coordinator.hub->address(), {server->chain, server->key, authority->certificate()}, "closed 0");
  CHECK_THAT(coordinator.events.take("turned away"),
             Catch::Contains("unsuitable certificate purpose") || Catch::Contains("unsupported certificate purpose"));
}

TEST_CASE("a peer that speaks another version is refused with both named", "[link]") {
  Coordinator coordinator;
  Agent agent(coordinator.hub->address(), coordinator.credentials("agent-1"), "tune.agent.v7");
  CHECK_THAT(agent.events.take("refused 0"), Catch::Contains("tune.agent.v1") && Catch::Contains("tune.agent.v7"));
  CHECK_THAT(coordinator.events.take("turned away"),
             Catch::Contains("tune.agent.v1") && Catch::Contains("tune.agent.v7"));
  CHECK(status(raw(coordinator, coordinator.credentials("agent-1"), kUpgrade + "\r\n")) == 400);
  coordinator.events.take("the agent names no version");
}

TEST_CASE("a message of 1 MiB passes and one byte more ends the line", "[link]") {
  Coordinator coordinator;
  Agent agent(coordinator.hub->address(), coordinator.credentials("agent-1"));
  agent.events.take("opened 1");
  agent.line->send(1, "whole" + std::string(kFrameLimit - 5, 'a'));
  coordinator.events.take("received whole");
  auto other = raw(coordinator, coordinator.credentials("agent-2"), kUpgrade + kOurs);
  coordinator.events.take("connected agent-2");
  const std::string frame("\x81\xff\x00\x00\x00\x00\x00\x10\x00\x01\x00\x00\x00\x00",
                          14);  // Text, masked, 2^20 + 1 bytes.
  REQUIRE(other->send(frame));
  CHECK_THAT(coordinator.events.take("gone"), Catch::Contains("more than 1 MiB"));
}

TEST_CASE("an agent that takes nothing does not fill the coordinator's memory", "[link]") {
  Coordinator coordinator;
  const auto deaf = raw(coordinator, coordinator.credentials("flooded"), kUpgrade + kOurs);
  CHECK_THAT(coordinator.events.take("gone"), Catch::Contains("more than 16 MiB"));
}

TEST_CASE("a line ends with its certificate", "[link]") {
  Coordinator coordinator;
  const auto now = std::time(nullptr);
  const auto joined = join(coordinator.invite({"lab", "", 1, now + 600, now + 3}), "agent-1");
  REQUIRE(joined);
  Agent agent(coordinator.hub->address(), *joined);
  CHECK_THAT(coordinator.events.take("gone"), Catch::Contains("certificate has expired"));
  CHECK_THAT(agent.events.take("closed 0"), Catch::Contains("certificate expired"));
}

TEST_CASE("a line that was stopped says nothing any more", "[link]") {
  Coordinator coordinator;
  Agent agent(coordinator.hub->address(), coordinator.credentials("agent-1"));
  agent.events.take("opened 1");
  agent.line->stop();
  coordinator.hub.reset();
  agent.line->reconnect_now();
  agent.line->send(1, "echo nobody");
  agent.line->stop();
  CHECK_FALSE(agent.events.has("closed"));
  CHECK_THAT(agent.line->fetch("a", "a").error().message, Catch::Contains("ending") || Catch::Contains("cannot reach"));
}

TEST_CASE("an agent has one line", "[link]") {
  Coordinator coordinator;
  const auto credentials = coordinator.credentials("agent-1");
  Agent first(coordinator.hub->address(), credentials);
  first.events.take("opened 1");
  Agent second(coordinator.hub->address(), credentials);
  CHECK_THAT(second.events.take("closed 0"), Catch::Contains("has a line already"));
  first.line->stop();
  second.events.take("opened 1");
  first.line->send(1, "not any more");
  second.line->send(1, "echo here");
  second.events.take("received here");
  CHECK_FALSE(coordinator.events.has("received"));
}

TEST_CASE("agents of a cancelled allocation may not come again", "[link]") {
  Coordinator coordinator;
  const auto credentials = coordinator.credentials("agent-1");
  coordinator.cancelled = "slurm-17";
  CHECK_THAT(refusal(coordinator.hub->address(), credentials, "refused 0"), Catch::Contains("was cancelled"));
}

TEST_CASE("who is closed hears why, after what was sent before", "[link]") {
  Coordinator coordinator;
  Agent agent(coordinator.hub->address(), coordinator.credentials("agent-1"));
  agent.events.take("opened 1");
  agent.line->send(1, "echo last");
  agent.line->send(1, "close me");
  CHECK_THAT(agent.events.take("closed 1"), Catch::Contains("as you l\xC3\xA4ke"));
  CHECK(agent.events.has("received last"));
  CHECK_THAT(coordinator.events.take("gone"), Catch::Contains("as you l"));
  agent.events.take("opened 2");
}

TEST_CASE("what was for an older opening does not get into a newer one", "[link]") {
  Coordinator coordinator;
  Agent agent(coordinator.hub->address(), coordinator.credentials("agent-1"));
  agent.events.take("opened 1");
  agent.line->reconnect_now();
  agent.events.take("opened 2");
  agent.line->send(1, "old");
  agent.line->send(2, "new");
  coordinator.events.take("received new");
  CHECK_FALSE(coordinator.events.has("received old"));
}

TEST_CASE("lines come back when the coordinator does", "[link]") {
  Coordinator coordinator;
  const auto address = coordinator.hub->address();
  Agent agent(address, coordinator.credentials("agent-1"));
  agent.events.take("opened 1");
  coordinator.hub.reset();
  agent.events.take("closed 1");
  coordinator.open(address);
  agent.events.take("opened 2");
  agent.line->send(2, "echo here again");
  agent.events.take("received here again");
}

TEST_CASE("peers that never finish their handshake keep nobody out", "[link]") {
  Coordinator coordinator;
  const auto at = split_address(coordinator.hub->address());
  const auto credentials = coordinator.credentials("agent-1");
  sockaddr_in to{};
  to.sin_family = AF_INET, to.sin_port = htons(at->port), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<Descriptor> silent;
  for (int i = 0; i < 400; ++i) {
    silent.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(silent.back().get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    if (i % 2) REQUIRE(::send(silent.back().get(), "\x16\x03\x01\x02", 4, MSG_NOSIGNAL) == 4);
  }
  Agent agent(coordinator.hub->address(), credentials);
  agent.events.take("opened 1");
}

TEST_CASE("browsers, strangers and odd requests get an answer and nothing else", "[link]") {
  Coordinator coordinator;
  const auto credentials = coordinator.credentials("agent-1");
  const auto asked = [&](const std::string& line, const std::string& more = "") {
    return status(raw(coordinator, credentials, line + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n"));
  };
  put(coordinator.folder / "file", "here");
  CHECK(asked("GET /bytes/file") == 200);
  CHECK(asked("GET /bytes/file", "Origin: https://evil.example\r\n") == 403);
  CHECK(asked("GET /bytes/secret") == 403);
  CHECK(asked("GET /bytes/none") == 404);
  for (const char* path : {"../file", "a//b", "/file", "a/../file", ".hidden", "a%2fb", "", "a/"})
    CHECK(asked(std::string("GET /bytes/") + path) == 404);
  CHECK(asked("GET /") == 404);
  CHECK(asked("DELETE /bytes/file") == 400);
  CHECK(asked("PUT /bytes/file") == 411);
  CHECK(asked("PUT /bytes/file", "Content-Length: 999999999999\r\n") == 413);
  CHECK(asked("POST /join", "Content-Length: 65537\r\n") == 413);
  CHECK(asked("POST /join", "Content-Length: 2\r\n\r\n{}") == 403);

  const auto at = split_address(coordinator.hub->address());
  auto stranger = detail::Request::open(*at, *detail::stranger_context(), "");
  REQUIRE(stranger);
  REQUIRE(stranger->send("GET /bytes/file HTTP/1.1\r\nHost: a\r\n\r\n"));
  CHECK(status(std::move(stranger)) == 403);
}

TEST_CASE("who does not encrypt is told nothing, whether the port is for this machine or for all", "[link]") {
  Coordinator coordinator(GENERATE("127.0.0.1:0", "0.0.0.0:0"));
  const auto at = split_address(coordinator.hub->address());
  sockaddr_in to{};
  to.sin_family = AF_INET, to.sin_port = htons(at->port), to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const Descriptor plain{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  REQUIRE(::connect(plain.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  const std::string asked = "POST /join HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
  REQUIRE(::send(plain.get(), asked.data(), asked.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(asked.size()));
  std::string got;
  std::array<char, 512> piece{};
  for (ssize_t n = 1; n > 0; got.append(piece.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)))) n = ::recv(plain.get(), piece.data(), piece.size(), 0);
  CHECK_THAT(got, !Catch::Contains("HTTP"));
}

TEST_CASE("files go both ways as they are", "[link]") {
  Coordinator coordinator;
  Agent agent(coordinator.hub->address(), coordinator.credentials("agent-1"));
  const auto bytes = some_bytes(20'000'000);
  const Scratch here;
  put(here / "up", bytes);
  const auto stored = agent.line->store(here / "up", "kept");
  if (!stored) FAIL(stored.error().message);
  CHECK(text(coordinator.folder / "kept") == bytes);
  const auto fetched = agent.line->fetch("kept", here / "down");
  if (!fetched) FAIL(fetched.error().message);
  CHECK(text(here / "down") == bytes);
  put(here / "empty", "");
  CHECK(agent.line->store(here / "empty", "nothing"));
  CHECK(agent.line->fetch("nothing", here / "nothing"));
  CHECK(std::filesystem::file_size(here / "nothing") == 0);
}

TEST_CASE("a transfer that cannot be is told why and leaves nothing", "[link]") {
  Coordinator coordinator;
  Agent agent(coordinator.hub->address(), coordinator.credentials("agent-1"));
  const Scratch here;
  put(here / "up", some_bytes(1'000'000));
  CHECK(agent.line->fetch("none", here / "down").error().code == Error::Code::not_found);
  CHECK_THAT(agent.line->fetch("secret", here / "down").error().message, Catch::Contains("not yours"));
  CHECK_FALSE(std::filesystem::exists(here / "down"));
  CHECK(agent.line->store(here / "none", "a").error().code == Error::Code::io);
  coordinator.whole = [](const std::string&, const std::string&) { return Hub::Answer{409, "its hash is another"}; };
  const auto stored = agent.line->store(here / "up", "a");
  REQUIRE_FALSE(stored);
  CHECK(stored.error().code == Error::Code::conflict);
  CHECK_THAT(stored.error().message, Catch::Contains("its hash is another"));
  CHECK_FALSE(std::filesystem::exists(coordinator.folder / "draft-a"));
}

TEST_CASE("an upload that is cut leaves nothing, and a download neither", "[link]") {
  Coordinator coordinator;
  const auto credentials = coordinator.credentials("agent-1");
  std::atomic<bool> ended = false;
  coordinator.whole = [&](const std::string&, const std::string&) {
    ended = true;
    return Hub::Answer{};
  };
  {
    const auto half =
        raw(coordinator, credentials,
            "PUT /bytes/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + std::string(500'000, 'x'));
    while (!std::filesystem::exists(coordinator.folder / "draft-a")) std::this_thread::yield();
  }
  while (std::filesystem::exists(coordinator.folder / "draft-a")) std::this_thread::yield();
  CHECK_FALSE(ended);

  put(coordinator.folder / "large", some_bytes(50'000'000));
  Agent agent(coordinator.hub->address(), credentials);
  const Scratch here;
  std::thread cut([&] {
    while (!std::filesystem::exists(here / "down")) std::this_thread::yield();
    coordinator.hub.reset();
  });
  const auto fetched = agent.line->fetch("large", here / "down");
  cut.join();
  CHECK(std::filesystem::exists(here / "down") == fetched.has_value());
}

TEST_CASE("a port that is taken is told", "[link]") {
  Coordinator coordinator;
  const auto second = Hub::open({coordinator.folder / "b.db.d", coordinator.hub->address(), {}}, coordinator);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Error::Code::conflict);
  CHECK_THAT(second.error().message, Catch::Contains(coordinator.hub->address()));
  CHECK_FALSE(Hub::open({coordinator.folder / "b.db.d", "gpu1.lab:0", {}}, coordinator));
  CHECK_FALSE(Hub::open({coordinator.folder / "b.db.d", "127.0.0.1:0", {"0.0.0.0"}}, coordinator));
}

TEST_CASE("two hundred agents come at once, and again when the coordinator does", "[link]") {
  Coordinator coordinator;
  const auto address = coordinator.hub->address();
  const auto thread = std::make_shared<LineThread>();
  std::vector<std::unique_ptr<Agent>> agents;
  const auto now = std::time(nullptr);
  const auto authority = Authority::open(coordinator.folder / "a.db.d", now);
  for (int i = 0; i < 200; ++i) {
    const auto wish = make_request();
    const auto certificate = authority->admit(wish->csr, {"agent-" + std::to_string(i), "", ""}, now + 3600, now);
    agents.push_back(std::make_unique<Agent>(address, Credentials{*certificate, wish->key, authority->certificate()},
                                             std::string(kAgentProtocol), thread));
  }
  for (auto& agent : agents) agent->events.take("opened 1");
  coordinator.hub.reset();
  for (auto& agent : agents) agent->events.take("closed 1");
  coordinator.open(address);
  for (auto& agent : agents) agent->events.take("opened 2");
  for (auto& agent : agents) agent->line->send(2, "echo here");
  for (auto& agent : agents) agent->events.take("received here");
}
