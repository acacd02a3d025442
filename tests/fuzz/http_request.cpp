// SPDX-License-Identifier: Apache-2.0
// Whatever a peer sends: no crash, and nothing to those who do not show the token, come from elsewhere or ask for what there
// is not. The parser, the guard and the table of routes as the server has them.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ui/server/routes.hpp"
#include "ui/server/server.hpp"

namespace {

constexpr std::string_view kToken = "0123456789abcdef", kTrialToken = "fedcba9876543210";

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  return out;
}

/// Written anew, so that a mistake in the guard is not made twice: the name is this machine's, the rest is a port.
bool is_own(std::string_view host) {
  std::string name = lower(host.substr(0, host.rfind(host.starts_with('[') ? "]:" : ":")));
  if (name.starts_with('[') && !name.ends_with(']')) name += ']';
  return name == "localhost" || name == "127.0.0.1" || name == "[::1]";
}

class Fuzzed final : public tune::Service {
 public:
  std::optional<tune::Response> admit(const tune::Request& request) override {
    tune::Target target;
    for (const auto& route : tune::routes())
      if (tune::fits(route.path, request.path(), nullptr)) {
        target.found = true, target.page = route.page, target.methods = route.method;
        if (route.method == request.method) target.right = route.right;
        break;
      }
    if (target.right == tune::Right::report) target.token = kTrialToken;
    tune::GuardSettings settings;
    settings.user = {std::string(kToken), tune::cookie_for(kToken)};
    settings.cookie_name = "tune_7740";
    if (const auto refusal = tune::refuse(request, target, settings))
      return tune::error_response(refusal->error, refusal->status);
    // What the guard lets through.
    const bool known = request.target.find(kToken) != std::string::npos ||
                       request.only("authorization").value_or("").find(kToken) != std::string_view::npos ||
                       request.only("cookie").value_or("").find(tune::cookie_for(kToken)) != std::string_view::npos ||
                       (target.right == tune::Right::report &&
                        request.only("authorization").value_or("").find(kTrialToken) != std::string_view::npos);
    if (!known || !target.found || !target.right || !request.only("host")) std::abort();
    if (request.path().find("..") != std::string_view::npos || request.path().find_first_of("%\\;") != std::string_view::npos) std::abort();
    if (request.method != "GET" && !request.only("content-type")) std::abort();
    // S3: only under this machine's own names, and never at the wish of another site's page.
    if (!is_own(*request.only("host"))) std::abort();
    if (request.only("origin") && lower(*request.only("origin")) != lower("http://" + std::string(*request.only("host")))) std::abort();
    const auto site = request.only("sec-fetch-site").value_or("none");
    if (request.method != "GET" && site != "same-origin" && site != "none") std::abort();
    return std::nullopt;
  }
  tune::Response serve(const tune::Request& request) override {
    static constexpr std::string_view known[] = {"where", "after"};
    const auto query = tune::Query::read(request.query(), known);
    return query ? tune::json_response("{}") : tune::error_response(query.error());
  }
  tune::Response refuse(const tune::Malformed& wrong) override {
    if (wrong.status < 400) std::abort();
    return tune::error_response({tune::Error::Code::invalid, wrong.what, ""}, wrong.status);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  Fuzzed service;
  const std::string answer = tune::answers({reinterpret_cast<const char*>(bytes), size}, service);
  if (!answer.empty() && !answer.starts_with("HTTP/1.1 ")) std::abort();
  return 0;
}
