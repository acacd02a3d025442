// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "executors/link/join_file.hpp"
#include "executors/link/join_tokens.hpp"
#include "support/scratch.hpp"

using namespace tune;
namespace fs = std::filesystem;

namespace {

constexpr std::time_t kNow = 1'800'000'000;
const std::string kFingerprint = [] {
  std::string text = "0A";
  for (int i = 1; i < 32; ++i) text += ":1B";
  return text;
}();
const JoinFile kFile{"gpu1.lab:7741", kFingerprint, std::string(64, 'a'), "lab", kNow + 60};
const JoinTerms kTerms{"lab", "slurm-17", 2, kNow + 60, kNow + 3600};

std::string text(const std::string& path) {
  std::ostringstream all;
  all << std::ifstream(path).rdbuf();
  return all.str();
}
std::string token(JoinTokens& tokens, const JoinTerms& terms = kTerms) {
  const auto made = tokens.make(terms, kNow);
  REQUIRE(made);
  return *made;
}
Error::Code refusal(JoinTokens& tokens, const std::string& token, std::time_t now = kNow) {
  const auto redeemed = tokens.redeem(token, now);
  REQUIRE_FALSE(redeemed);
  return redeemed.error().code;
}

}  // namespace

TEST_CASE("a join file comes back as it was written, for its owner alone", "[link]") {
  const Scratch folder;
  REQUIRE(write_join_file(folder / "a.join", kFile));
  CHECK(static_cast<int>(fs::status(folder / "a.join").permissions()) == 0600);
  const auto read = read_join_file(folder / "a.join", kNow);
  REQUIRE(read);
  CHECK(*read == kFile);
}

TEST_CASE("a join file is found through a link, as Secrets are mounted", "[link]") {
  const Scratch folder;
  REQUIRE(write_join_file(folder / "a.join", kFile));
  fs::create_symlink(folder / "a.join", folder / "link");
  CHECK(read_join_file(folder / "link", kNow));
}

TEST_CASE("a join file that cannot be used says why and what to do", "[link]") {
  const Scratch folder;
  const auto path = folder / "a.join";
  const auto complaint = [&](std::time_t now = kNow) {
    const auto read = read_join_file(path, now);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Error::Code::invalid);
    return read.error().message + " = " + read.error().hint;
  };
  CHECK_THAT(complaint(), Catch::Contains("No such file"));
  REQUIRE(write_join_file(path, kFile));
  CHECK_THAT(complaint(kNow + 60), Catch::Contains("has expired") && Catch::Contains("tune join-token"));
  fs::permissions(path, fs::perms{0640});
  CHECK_THAT(complaint(), Catch::Contains("others may read") && Catch::Contains("chmod 600"));
  fs::permissions(path, fs::perms{0600});
  std::ofstream{path} << "secret\n";
  CHECK_THAT(complaint(), Catch::Contains("no JSON object"));
}

TEST_CASE("what a join file lacks is told by name", "[link]") {
  const auto missing = [](JoinFile file) {
    const auto parsed = parse_join_file(to_json(file));
    REQUIRE_FALSE(parsed);
    return parsed.error().message;
  };
  auto file = kFile;
  file.address = GENERATE("", "gpu1.lab", "gpu1.lab:", "gpu1.lab:0", "gpu1.lab:70000", ":7741", "fd00::2:7741",
                          "[gpu1.lab]:7741", "a b:1");
  CHECK_THAT(missing(file), Catch::Contains("`address`"));
  file = kFile, file.fingerprint.back() = 'g';
  CHECK_THAT(missing(file), Catch::Contains("`fingerprint`"));
  file = kFile, file.token.pop_back();
  CHECK_THAT(missing(file), Catch::Contains("`token`"));
  file = kFile, file.expires = 0;
  CHECK_THAT(missing(file), Catch::Contains("`expires`"));
}

TEST_CASE("a join token counts its uses, in every process that has the folder", "[link]") {
  const Scratch folder;
  JoinTokens one(folder / "a.db.d"), other(folder / "a.db.d");
  const auto made = token(one);
  const auto first = one.redeem(made, kNow), second = other.redeem(made, kNow);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->uses == 1);
  CHECK(second->uses == 0);
  CHECK((second->group == "lab" && second->allocation == "slurm-17" && second->until == kTerms.until));
  CHECK(refusal(one, made) == Error::Code::conflict);
}

TEST_CASE("of those that use a token at once, as many get in as it allows", "[link]") {
  const Scratch folder;
  JoinTokens tokens(folder / "a");
  auto terms = kTerms;
  terms.uses = 5;
  const auto made = token(tokens, terms);
  std::atomic<int> in = 0;
  std::vector<std::thread> agents;
  for (int i = 0; i < 12; ++i) agents.emplace_back([&] { in += tokens.redeem(made, kNow).has_value(); });
  for (auto& agent : agents) agent.join();
  CHECK(in == 5);
}

TEST_CASE("an expired token is refused, then forgotten", "[link]") {
  const Scratch folder;
  JoinTokens tokens(folder / "a");
  const auto made = token(tokens);
  CHECK(refusal(tokens, made, kTerms.expires) == Error::Code::conflict);
  CHECK_THAT(text(folder / "a/join-tokens.json"), !Catch::Contains("sha256"));
  CHECK(refusal(tokens, made, kTerms.expires) == Error::Code::not_found);
}

TEST_CASE("the file of tokens lets nobody in", "[link]") {
  const Scratch folder;
  JoinTokens tokens(folder / "a");
  const auto made = token(tokens);
  const auto path = folder / "a/join-tokens.json";
  CHECK(static_cast<int>(fs::status(path).permissions()) == 0600);
  CHECK_THAT(text(path), !Catch::Contains(made));
  const auto kept = detail::parse_join_tokens(text(path));
  REQUIRE(kept);
  CHECK(refusal(tokens, kept->front().sha256) == Error::Code::not_found);
  CHECK(refusal(tokens, std::string(64, '0')) == Error::Code::not_found);
  CHECK(refusal(tokens, "") == Error::Code::not_found);
}

TEST_CASE("tokens of a cancelled allocation are worth nothing", "[link]") {
  const Scratch folder;
  JoinTokens tokens(folder / "a");
  auto terms = kTerms;
  terms.allocation = "slurm-18";
  const auto cancelled = token(tokens), kept = token(tokens, terms);
  CHECK(*tokens.revoke("slurm-17", kNow) == 1);
  CHECK(refusal(tokens, cancelled) == Error::Code::not_found);
  CHECK(tokens.redeem(kept, kNow));
}

TEST_CASE("a token that nobody could use is not made", "[link]") {
  const Scratch folder;
  JoinTokens tokens(folder / "a");
  const auto refused = [&](auto change) {
    auto terms = kTerms;
    change(terms);
    return !tokens.make(terms, kNow).has_value();
  };
  CHECK(refused([](auto& terms) { terms.uses = 0; }));
  CHECK(refused([](auto& terms) { terms.expires = kNow; }));
  CHECK(refused([](auto& terms) { terms.until = kNow; }));
  CHECK(refused([](auto& terms) { terms.group = "a b"; }));
  CHECK(refused([](auto& terms) { terms.allocation = std::string(49, 'a'); }));
}

TEST_CASE("a file of tokens that was spoilt is told, not replaced", "[link]") {
  const Scratch folder;
  JoinTokens tokens(folder / "a");
  token(tokens);
  std::ofstream{folder / "a/join-tokens.json"} << "{}";
  CHECK(refusal(tokens, std::string(64, '0')) == Error::Code::corrupt);
  CHECK_FALSE(tokens.make(kTerms, kNow));
  CHECK(text(folder / "a/join-tokens.json") == "{}");
}
