// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tuner/spec.hpp"
#include "ui/server/assets.hpp"
#include "ui/server/curve_cache.hpp"
#include "ui/server/guard.hpp"
#include "ui/server/query.hpp"
#include "ui/server/readers.hpp"
#include "ui/server/server.hpp"
#include "ui/server/trial_columns.hpp"
#include "ui/view/live_forecast.hpp"

namespace tune {

struct Route;
class Asking;
class News;
class Owner;
class Relay;

/// One request on its way to a handler.
struct Call {
  const Request& request;
  Query query;
  std::string name;              ///< Of the experiment, where the path has one.
  std::optional<TrialId> trial;  ///< Likewise.
  int attempt = 0;               ///< Likewise; 0: the path has none.
  Role role = Role::stranger;    ///< Who asks.
};

/// What a server shows: one store, read like any other reader does, so that live experiments, those of other processes and
/// those that are over are one thing. Routes and handlers are in routes.cpp; what they share is here. Any thread.
class Site final : public Service {
 public:
  struct Settings {
    std::string store;
    std::string address;                   ///< Where the server listens: the cookie is named after its port.
    bool read_only = false;
    bool public_metrics = false;
    bool metrics_only = false;             ///< Nothing but /metrics.
    std::function<std::string()> metrics;  ///< The page for Prometheus; none: what the store tells.
    Owner* owner = nullptr;                ///< Runs experiments; null: they are only shown. Outlives the site.
    bool https = false;
    std::vector<std::string> names;        ///< By which it may be addressed, beside localhost: see GuardSettings.
    bool viewers = false;                  ///< Makes the viewers' token, if the store has none.
  };
  /// Reads the store's token, or makes it, and that of viewers if there is one. Error: that of store_token.
  static Result<std::unique_ptr<Site>> open(Settings);
  /// For asking it here, by serve(), of a store that is left as it is: nobody is let in, and there are no streams.
  static std::unique_ptr<Site> offline(std::string store);
  ~Site() override;

  std::optional<Response> admit(const Request&) override;
  /// What steers waits for whoever owns the experiment.
  bool may_wait(const Request&) override;
  Response serve(const Request&) override;
  Response refuse(const Malformed&) override;

  /// The address with the token that lets one browser in, for people: "http://127.0.0.1:7740/?token=…".
  std::string way_in() const;
  /// The address that lets viewers in, as many as have it; empty: there are none.
  std::string viewers_way_in() const;
  /// The server listens there, after all.
  void set_address(const std::string& address);

  // --- for handlers
  const Settings& settings() const { return settings_; }
  const Assets& assets() const { return assets_; }
  Readers& readers() { return readers_; }
  CurveCache& curve_cache() { return curve_cache_; }
  /// Can who asks change nothing here, be it for the server's sake or his own?
  bool only_shows(const Call&) const;
  /// Lets the bearer of `token` in: the cookie to set; nullopt: the token was used already.
  std::optional<std::string> let_in(std::string_view token);

  /// The experiment of that name as it stands, cheaply.
  Result<Pulse> pulse(const StoreReader&, const std::string& name) const;
  /// Its settings. Kept until they change.
  Result<std::shared_ptr<const Spec>> spec(const ExperimentRow&);
  /// The same without counting its trials: O(facts since it was asked for last), without reports.
  Result<std::shared_ptr<const Spec>> spec(const StoreReader&, const Pulse&);
  /// Its trials, brought up to date, while `look` looks at them.
  Result<Done> trials(const StoreReader&, const Pulse&, const std::function<Result<Done>(const TrialColumns&)>& look);
  /// When it ends and what it costs; nullopt: nobody runs it, or it is too early or too large to tell. Told anew every few
  /// seconds at most.
  std::optional<Forecast> forecast(const StoreReader&, const Pulse&);
  /// A text about an experiment that only changes when it does: made by `make`, or as it was made before if the experiment did
  /// not change since or that is no longer ago than `patience`. `what` names it.
  Result<std::string> once_per_change(const std::string& what, const Pulse&, const std::function<Result<std::string>()>& make,
                                      std::chrono::milliseconds patience = std::chrono::milliseconds(250));
  News& news() { return *news_; }
  Asking& asking() { return *asking_; }
  Relay& relay() { return *relay_; }
  /// By which the attempt that a path names may report.
  std::string token_of(const Call&) const;
  /// "http://127.0.0.1:7740" and the secret that token_of() is told from, for whoever starts trials.
  std::string origin() const;
  const std::string& secret() const { return user_.token; }

 private:
  explicit Site(Settings);
  GuardSettings guard() const;
  std::pair<const Route*, Target> find(const Request&) const;
  void forget_other_store();
  Result<Done> read_in_parts(TrialColumns&, const StoreReader&, const Pulse&);

  struct Kept {
    Seq seq = -1;
    bool owned = false;
    std::string state, text;
    std::chrono::steady_clock::time_point at;
  };
  struct Settled {  // The settings as of a record.
    std::int64_t id = 0;
    Seq seq = 0;
    std::shared_ptr<const Spec> spec;
  };
  struct Trials;
  struct Outlook;

  Settings settings_;
  Assets assets_;
  Readers readers_;
  CurveCache curve_cache_;

  mutable std::mutex keys_mutex_;
  Keys user_, viewer_;
  std::string cookie_name_;

  std::mutex mutex_;
  std::uint64_t file_ = 0;  // That all below was read from.
  std::map<std::string, std::pair<std::string, std::shared_ptr<const Spec>>> specs_;
  std::map<std::string, Settled> settled_;
  std::map<std::string, std::shared_ptr<Trials>> trials_;
  std::map<std::string, std::shared_ptr<Outlook>> outlooks_;
  std::map<std::pair<std::string, std::string>, Kept> kept_;

  std::unique_ptr<Asking> asking_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<News> news_;  // Its thread ends before what it looks at goes.
};

/// The experiment that a call is about, with its settings, and a reader for as long as this lives.
struct Regarded {
  Readers::Lease reader;
  Pulse pulse;  ///< Read before the rest: what is kept for it is never older than it.
  std::shared_ptr<const Spec> spec;
};
Result<Regarded> regarded(Site&, const Call&);
/// The trial that a call is about.
struct RegardedTrial {
  Readers::Lease reader;
  Pulse pulse;
  TrialDetail detail;
};
Result<RegardedTrial> regarded_trial(Site&, const Call&);

/// An error as JSON, with the status that its code has (or another).
Response error_response(const Error&, int status = 0);
/// A JSON text as an answer.
Response json_response(std::string json);

}  // namespace tune
