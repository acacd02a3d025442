// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "tuner/tuner.hpp"
#include "ui/metrics/scrape.hpp"
#include "ui/metrics/series.hpp"

namespace tune {

/// `--metrics-addr`: an experiment's Series, served to Prometheus for as long as this lives.
class MetricsExporter final : public Watcher {
 public:
  struct Settings {
    std::string address;       ///< "127.0.0.1:9464"; port 0: a free one.
    std::string store_folder;  ///< `<store>.d`, whose token is asked for.
    bool open_to_all = false;  ///< `--metrics-public`: no token, still on this machine only.
  };
  /// Listens from here on. The errors are those of ScrapeServer::open and store_token; none of them needs to end a sweep.
  static Result<std::unique_ptr<MetricsExporter>> open(const Settings&, const Spec&);

  void on_durable(const Record& record, const History& history) override { series_.on_durable(record, history); }
  void on_turn(const Turn& turn, const History& history) override { series_.on_turn(turn, history); }

  /// As bound: "127.0.0.1:43817".
  const std::string& address() const { return server_->address(); }

 private:
  explicit MetricsExporter(const Spec& spec) : series_(spec) {}
  Series series_;
  std::unique_ptr<ScrapeServer> server_;  // Below the series: it stops asking for the page before they go.
};

}  // namespace tune
