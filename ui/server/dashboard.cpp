// SPDX-License-Identifier: Apache-2.0
#include "ui/server/dashboard.hpp"

#include "ui/server/server.hpp"
#include "ui/server/site.hpp"

namespace tune {
namespace {

constexpr int kFirstPort = 7740, kLastPort = 7749;

Result<std::unique_ptr<Server>> listen(const std::optional<std::string>& address, Service& service) {
  if (address && !address->empty()) return Server::open({*address}, service);
  for (int port = kFirstPort; port < kLastPort; ++port) {
    auto server = Server::open({"127.0.0.1:" + std::to_string(port)}, service);
    if (server || server.error().code != Error::Code::conflict) return server;
  }
  return Server::open({"127.0.0.1:" + std::to_string(kLastPort)}, service);
}

}  // namespace

Dashboard::Dashboard() = default;
Dashboard::~Dashboard() = default;
const std::string& Dashboard::address() const { return server_->address(); }
std::string Dashboard::way_in() const { return site_->way_in(); }
std::string Dashboard::url() const { return site_->origin(); }
const std::string& Dashboard::secret() const { return site_->secret(); }
bool Dashboard::takes_reports() const { return !site_->settings().metrics_only && !site_->settings().read_only; }

Result<Done> Dashboard::check(const Settings& settings) {
  if (!settings.address || settings.address->empty()) return Done{};
  return Server::check({*settings.address});
}

Result<std::unique_ptr<Dashboard>> Dashboard::open(const Settings& settings) {
  if (auto allowed = check(settings); !allowed) return allowed.error();  // First: who is refused leaves nothing behind.
  std::unique_ptr<Dashboard> dashboard(new Dashboard);
  auto site = Site::open({settings.store, {}, settings.read_only, settings.public_metrics, settings.metrics_only, settings.metrics,
                          settings.owner});
  if (!site) return site.error();
  dashboard->site_ = std::move(*site);
  auto server = listen(settings.address, *dashboard->site_);
  if (!server) return server.error();
  dashboard->server_ = std::move(*server);
  dashboard->site_->set_address(dashboard->server_->address());
  return dashboard;
}

}  // namespace tune
