// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tuner/result.hpp"
#include "ui/server/tls.hpp"

namespace tune {

class Owner;
class Server;
class Site;

/// The server of one store, for as long as this lives: dashboard, API and metrics behind one guard.
class Dashboard {
 public:
  struct Settings {
    std::string store;
    std::optional<std::string> address;    ///< None: 127.0.0.1:7740, or the next free port up to 7749.
    bool read_only = false;
    bool viewers = false;                  ///< There are some: makes their token, if the store has none.
    bool public_metrics = false;           ///< /metrics needs no token.
    bool metrics_only = false;             ///< There is only /metrics.
    std::function<std::string()> metrics;  ///< The page for Prometheus. Any thread. None: what the store tells.
    Owner* owner = nullptr;                ///< Runs the experiments that are submitted; null: none are. Outlives this.
    TlsSettings tls;                       ///< Needed to listen beyond this machine. From options: tls_settings() of ui/cli.
  };
  /// May it be served like this? Touches nothing. Error (invalid): that of Server::check and check_tls, or
  /// metrics without a token would leave this machine.
  static Result<Done> check(const Settings&);
  /// Listens from here on. Errors: those of check(), Server::open and store_token; conflict: the port is taken.
  static Result<std::unique_ptr<Dashboard>> open(const Settings&);
  ~Dashboard();

  /// As bound: "127.0.0.1:7740".
  const std::string& address() const;
  /// As people reach it: "http://127.0.0.1:7740", "https://gpu1.lab:7740".
  std::string url() const;
  /// Where people go; it lets one browser in. "http://127.0.0.1:7740/?token=…"
  std::string way_in() const;
  /// Where viewers go, as many as have it; empty: the store has none.
  std::string viewers_way_in() const;
  /// For SweepOptions of experiments in this store, so that their trials may report here.
  const std::string& local_url() const { return local_url_; }
  const std::string& secret() const;
  /// Of the store's own authority, the absolute path of ca.pem, which trials can read; empty: there is none.
  const std::string& authority() const { return authority_; }
  bool takes_reports() const;
  /// Whom to trust, as a line for people: the file of the store's own authority and its fingerprint. Empty: there is none.
  const std::string& trust() const { return trust_; }

 private:
  Dashboard();
  std::string local_url_, authority_, trust_;
  std::unique_ptr<Site> site_;
  std::unique_ptr<Server> server_;  // Ends first: it asks the site.
};

}  // namespace tune
