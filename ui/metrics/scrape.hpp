// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "tuner/result.hpp"

namespace tune {

/// A web server with one page, `GET /metrics`, for Prometheus to fetch. It listens on this machine only, answers only to its
/// own name (so that no web page can reach it by rebinding a name of its own) and, unless it has no token, only to those
/// who show it: `Authorization: Bearer TOKEN`.
///
///   200 the page · 400 not HTTP, or a body where none belongs · 401 no or a wrong token · 404 another page
///   405 another method · 421 another host's name · 431 more than 16 KiB of headers
///
/// A connection that has not sent a whole request within 10 seconds is closed, and so is one that does not read its answer.
/// Threads: one of its own; the page is rendered there.
class ScrapeServer {
 public:
  struct Settings {
    std::string address;  ///< "127.0.0.1:9464", "[::1]:9464", "localhost:9464"; port 0: a free one.
    std::string token;    ///< Empty: anybody on this machine may look.
  };
  using Page = std::function<std::string()>;

  /// Listens from here on. Error: the address is not one (invalid) or not of this machine alone (invalid), or the port is
  /// taken (conflict).
  static Result<std::unique_ptr<ScrapeServer>> open(const Settings&, Page page);
  /// Closes every connection.
  ~ScrapeServer();

  /// As bound: "127.0.0.1:43817".
  const std::string& address() const;

 private:
  class Listener;
  explicit ScrapeServer(std::unique_ptr<Listener>);
  std::unique_ptr<Listener> listener_;
};

/// What the server sends to a peer that sends exactly these bytes: one answer for each whole request, then one that says
/// what is wrong, if something is. For tests and the fuzzer; the server goes the same way.
std::string answers(std::string_view bytes, std::string_view token, const ScrapeServer::Page& page);

}  // namespace tune
