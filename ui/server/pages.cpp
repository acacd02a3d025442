// SPDX-License-Identifier: Apache-2.0
// What a browser is shown, and the page for Prometheus.
#include "ui/server/routes.hpp"

namespace tune {
namespace {

Error nothing() { return {Error::Code::not_found, "there is nothing here", ""}; }

}  // namespace

Result<Response> page(Site& site, const Call& call) {
  const auto token = token_in_target(call.request);
  if (!token) return site.assets().page(call.request);
  const auto cookie = site.let_in(*token);
  if (!cookie) {
    return error_response({Error::Code::invalid, "this address was used already",
                           "use the browser that has it open, or put the token of the store's folder after /?token="},
                          401);
  }
  Response response;
  response.status = 303;
  response.headers = {{"Location", "/"}, {"Set-Cookie", *cookie}};
  return response;
}

Result<Response> asset(Site& site, const Call& call) {
  if (auto file = site.assets().file(call.request.path(), call.request)) return std::move(*file);
  return nothing();
}

Result<Response> metrics_page(Site& site, const Call&) {
  if (!site.settings().metrics) return nothing();
  Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = Body(site.settings().metrics());
  return response;
}

}  // namespace tune
