// SPDX-License-Identifier: Apache-2.0
// Who may look and change nothing, at a whole server.
#include <filesystem>

#include "executors/process/trial_token.hpp"
#include "rig.hpp"
#include "ui/server/routes.hpp"
#include "ui/view/trial_log.hpp"

using namespace tune;
using namespace tune::test;

namespace {

const std::string kApi = "/api/v1/experiments/digits";

/// The server with viewers, and what one of them is answered.
struct Viewed : Served {
  std::string viewer;
  Viewed() : Served(with_viewers()) { std::ifstream(path + ".d/viewer-token") >> viewer; }
  static Site::Settings with_viewers() {
    Site::Settings settings;
    settings.viewers = true;
    return settings;
  }
  std::string ask(const std::string& method, const std::string& target, const std::string& shown) {
    const std::string body = method == "GET" ? "" : "{}";
    return answers(method + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1:7740\r\n" + shown + "\r\nContent-Type: application/json\r\nContent-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n" + body,
                   *site);
  }
  std::string as_viewer(const std::string& method, const std::string& target) { return ask(method, target, "Authorization: Bearer " + viewer); }
  std::string as_user(const std::string& method, const std::string& target) { return ask(method, target, "Authorization: Bearer " + token); }
  Seq records() const { return StoreReader::open(path).value()->pulses().value().at(0).seq; }
};

/// The route's path, of the experiment that there is.
std::string sample(std::string_view pattern) {
  std::string target(pattern);
  for (const auto& [place, text] : {std::pair{"{name}", "digits"}, {"{trial}", "1"}, {"{page}", "curves"}, {"{file}", "index.js"}, {"{attempt}", "1"}})
    if (const auto at = target.find(place); at != std::string::npos) target.replace(at, std::string_view(place).size(), text);
  return target;
}

/// What a trial printed.
void print(const Served& served, const std::string& text) {
  const auto folder = attempt_folder(served.path + ".d/digits", TrialId{1}, 1);
  std::filesystem::create_directories(folder);
  std::ofstream{folder + "/stdout.log"} << text;
}

}  // namespace

TEST_CASE("of every route of the server a viewer gets what shows something, and is refused what changes something", "[server]") {
  Viewed served;
  const auto before = served.records();
  for (const auto& route : routes()) {
    INFO(route.method << " " << route.path);
    const auto target = sample(route.path);
    const auto answer = served.as_viewer(std::string(route.method), target);
    if (route.method == "GET") {
      CHECK(status(answer) == status(served.as_user("GET", target)));
      CHECK_THAT(answer, !Catch::Contains(served.token) && !Catch::Contains(served.site->way_in()));
    } else {
      CHECK(status(answer) == "403");
      CHECK_THAT(answer, Catch::Contains("a viewer may look and change nothing"));
    }
  }
  CHECK(served.records() == before);
}

TEST_CASE("a viewer's address lets in any number of browsers, and none of them as the user", "[server]") {
  Viewed served;
  const auto address = served.site->viewers_way_in();
  CHECK(address == "http://127.0.0.1:7740/?token=" + served.viewer);
  const auto target = address.substr(address.find("/?"));
  for (int browser = 0; browser < 3; ++browser) {
    const auto answer = served.ask("GET", target, "Accept: */*");
    REQUIRE(status(answer) == "303");
    CHECK_THAT(answer, !Catch::Contains(served.viewer));
    const auto begin = answer.find("tune_7740=");
    const auto cookie = "Cookie: " + answer.substr(begin, answer.find(';', begin) - begin);
    CHECK(status(served.ask("GET", kApi, cookie)) == "200");
    CHECK(status(served.ask("POST", kApi + "/actions", cookie)) == "403");
    CHECK(status(served.ask("POST", "/api/v1/experiments", cookie)) == "403");
  }
  CHECK(status(served.ask("GET", "/?token=" + served.token, "Accept: */*")) == "303");
}

TEST_CASE("the page is told that who asks can change nothing", "[server]") {
  Viewed served;
  CHECK_THAT(served.as_viewer("GET", "/api/v1/server"), Catch::Contains("\"read_only\":true"));
  CHECK_THAT(served.as_user("GET", "/api/v1/server"), Catch::Contains("\"read_only\":false"));
  CHECK_THAT(served.as_viewer("GET", "/api/v1/served"), Catch::Contains("\"serves\":false"));
}

TEST_CASE("a store without viewers makes no token for them, and one that has it lets them in from then on", "[server]") {
  Served without;
  CHECK_FALSE(std::filesystem::exists(without.path + ".d/viewer-token"));
  CHECK(without.site->viewers_way_in().empty());
  Viewed first;
  Site::Settings again;
  again.store = first.path, again.address = "127.0.0.1:7740";
  auto site = Site::open(again);
  REQUIRE(site);
  CHECK((*site)->viewers_way_in() == first.site->viewers_way_in());
}

TEST_CASE("the token that a trial printed is hidden, wherever a piece of its output is cut", "[server]") {
  Viewed served;
  const auto secret = trial_token(served.token, "digits", TrialId{1}, 1);
  print(served, "TUNE_TOKEN=" + secret + " step 1");
  const std::string hidden = "TUNE_TOKEN=" + std::string(32, '*') + " step 1";
  for (std::size_t from = 0; from < hidden.size(); ++from)
    for (const std::size_t limit : {1, 7, 32, 99})
      CHECK_THAT(served.as_viewer("GET", kApi + "/trials/1/log?from=" + std::to_string(from) + "&limit=" + std::to_string(limit)),
                 Catch::Contains("{\"text\":\"" + hidden.substr(from, limit) + "\","));
}
