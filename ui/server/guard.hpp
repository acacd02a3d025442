// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"
#include "ui/server/exchange.hpp"

/// The one place where it is decided who may do what. docs/security.md has the rules in words.
namespace tune {

/// What a route lets its callers do. There is no right of "anybody": a route says which one it needs.
enum class Right : std::uint8_t {
  look = 1,  ///< Read what the store holds. Viewers may.
  steer,     ///< Change an experiment. Not on a server that is read-only.
  measure,   ///< Fetch /metrics, which --metrics-public frees from the token. Viewers may.
  report,    ///< Say what one attempt of a trial reached: who has that attempt's own token may, and nothing else. It is a change.
};

/// Who asks, by what is shown.
enum class Role : std::uint8_t {
  stranger,
  trial,   ///< The attempt that the route is about.
  viewer,  ///< May look and measure.
  user,    ///< Everything.
};

/// What shows that somebody has a role.
struct Keys {
  std::string token = {};   ///< `Authorization: Bearer TOKEN`. Empty: nobody has it.
  std::string cookie = {};  ///< What the cookie holds: told from the token, but does not tell it.
  std::string once = {};    ///< Lets in one browser, as /?token=…, besides the token itself; empty: it was used, or there is none.
};
/// The cookie's value for a token, and its name for a port (browsers keep one jar for all ports of a machine).
std::string cookie_for(std::string_view token);
/// Through TLS the name begins with __Host-, which browsers take from nobody else: no port in the clear, no other host.
std::string cookie_name(std::string_view address, bool https);

struct GuardSettings {
  Keys user, viewer;
  std::string cookie_name;         ///< One for both: a browser is what it was let in as last.
  bool read_only = false;
  bool public_metrics = false;
  bool https = false;
  std::vector<std::string> names;  ///< That the certificate vouches for, as Identity has them.
};

/// What the guard knows of the route that a request found.
struct Target {
  bool found = false;         ///< There is such a path.
  std::string methods;        ///< That the path has: "GET, POST".
  std::optional<Right> right; ///< Of path and method; nullopt: the path has no such method.
  bool page = false;          ///< A page or a part of one, that a link from elsewhere may lead to.
  std::string token = {};     ///< Opens this route beside the store's token, with Right::report; empty: nothing does.
};

/// Why not.
struct Refusal {
  int status = 403;
  Error error;
  std::string allow;  ///< For 405.
};

/// nullopt: pass. A pure function, in this order, so that a stranger learns nothing:
///  421  Host is missing, there twice, or neither localhost (127.0.0.1, [::1]) nor vouched for by the certificate (a web page reaches us by rebinding a name of its own)
///  403  the request comes from another site's page: Origin is not our own, or Sec-Fetch-Site is neither same-origin nor none
///  401  no token or a wrong one, in Authorization, in our cookie or, for `/`, in ?token=; for a report, the attempt's will do
///  404, 405  there is no such path, no such method
///  403  it would change something, and the server is read-only or the caller a viewer
///  415  it would change something and is not application/json, which a form of another site could not send
std::optional<Refusal> refuse(const Request&, const Target&, const GuardSettings&);

/// Who sends that. A pure function, too.
Role role_of(const Request&, const Target&, const GuardSettings&);

/// The token in /?token=…; nullopt: the request is not of that kind.
std::optional<std::string_view> token_in_target(const Request&);

}  // namespace tune
