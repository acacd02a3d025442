// SPDX-License-Identifier: Apache-2.0
#include "ui/server/guard.hpp"

#include "rig.hpp"
#include "ui/server/routes.hpp"

using namespace tune;
using namespace tune::test;

namespace {

const std::string kToken(64, 'a'), kViewer(64, 'd');

GuardSettings settings() {
  GuardSettings s;
  s.user = {kToken, cookie_for(kToken), std::string(64, 'c')};
  s.viewer = {kViewer, cookie_for(kViewer)};
  s.cookie_name = "tune_7740";
  return s;
}

Request request(std::string method, std::string target, std::vector<std::pair<std::string, std::string>> headers) {
  Request r;
  r.method = std::move(method), r.target = std::move(target), r.headers = std::move(headers);
  return r;
}

const std::pair<std::string, std::string> kHost = {"host", "127.0.0.1:7740"};
const std::pair<std::string, std::string> kBearer = {"authorization", "Bearer " + kToken};

Target looking() { return {true, "GET", Right::look, false}; }
Target steering() { return {true, "POST", Right::steer, false}; }

int status_of(const Request& r, const Target& target, const GuardSettings& s = settings()) {
  const auto refusal = refuse(r, target, s);
  return refusal ? refusal->status : 200;
}

/// A path that fits the pattern.
std::string sample(std::string_view pattern) {
  std::string path(pattern);
  for (const auto& [place, text] : {std::pair{"{name}", "digits"}, {"{trial}", "1"}, {"{page}", "curves"}, {"{file}", "index.js"}, {"{attempt}", "2"}})
    if (const auto at = path.find(place); at != std::string::npos) path.replace(at, std::string_view(place).size(), text);
  return path;
}

}  // namespace

TEST_CASE("only this machine's own names are answered", "[server]") {
  const auto good = GENERATE("localhost", "LOCALHOST:9464", "127.0.0.1", "127.0.0.1:9464", "[::1]", "[::1]:80");
  CHECK(status_of(request("GET", "/x", {{"host", good}, kBearer}), looking()) == 200);
  const auto evil = GENERATE("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "", "localhost:", "localhost:x",
                             "localhost:999999", "[::1", "localhost.");
  CHECK(status_of(request("GET", "/x", {{"host", evil}, kBearer}), looking()) == 421);
}

TEST_CASE("through TLS the names of the certificate are answered too, and nothing else", "[server]") {
  auto encrypted = settings();
  encrypted.https = true, encrypted.names = {"gpu1.lab", "192.0.2.2", "fd00::2", "*.cluster.example"};
  const auto good = GENERATE("localhost:7740", "127.0.0.1", "[::1]:80", "gpu1.lab", "GPU1.Lab:7740", "192.0.2.2:1", "[fd00::2]:7740", "[fd00:0::0:2]",
                             "a.cluster.example");
  CHECK(status_of(request("GET", "/x", {{"host", good}, kBearer}), looking(), encrypted) == 200);
  const auto evil = GENERATE("gpu2.lab", "gpu1.lab.evil.example", "gpu1.lab.", "evil.example", "192.0.2.3", "fd00::2", "[fd00::3]", "[gpu1.lab]",
                             "[192.0.2.2]", "cluster.example", "a.b.cluster.example", "*.cluster.example", "0.0.0.0", "[::]", "");
  CHECK(status_of(request("GET", "/x", {{"host", evil}, kBearer}), looking(), encrypted) == 421);
}

TEST_CASE("a page of the same name in the clear is another site", "[server]") {
  auto encrypted = settings();
  encrypted.https = true;
  const auto from = [](const char* origin) { return request("GET", "/x", {kHost, kBearer, {"origin", origin}}); };
  CHECK(status_of(from("https://127.0.0.1:7740"), looking(), encrypted) == 200);
  CHECK(status_of(from("http://127.0.0.1:7740"), looking(), encrypted) == 403);
  CHECK(status_of(from("https://127.0.0.1:7740"), looking()) == 403);
}

TEST_CASE("a cookie that came through TLS has a name that only TLS can set", "[server]") {
  CHECK(cookie_name("127.0.0.1:7740", false) == "tune_7740");
  CHECK(cookie_name("[::1]:7740", true) == "__Host-tune_7740");
}

TEST_CASE("a request without exactly one host is misdirected", "[server]") {
  CHECK(status_of(request("GET", "/x", {kBearer}), looking()) == 421);
  CHECK(status_of(request("GET", "/x", {kHost, kHost, kBearer}), looking()) == 421);
}

TEST_CASE("without the token, or with another, nobody is let in", "[server]") {
  using Header = std::pair<std::string, std::string>;
  const auto shown = GENERATE(as<Header>{}, Header{"x", "y"}, Header{"authorization", "Bearer "},
                              Header{"authorization", "Bearer " + std::string(64, 'b')}, Header{"authorization", "Bearer " + kToken + "a"},
                              Header{"authorization", kToken}, Header{"authorization", "Basic " + kToken}, Header{"cookie", kToken},
                              Header{"cookie", "tune_7740=" + kToken}, Header{"cookie", "tune_7741=" + cookie_for(kToken)});
  CHECK(status_of(request("GET", "/x", {kHost, shown}), looking()) == 401);
  CHECK(status_of(request("GET", "/x?token=" + kToken, {kHost, shown}), looking()) == 401);
  CHECK(status_of(request("GET", "/", {kHost, kBearer, kBearer}), looking()) == 401);
}

TEST_CASE("the token, the cookie, and for the first page the address let in", "[server]") {
  CHECK(status_of(request("GET", "/x", {kHost, kBearer}), looking()) == 200);
  CHECK(status_of(request("GET", "/x", {kHost, {"cookie", "a=b; tune_7740=" + cookie_for(kToken)}}), looking()) == 200);
  CHECK(status_of(request("GET", "/?token=" + kToken, {kHost}), looking()) == 200);
  CHECK(status_of(request("GET", "/?token=" + std::string(64, 'c'), {kHost}), looking()) == 200);
  CHECK(status_of(request("POST", "/?token=" + kToken, {kHost}), looking()) == 401);
}

TEST_CASE("an attempt's own token lets it report, and do nothing else", "[server]") {
  const std::string own(32, 'e');
  const std::pair<std::string, std::string> kJson = {"content-type", "application/json"}, shown = {"authorization", "Bearer " + own};
  Target reporting{true, "POST", Right::report, false, own};
  CHECK(status_of(request("POST", "/x", {kHost, kJson, shown}), reporting) == 200);
  CHECK(status_of(request("POST", "/x", {kHost, kJson, kBearer}), reporting) == 200);
  CHECK(status_of(request("POST", "/x", {kHost, kJson, {"authorization", "Bearer " + std::string(32, 'f')}}), reporting) == 401);
  CHECK(status_of(request("POST", "/x", {kHost, kJson, {"authorization", "Bearer "}}), Target{true, "POST", Right::report, false, ""}) == 401);
  for (auto other : {looking(), steering()}) {
    other.token = own;
    CHECK(status_of(request("POST", "/x", {kHost, kJson, shown}), other) == 401);
  }
  auto showing = settings();
  showing.read_only = true;
  CHECK(status_of(request("POST", "/x", {kHost, kJson, shown}), reporting, showing) == 403);
}

TEST_CASE("a viewer passes every route that shows something, and none that changes something", "[server]") {
  using Header = std::pair<std::string, std::string>;
  const auto shown = GENERATE(Header{"authorization", "Bearer " + kViewer}, Header{"cookie", "tune_7740=" + cookie_for(kViewer)});
  for (const auto& route : routes()) {
    const auto wish = request(std::string(route.method), sample(route.path), {kHost, shown, {"content-type", "application/json"}});
    const Target target{true, std::string(route.method), route.right, route.page, std::string(32, 'e')};
    const auto refusal = refuse(wish, target, settings());
    INFO(route.method << " " << route.path);
    CHECK(role_of(wish, target, settings()) == Role::viewer);
    CHECK((refusal ? refusal->status : 200) == (route.method == "GET" ? 200 : 403));
    if (refusal) CHECK(refusal->error.message == "a viewer may look and change nothing");
  }
}

TEST_CASE("a viewer's cookie is not a user's, and where there are no viewers nobody is one", "[server]") {
  CHECK(cookie_for(kViewer) != cookie_for(kToken));
  CHECK(status_of(request("GET", "/?token=" + kViewer, {kHost}), looking()) == 200);
  CHECK(status_of(request("GET", "/x", {kHost, {"cookie", "tune_7740=" + kViewer}}), looking()) == 401);
  auto alone = settings();
  alone.viewer = {};
  CHECK(status_of(request("GET", "/x", {kHost, {"authorization", "Bearer " + kViewer}}), looking(), alone) == 401);
  CHECK(status_of(request("GET", "/?token=", {kHost, {"authorization", "Bearer "}, {"cookie", "tune_7740="}}), looking(), alone) == 401);
}

TEST_CASE("a server without a token lets nobody in", "[server]") {
  GuardSettings none;
  CHECK(status_of(request("GET", "/?token=", {kHost, {"authorization", "Bearer "}, {"cookie", "="}}), looking(), none) == 401);
}

TEST_CASE("a stranger learns nothing about which paths there are", "[server]") {
  CHECK(status_of(request("GET", "/x", {kHost}), {}) == 401);
  CHECK(status_of(request("GET", "/x", {kHost, kBearer}), {}) == 404);
  CHECK(status_of(request("PUT", "/x", {kHost, kBearer}), {true, "GET", {}, false}) == 405);
}

TEST_CASE("what changes something is refused on a server that only shows", "[server]") {
  const auto wish = request("POST", "/x", {kHost, kBearer, {"content-type", "application/json"}});
  CHECK(status_of(wish, steering()) == 200);
  auto read_only = settings();
  read_only.read_only = true;
  CHECK(status_of(wish, steering(), read_only) == 403);
}

TEST_CASE("what changes something must be JSON, which no form can send", "[server]") {
  const auto type = GENERATE("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx");
  CHECK(status_of(request("POST", "/x", {kHost, kBearer, {"content-type", type}}), steering()) == 415);
  CHECK(status_of(request("POST", "/x", {kHost, kBearer}), steering()) == 415);
  CHECK(status_of(request("POST", "/x", {kHost, kBearer, {"content-type", "Application/JSON; charset=utf-8"}}), steering()) == 200);
}

TEST_CASE("free metrics are free of the token and of nothing else", "[server]") {
  auto open = settings();
  open.public_metrics = true;
  const Target metrics{true, "GET", Right::measure, false};
  CHECK(status_of(request("GET", "/metrics", {kHost}), metrics, open) == 200);
  CHECK(status_of(request("GET", "/metrics", {kHost}), metrics) == 401);
  CHECK(status_of(request("GET", "/x", {kHost}), looking(), open) == 401);
  CHECK(status_of(request("GET", "/metrics", {{"host", "evil.example"}}), metrics, open) == 421);
  CHECK(status_of(request("GET", "/metrics", {kHost, {"origin", "http://evil.example"}}), metrics, open) == 403);
}

TEST_CASE("a link from elsewhere may lead to a page, and a script from elsewhere to nothing", "[server]") {
  const Target page{true, "GET", Right::look, true};
  const auto from = [](const char* site, const char* mode, const char* dest) {
    return request("GET", "/x/digits", {kHost, kBearer, {"sec-fetch-site", site}, {"sec-fetch-mode", mode}, {"sec-fetch-dest", dest}});
  };
  CHECK(status_of(from("cross-site", "navigate", "document"), page) == 200);
  CHECK(status_of(from("cross-site", "navigate", "iframe"), page) == 403);
  CHECK(status_of(from("cross-site", "no-cors", "image"), page) == 403);
  CHECK(status_of(from("same-site", "cors", "empty"), page) == 403);
  CHECK(status_of(from("cross-site", "navigate", "document"), looking()) == 403);
}

// S2 and S3 of the security rules, over every route that there is.
TEST_CASE("of all combinations of route, method, host, origin, site and token only the right ones pass", "[server]") {
  struct Shown {
    const char* value;
    bool good;
  };
  const Shown hosts[] = {{"127.0.0.1:7740", true}, {"LOCALHOST", true}, {"[::1]:7740", true}, {"evil.example", false},
                         {"", false}, {"127.0.0.1.", false}, {"0.0.0.0:7740", false}};
  const Shown origins[] = {{nullptr, true}, {"own", true}, {"null", false}, {"http://evil.example", false}, {"file://", false},
                           {"other scheme", false}};
  const Shown sites[] = {{nullptr, true}, {"same-origin", true}, {"none", true}, {"same-site", false}, {"cross-site", false}};
  const Shown tokens[] = {{nullptr, false}, {kToken.c_str(), true}, {"wrong", false}};
  const char* methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"};
  auto guard = settings();
  guard.https = GENERATE(false, true);
  const std::string scheme = guard.https ? "https://" : "http://", other = guard.https ? "http://" : "https://";
  int cells = 0, passed = 0;
  for (const auto& route : routes())
    for (const auto* method : methods)
      for (const auto& host : hosts)
        for (const auto& origin : origins)
          for (const auto& site : sites)
            for (const auto& token : tokens) {
              auto r = request(method, sample(route.path), {{"host", host.value}, {"content-type", "application/json"}});
              if (origin.value) {
                const std::string_view kind = origin.value;
                r.headers.emplace_back("origin", kind == "own" ? scheme + host.value : kind == "other scheme" ? other + host.value : origin.value);
              }
              if (site.value) r.headers.emplace_back("sec-fetch-site", site.value);
              if (token.value) r.headers.emplace_back("authorization", "Bearer " + std::string(token.value));
              const Target target{true, std::string(route.method), method == route.method ? std::optional{route.right} : std::nullopt,
                                  route.page};
              const bool right = method == route.method && host.good && origin.good && site.good && token.good;
              ++cells, passed += right;
              const bool let = !refuse(r, target, guard);
              if (let != right) FAIL(method << " " << route.path << " " << host.value << " let in: " << let);
            }
  CHECK(passed > 0);
  INFO(cells << " cells");
}
