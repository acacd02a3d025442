// SPDX-License-Identifier: Apache-2.0
#include "ui/server/guard.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include "executors/link/host_name.hpp"
#include "tuner/hex.hpp"
#include "ui/server/token.hpp"

namespace tune {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

/// A name by which this server is known, with any port: an ssh tunnel may end at another one than ours.
bool is_own_name(std::string_view host, const GuardSettings& settings) {
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && host.back() != ']') {
    const auto port = host.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) return false;
    host = host.substr(0, colon);
  }
  const bool brackets = host.starts_with('[') && host.ends_with(']');
  const auto name = host_name(brackets ? host.substr(1, host.size() - 2) : host);
  if (!name || brackets != (name->find(':') != std::string::npos)) return false;
  return *name == "127.0.0.1" || *name == "::1" || *name == "localhost" || is_among(settings.names, *name);
}

bool changes(const Request& request) { return request.method != "GET"; }

/// Of our own page, or of no page at all.
bool is_own_origin(const Request& request, const Target& target, bool https) {
  const std::string_view scheme = https ? "https://" : "http://";
  if (request.count("origin") > 1 || request.count("sec-fetch-site") > 1) return false;
  const auto origin = request.only("origin");
  if (origin && !(origin->starts_with(scheme) && same_letters(origin->substr(scheme.size()), *request.only("host"))))
    return false;
  const auto site = request.only("sec-fetch-site");
  if (!site || *site == "same-origin" || *site == "none") return true;
  // Somebody followed a link to a page. The cookie is not sent then (SameSite=Strict), so it shows nothing by itself.
  return target.page && !changes(request) && request.only("sec-fetch-mode") == "navigate" &&
         request.only("sec-fetch-dest") == "document";
}

bool bears(const Request& request, std::string_view token) {
  const auto value = request.only("authorization");
  constexpr std::string_view scheme = "Bearer ";
  return value && value->size() > scheme.size() && same_letters(value->substr(0, scheme.size()), scheme) &&
         same_secret(value->substr(scheme.size()), token);
}

bool has_cookie(const Request& request, std::string_view name, std::string_view value) {
  const auto header = request.only("cookie");
  if (!header) return false;
  std::string_view rest = *header;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(';'), rest.size());
    auto pair = rest.substr(0, end);
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name && same_secret(pair.substr(equals + 1), value)) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

bool shows(const Request& request, const Keys& keys, std::string_view cookie_name) {
  if (keys.token.empty()) return false;
  if (bears(request, keys.token) || has_cookie(request, cookie_name, keys.cookie)) return true;
  const auto shown = token_in_target(request);
  return shown && (same_secret(*shown, keys.token) || (!keys.once.empty() && same_secret(*shown, keys.once)));
}

}  // namespace

Role role_of(const Request& request, const Target& target, const GuardSettings& settings) {
  if (shows(request, settings.user, settings.cookie_name)) return Role::user;
  if (target.right == Right::report && !target.token.empty() && bears(request, target.token)) return Role::trial;
  return shows(request, settings.viewer, settings.cookie_name) ? Role::viewer : Role::stranger;
}

std::string cookie_for(std::string_view token) {
  static constexpr std::string_view purpose = "cookie of the dashboard";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  HMAC(EVP_sha256(), token.data(), static_cast<int>(token.size()), reinterpret_cast<const unsigned char*>(purpose.data()),
       purpose.size(), digest, &length);
  return to_hex({digest, length});
}

std::string cookie_name(std::string_view address, bool https) {
  return (https ? "__Host-tune_" : "tune_") + std::string(address.substr(address.rfind(':') + 1));
}

std::optional<std::string_view> token_in_target(const Request& request) {
  constexpr std::string_view way_in = "/?token=";
  if (request.method != "GET" || !request.target.starts_with(way_in)) return std::nullopt;
  const auto token = std::string_view(request.target).substr(way_in.size());
  return token.substr(0, token.find('&'));
}

std::optional<Refusal> refuse(const Request& request, const Target& target, const GuardSettings& settings) {
  using Code = Error::Code;
  const auto host = request.only("host");
  if (!host || !is_own_name(*host, settings))
    return Refusal{421,
                   {Code::invalid,
                    settings.https ? "this server does not answer to that name" : "this server answers to localhost only",
                    settings.https ? "open it by a name of its certificate; --host adds one" : "open it as http://127.0.0.1:PORT"},
                   {}};
  if (!is_own_origin(request, target, settings.https)) return Refusal{403, {Code::invalid, "the request comes from another site's page", ""}, {}};
  const auto role = role_of(request, target, settings);
  if (role == Role::stranger && !(target.right == Right::measure && settings.public_metrics))
    return Refusal{401,
                   {Code::invalid, "show the store's token",
                    "open the address that `tune ui` printed, or send `Authorization: Bearer TOKEN` with what is in the store's folder"},
                   {}};
  if (!target.found) return Refusal{404, {Code::not_found, "there is nothing here", "tune ui --print-routes lists what there is"}, {}};
  if (!target.right)
    return Refusal{405, {Code::invalid, "this takes " + target.methods, ""}, target.methods};
  if (target.right == Right::look || target.right == Right::measure) return std::nullopt;
  if (settings.read_only)
    return Refusal{403, {Code::invalid, "this server only shows", "start it without --read-only"}, {}};
  if (role == Role::viewer)
    return Refusal{403, {Code::invalid, "a viewer may look and change nothing", "who has the store's own token may: ask whoever gave you this address"}, {}};
  const auto type = request.only("content-type");
  if (!type || !same_letters(type->substr(0, type->find(';')), "application/json"))
    return Refusal{415, {Code::invalid, "the body must be application/json", ""}, {}};
  return std::nullopt;
}

}  // namespace tune
