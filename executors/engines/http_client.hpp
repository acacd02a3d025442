// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "tuner/result.hpp"
#include "tuner/time.hpp"

namespace tune {

/// http://host[:port][/path] or https://…; no user, query or fragment. An IPv6 address stands in brackets.
struct Url {
  bool tls = false;
  std::string host;  ///< Without brackets.
  std::string port;
  std::string path;  ///< Empty, or begins with '/' and does not end with it.
};
std::optional<Url> parse_url(std::string_view text);

/// One request to a server of an engine.
struct HttpCall {
  Url base;
  std::string method = "GET";
  std::string target;                             ///< After the base's path: "/api/jobs/".
  std::map<std::string, std::string> headers = {};
  std::string body = {};                          ///< JSON; sent where it is not empty.
  std::string ca_file = {};                       ///< Trusted instead of the system's; PEM.
  Duration limit{30};                             ///< For all of it.
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

inline constexpr std::size_t kHttpAnswer = 16 << 20;  ///< A longer answer is an Error.

/// Asks once, on a connection of its own, and blocks until it is answered. With https the server's certificate must be valid
/// for the host. Redirects are not followed: a token would go where it was not sent. Error (unreachable): no connection, no answer
/// within the limit, or none that is HTTP; the request may or may not have been carried out.
Result<HttpAnswer> ask(const HttpCall&);

}  // namespace tune
