// SPDX-License-Identifier: Apache-2.0
#include "ui/metrics/exporter.hpp"

#include "ui/server/token.hpp"

namespace tune {

Result<std::unique_ptr<MetricsExporter>> MetricsExporter::open(const Settings& settings, const Spec& spec) {
  std::string token;
  if (!settings.open_to_all) {
    auto found = store_token(settings.store_folder);
    if (!found) return found.error();
    token = std::move(*found);
  }
  std::unique_ptr<MetricsExporter> exporter(new MetricsExporter(spec));
  auto server = ScrapeServer::open({settings.address, token}, [series = &exporter->series_] { return series->text(); });
  if (!server) return server.error();
  exporter->server_ = std::move(*server);
  return exporter;
}

}  // namespace tune
